"""Makes a bundle: a fitted pipeline becomes one graph, is proven equal to it, and is sealed with all it needs.

Beside it a second graph gives reasons, and is proven to add up to what the first one says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from onnx import ModelProto

from churn.bundle.additivity import prove_additivity
from churn.bundle.explaining import explanation_graph
from churn.bundle.explanation_session import ExplanationSession
from churn.bundle.files import (
    CARD,
    CONTRACT,
    EXPLANATION,
    GOLDEN,
    MODEL,
    MONTHS,
    OUTPUT,
    POLICY,
    PRIORITY,
    REFERENCE,
    ROW_BY_ROW,
    SEGMENTS,
    Additivity,
    DecisionPolicy,
    GoldenRow,
    GoldenRows,
    Manifest,
    Parity,
    hash_file,
    seal,
)
from churn.bundle.parity import prove_parity, prove_row_by_row
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.reading import dump_contract
from churn.contract.table import Columns
from churn.features.frame import feature_tensors, raw_frame
from churn.features.graph import GraphBuilder
from churn.models.calibration import CalibratedPipeline, probability_onnx
from churn.models.candidates import CANDIDATES
from churn.retention.months import MonthsModel
from churn.retention.priority import PriorityScale, scale_of
from churn.retention.profit import expected_profit
from churn.retention.worth import worth_of
from churn.segments.assignment import SegmentBook

GOLDEN_ROWS = 32
REFERENCE_ROWS = 5000
FILES = (MODEL, EXPLANATION, CONTRACT, POLICY, GOLDEN, REFERENCE, CARD, SEGMENTS, MONTHS, PRIORITY)
"""EXPLANATION, SEGMENTS and MONTHS are in some bundles, the others in every new one."""


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a bundle is made of.

    Attributes:
        evaluation: graph-ready columns that the model was not fitted on; parity is proven on all of them.
        reference: graph-ready columns of the training rows; a sample is kept for drift.
        card: the model card, Markdown.
        segments: which segment a customer belongs to; None: answers tell no segment.
        months: how long a customer is expected to stay; needed when economics.value_from is survival.
    """

    contract: Contract
    candidate: str
    fitted: CalibratedPipeline
    policy: DecisionPolicy
    evaluation: Columns
    reference: Columns
    training_data_sha256: str
    card: str
    segments: SegmentBook | None = None
    months: MonthsModel | None = None


def make_bundle(folder: Path, made_of: Ingredients) -> tuple[str, Parity]:
    """Write a sealed bundle into an empty folder; return its digest and the parity that was proven.

    Raises:
        BundleError: the graph is not equal to the pipeline, or not valid, or a row's score is not its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = graph_of(made_of.candidate, made_of.fitted, made_of.contract).SerializeToString()
    graph = GraphSession(model, made_of.contract)
    proof_rows = with_hard_rows(made_of.contract, made_of.evaluation)
    of_pipeline = made_of.fitted.predict_proba(raw_frame(proof_rows))[:, 1]
    parity = prove_parity(graph.score(proof_rows), of_pipeline)
    reference = sample_reference(made_of.reference, graph)
    (folder / MODEL).write_bytes(model)
    additivity = _explain(folder, made_of, graph, (proof_rows, reference.drop(columns=OUTPUT)))
    _write_texts(folder, made_of, golden_rows(graph, proof_rows))
    reference.to_parquet(folder / REFERENCE, index=False)
    (folder / PRIORITY).write_text(_priority(made_of, reference).model_dump_json(), encoding="utf-8")
    return seal(folder, _manifest(folder, made_of, parity, additivity)), parity


def _explain(
    folder: Path, made_of: Ingredients, graph: GraphSession, rows: tuple[Columns, pd.DataFrame]
) -> Additivity | None:
    """Write the graph of reasons and prove it on the first rows, with the second as background; None: no reasons."""
    proof_rows, background = rows
    found = explanation_graph(CANDIDATES[made_of.candidate], made_of.fitted, made_of.contract, background)
    if found is None:
        return None
    model = found.SerializeToString()
    contributions = ExplanationSession(model, made_of.contract).explain(proof_rows)
    (folder / EXPLANATION).write_bytes(model)
    return prove_additivity(contributions, graph.score(proof_rows))


def _priority(made_of: Ingredients, reference: pd.DataFrame) -> PriorityScale:
    """Rank customers by what contacting them earns; by probability when nothing is known of that."""
    probabilities = reference[OUTPUT].to_numpy()
    economics, worth = made_of.contract.economics, worth_of(made_of.contract.economics, made_of.months)
    if economics is None or worth is None:
        return scale_of("probability", probabilities)
    columns = {name: reference[name].to_numpy() for name in made_of.contract.columns}
    return scale_of("expected_profit", expected_profit(probabilities, worth.of_columns(columns), economics))


def _manifest(folder: Path, made_of: Ingredients, parity: Parity, additivity: Additivity | None) -> Manifest:
    return Manifest(
        contract=made_of.contract.name,
        candidate=made_of.candidate,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        training_data_sha256=made_of.training_data_sha256,
        parity=parity,
        additivity=additivity,
        sha256={name: hash_file(folder / name) for name in FILES if (folder / name).exists()},
    )


def graph_of(candidate: str, fitted: CalibratedPipeline, contract: Contract) -> ModelProto:
    """Write a fitted pipeline as one graph from the contract's raw columns to the calibrated probability."""
    graph = GraphBuilder()
    tensors = feature_tensors(contract, graph)
    margin = CANDIDATES[candidate].margin_onnx(fitted.pipeline_, contract, graph, tensors)
    model = graph.build(probability_onnx(fitted, graph, margin), OUTPUT)
    model.metadata_props.add(key=ROW_BY_ROW, value="1")
    return model


def with_hard_rows(contract: Contract, columns: Columns) -> Columns:
    """Append rows that data may lack: everything missing, and every category unknown."""
    return {name: np.append(values, _hard_values(contract, name, values)) for name, values in columns.items()}


def _hard_values(contract: Contract, name: str, values: np.ndarray) -> np.ndarray:
    if contract.columns[name].is_numeric:
        largest = np.nanmax(values) if not np.isnan(values).all() else np.float32(0)
        return np.array([np.nan, 0, largest * 2 + 1], np.float32)
    return np.array(["", "a value that nobody has seen", ""], dtype=object)


def golden_rows(graph: GraphSession, columns: Columns) -> GoldenRows:
    """Take rows spread over the table, the hard ones among them, with the graph's probabilities.

    Raises:
        BundleError: a row's probability depends on the rows that it is scored with.
    """
    rows = len(next(iter(columns.values())))
    spread = np.unique(np.concatenate([np.linspace(0, rows - 1, GOLDEN_ROWS).astype(int), np.arange(rows - 3, rows)]))
    chosen = [{name: values[row] for name, values in columns.items()} for row in spread]
    alone = [graph.score_row(row) for row in chosen]
    prove_row_by_row(np.array(alone), graph.score(columns)[spread])
    golden = zip(chosen, alone, strict=True)
    return GoldenRows(rows=tuple(GoldenRow(row=_plain(row), probability=found) for row, found in golden))


def _plain(row: Mapping[str, np.float32 | str]) -> dict[str, float | str | None]:
    return {
        name: value if isinstance(value, str) else None if np.isnan(value) else float(value)
        for name, value in row.items()
    }


def sample_reference(columns: Columns, graph: GraphSession) -> pd.DataFrame:
    """Return a sample of the training rows with their scores: what live windows are compared with."""
    frame = raw_frame(columns).assign(**{OUTPUT: graph.score(columns)})
    return frame.sample(min(REFERENCE_ROWS, len(frame)), random_state=0).reset_index(drop=True)


def _write_texts(folder: Path, made_of: Ingredients, golden: GoldenRows) -> None:
    (folder / CONTRACT).write_text(dump_contract(made_of.contract), encoding="utf-8")
    (folder / POLICY).write_text(made_of.policy.model_dump_json(indent=2), encoding="utf-8")
    (folder / GOLDEN).write_text(golden.model_dump_json(indent=1), encoding="utf-8")
    (folder / CARD).write_text(made_of.card, encoding="utf-8")
    for name, extra in ((SEGMENTS, made_of.segments), (MONTHS, made_of.months)):
        if extra is not None:
            (folder / name).write_text(extra.model_dump_json(indent=1), encoding="utf-8")
