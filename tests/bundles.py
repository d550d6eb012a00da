"""Small real bundles for tests: random customers of a contract, a fitted pipeline, a sealed folder."""

import json
import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pandas as pd
from onnx import ModelProto, helper, numpy_helper

from churn.bundle.files import (
    EXPLANATION,
    GOLDEN,
    MANIFEST,
    MODEL,
    OUTPUT,
    PRIORITY,
    REFERENCE,
    SEGMENTS,
    DecisionPolicy,
    GoldenRows,
    digest_of,
    hash_file,
    seal,
    verify,
)
from churn.bundle.making import Ingredients, make_bundle
from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.features.frame import raw_frame
from churn.models.calibration import CalibratedPipeline
from churn.models.candidate import Candidate, Parameters, Recipe
from churn.models.candidates import CANDIDATES
from churn.retention.months import MonthsModel, NumberTerm
from churn.segments.assignment import SegmentBook
from churn.segments.profile import Choice, Segment
from churn.segments.scales import NumberScale

QUICK: Parameters = {
    "n_estimators": 25,
    "iterations": 25,
    "learning_rate": 0.06,  # so few trees at the defaults' pace would hardly have begun
    "folds": 2,
    "members": "logistic,lightgbm",
    "lightgbm.n_estimators": 10,
}
OF_STACK = ("folds", "members", "lightgbm.n_estimators")


def quick_parameters(candidate: Candidate) -> dict[str, float | int | str]:
    """The candidate's defaults, with as few trees and members as still make a model."""
    known = OF_STACK if candidate.name == "stack" else tuple(candidate.defaults)
    return {**candidate.defaults, **{name: value for name, value in QUICK.items() if name in known}}


def random_columns(contract: Contract, rows: int, *, seed: int) -> Columns:
    """Graph-ready columns with some values missing."""
    rng = np.random.default_rng(seed)
    columns: Columns = {}
    for name, column in contract.columns.items():
        is_missing = (rng.random(rows) < 0.05) & (not column.required)
        if column.is_numeric:
            low, high = column.minimum or 0, min(column.maximum or 1, 100)
            values = np.rint(rng.uniform(low, max(high, low + 1), rows)).astype(np.float32)
            columns[name] = np.where(is_missing, np.float32(np.nan), values).astype(np.float32)
        else:
            values = rng.choice(np.array(column.categories or ("other",), dtype=object), rows)
            columns[name] = np.where(is_missing, "", values).astype(object)
    return columns


def random_target(columns: Columns, *, seed: int) -> np.ndarray:
    """A target that the first category and the first number explain in part."""
    rng = np.random.default_rng(seed)
    signal = np.zeros(len(next(iter(columns.values()))))
    for values in columns.values():
        if values.dtype == object:
            signal += np.unique(values, return_inverse=True)[1] * 0.5
        else:
            filled = np.nan_to_num(values)
            signal += (filled - filled.mean()) / (filled.std() + 1)
    return (signal + rng.normal(scale=signal.std(), size=len(signal)) > np.quantile(signal, 0.7)).astype(np.int8)


def fitted_pipeline(contract: Contract, candidate: str, columns: Columns, *, seed: int = 0) -> CalibratedPipeline:
    """A calibrated pipeline on a random target."""
    build = CANDIDATES[candidate]
    target = random_target(columns, seed=seed)
    pipeline = build.build(Recipe(contract, quick_parameters(build), seed))
    return CalibratedPipeline(pipeline, folds=3, seed=seed).fit(raw_frame(columns), target)


def small_bundle(
    folder: Path,
    contract: Contract,
    *,
    candidate: str = "logistic",
    seed: int = 0,
    segments: SegmentBook | None = None,
    months: MonthsModel | None = None,
) -> str:
    """Write a sealed bundle and return its digest; another seed gives another model."""
    columns = random_columns(contract, 400, seed=seed)
    made_of = Ingredients(
        contract=contract,
        candidate=candidate,
        fitted=fitted_pipeline(contract, candidate, columns, seed=seed),
        policy=DecisionPolicy(threshold=0.3, high_risk_from=0.6),
        evaluation={name: values[:100] for name, values in columns.items()},
        reference=columns,
        training_data_sha256="0" * 64,
        card="# A small bundle for tests\n",
        segments=segments,
        months=months,
    )
    return make_bundle(folder, made_of)[0]


def tenure_book() -> SegmentBook:
    """Two segments of Telco-like customers, new and old, with the border at 50 months."""
    scale = NumberScale(name="tenure", median=50, low=0, high=100, centre=50, spread=25)
    new, old = (
        Segment(name=name, centre=(centre,), size=10, share=0.5, churn_rate=rate, churn_low=0.0, churn_high=1.0)
        for name, centre, rate in (("new customers", -1.0, 0.4), ("old customers", 1.0, 0.1))
    )
    choice = Choice(count=2, is_discovered=False, why="made by hand for tests")
    return SegmentBook(contract="telco", scales=(scale,), segments=(new, old), choice=choice)


def paying_months() -> MonthsModel:
    """A model of how long customers of Telco stay: the longer, the less they pay."""
    term = NumberTerm(name="MonthlyCharges", median=50, low=0, high=100, centre=50, spread=25, coefficient=-0.4)
    return MonthsModel(shape="weibull", duration="tenure", median_months=20, intercept=3.5, terms=(term,), power=0.9)


def as_format_1(folder: Path) -> str:
    """Make a bundle one of the first kind, without explanations, segments and priority; return its digest."""
    manifest = verify(folder)
    (folder / EXPLANATION).unlink()
    for name in (SEGMENTS, PRIORITY):
        (folder / name).unlink(missing_ok=True)
    later = (EXPLANATION, SEGMENTS, PRIORITY)
    kept = {name: sha256 for name, sha256 in manifest.sha256.items() if name not in later}
    old = manifest.model_copy(update={"format": 1, "sha256": kept}).model_dump(mode="json", exclude={"additivity"})
    (folder / MANIFEST).write_text(json.dumps(old), encoding="utf-8")
    return digest_of(folder)


Fault = Literal["nan", "raise", "slow"]
MULTIPLIED = 700
"""Rows of the matrix that a slow graph multiplies: 7 to 10 ms a customer; twice as many take eight times as long."""


def faulty_bundle(
    folder: Path, source: Path, *, column: str, category: str, fault: Fault, multiplied: int = MULTIPLIED
) -> str:
    """Copy a sealed bundle whose graph goes wrong for the customers of one category, and return its digest.

    It is sealed anew, and its golden rows and its sample are of other categories: it loads, and no check but live
    customers finds it.

    Args:
        folder: of the copy; made.
        source: the sealed bundle.
        column: a category column of its contract.
        category: whose customers are concerned.
        fault: the probability is no number, the run raises, or it takes long (for everybody in the run).
        multiplied: rows of the matrix that makes it slow.
    """
    manifest = verify(shutil.copytree(source, folder))
    model = onnx.load_from_string((folder / MODEL).read_bytes())
    _break(model, column, category, fault)
    model.graph.initializer.append(numpy_helper.from_array(np.array([multiplied] * 2), "/square"))
    onnx.checker.check_model(model)
    (folder / MODEL).write_bytes(model.SerializeToString())
    golden = GoldenRows.model_validate_json((folder / GOLDEN).read_bytes())
    others = tuple(each for each in golden.rows if each.row[column] != category)
    (folder / GOLDEN).write_text(GoldenRows(rows=others).model_dump_json(), encoding="utf-8")
    sample = pd.read_parquet(folder / REFERENCE)
    sample[sample[column] != category].to_parquet(folder / REFERENCE, index=False)
    hashes = {name: hash_file(folder / name) for name in manifest.sha256}
    return seal(folder, manifest.model_copy(update={"sha256": hashes}))


def _break(model: ModelProto, column: str, category: str, fault: Fault) -> None:
    """Put nodes between the graph's probability and its output."""
    graph = model.graph
    (last,) = (node for node in graph.node if OUTPUT in node.output)
    last.output[0] = "/sound"
    look_up = {"keys_strings": [category], "domain": "ai.onnx.ml"}
    if fault == "nan":
        graph.node.extend([
            helper.make_node(
                "LabelEncoder", [column], ["/hit"], values_floats=[float("nan")], default_float=0.0, **look_up
            ),
            helper.make_node("Reshape", ["/hit", "/flat"], ["/added"]),
        ])  # fmt: skip
    elif fault == "raise":
        graph.node.extend([
            helper.make_node("LabelEncoder", [column], ["/place"], values_int64s=[7], default_int64=0, **look_up),
            helper.make_node("Gather", ["/nothing", "/place"], ["/hit"]),
            helper.make_node("Reshape", ["/hit", "/flat"], ["/added"]),
        ])  # fmt: skip
    else:
        graph.node.extend([
            helper.make_node("LabelEncoder", [column], ["/hit"], values_floats=[0.0], default_float=0.0, **look_up),
            helper.make_node("ReduceMax", ["/hit"], ["/zero"], keepdims=0),
            helper.make_node("Expand", ["/zero", "/square"], ["/zeros"]),
            helper.make_node("MatMul", ["/zeros", "/zeros"], ["/product"]),
            helper.make_node("ReduceMax", ["/product"], ["/added"], keepdims=0),
        ])  # fmt: skip
    graph.initializer.extend([
        numpy_helper.from_array(np.array([-1]), "/flat"),
        numpy_helper.from_array(np.zeros(1, np.float32), "/nothing"),
    ])  # fmt: skip
    graph.node.append(helper.make_node("Add", ["/sound", "/added"], [OUTPUT]))
