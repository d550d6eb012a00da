"""The battery: what every candidate has to prove, as checks that raise AssertionError with a clear message.

`examine` runs them all; each takes a candidate, so that a deliberately broken one can be shown to fail.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnxruntime
from sklearn.metrics import roc_auc_score

from churn.bundle.making import with_hard_rows
from churn.contract.contract import Contract
from churn.contract.table import Columns, check_table, check_target
from churn.data.sampler import sample_telco
from churn.evaluation.metrics import calibration_slope
from churn.features.frame import feature_tensors, raw_frame
from churn.features.graph import GraphBuilder
from churn.models.calibration import CalibratedPipeline, probability_onnx
from churn.models.candidate import Candidate, Recipe
from tests.bundles import quick_parameters

MAX_DIFFERENCE = 1e-5
MAX_BATCH_DIFFERENCE = 1e-6
MAX_SUM_DIFFERENCE = 1e-4
FLOAT32_STEPS = 3e-7
"""A probability of the graph is rounded, and may go back by a few units of the last place."""

ROWS = 400


@dataclass(frozen=True, slots=True)
class Sample:
    """Customers and who of them left; `columns` are graph-ready."""

    columns: Columns
    target: np.ndarray


@dataclass(frozen=True, slots=True)
class Examined:
    """One candidate, fitted once on customers of a contract, with its graph from columns to (probability, margin)."""

    candidate: Candidate
    contract: Contract
    seen: Sample
    fitted: CalibratedPipeline

    def scores(self, columns: Columns) -> np.ndarray:
        """Calibrated probabilities by the pipeline."""
        return np.asarray(self.fitted.predict_proba(raw_frame(columns))[:, 1])

    def graph_scores(self, columns: Columns) -> np.ndarray:
        """Calibrated probabilities by the graph."""
        return run(self._graph(self._probability), self.contract, columns)

    def margins(self, columns: Columns) -> np.ndarray:
        """Log-odds before calibration, by the graph."""
        return run(self._graph(self._margin), self.contract, columns)

    def contributions(self, columns: Columns) -> tuple[np.ndarray, float]:
        """What each feature adds to the margin, by the graph, and the base."""
        graph = GraphBuilder()
        tensors = feature_tensors(self.contract, graph)
        found = self.candidate.contributions_onnx(self.fitted.pipeline_, raw_frame(self.seen.columns), (graph, tensors))
        flat = run(graph.build(found.tensor, "out").SerializeToString(), self.contract, columns)
        return flat.reshape(len(next(iter(columns.values()))), -1), found.base

    def _graph(self, output: Callable[[GraphBuilder, Mapping[str, str]], str]) -> bytes:
        graph = GraphBuilder()
        tensors = feature_tensors(self.contract, graph)
        return bytes(graph.build(output(graph, tensors), "out").SerializeToString())

    def _margin(self, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
        return self.candidate.margin_onnx(self.fitted.pipeline_, self.contract, graph, tensors)

    def _probability(self, graph: GraphBuilder, tensors: Mapping[str, str]) -> str:
        return probability_onnx(self.fitted, graph, self._margin(graph, tensors))


def run(model: bytes, contract: Contract, columns: Columns) -> np.ndarray:
    """Run a graph with one output over graph-ready columns."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {name: columns[name].reshape(-1, 1) for name in contract.columns}
    return np.asarray(session.run(None, feed)[0], np.float64)


def customers(contract: Contract, rows: int, *, seed: int) -> Sample:
    """Synthetic Telco customers, those columns of them that the contract has."""
    raw = sample_telco(rows, seed=seed)
    checked = check_table(contract, raw)
    return Sample(checked.columns, check_target(contract, raw)[0][checked.accepted - 1])


def fit(candidate: Candidate, contract: Contract, sample: Sample, *, seed: int = 0) -> Examined:
    """Fit one candidate with quick parameters, calibrated on the half of the rows that the other half predicts."""
    pipeline = candidate.build(Recipe(contract, quick_parameters(candidate), seed))
    halves = np.array_split(np.arange(len(sample.target)), 2)
    fitted = CalibratedPipeline(pipeline, folds=2, seed=seed)
    fitted.fit(raw_frame(sample.columns), sample.target, [(halves[0], halves[1])])
    return Examined(candidate, contract, sample, fitted)


def check_probabilities(one: Examined) -> None:
    """Probabilities are finite, between 0 and 1, and there is one per row."""
    found = one.scores(with_hard_rows(one.contract, one.seen.columns))
    assert found.shape == (len(one.seen.target) + 3,), f"{len(one.seen.target) + 3} rows gave {found.shape}"
    assert np.isfinite(found).all(), "a score is not a number"
    assert ((found >= 0) & (found <= 1)).all(), "a probability lies outside 0 and 1"


def check_parity(one: Examined) -> None:
    """The graph equals the pipeline on unseen, missing, unknown and extreme values."""
    for kind, columns in hard_samples(one.contract).items():
        apart = np.abs(one.graph_scores(columns) - one.scores(columns)).max()
        assert apart <= MAX_DIFFERENCE, f"graph and pipeline differ by {apart:.1e} on {kind}"


def hard_samples(contract: Contract) -> dict[str, Columns]:
    """Rows that break what was not thought of, each kind by itself."""
    plain = customers(contract, 300, seed=11).columns
    return {
        "customers that were not seen": with_hard_rows(contract, plain),
        "categories that were not seen": _changed(plain, 1.0, texts=["never seen", "é", "Yes "], numbers=None),
        "missing values": _changed(plain, 0.4, texts=[""], numbers=[np.nan]),
        "extreme numbers": _changed(plain, 0.3, texts=None, numbers=[0, -0.0, 1e-30, 1e4, 1e6, 1e30, -1e30]),
    }


def _changed(columns: Columns, share: float, *, texts: list[str] | None, numbers: list[float] | None) -> Columns:
    rng, changed = np.random.default_rng(12), {}
    for name, values in columns.items():
        wanted = texts if values.dtype == object else numbers
        drawn = values if wanted is None else rng.choice(np.array(wanted, dtype=values.dtype), len(values))
        changed[name] = np.where(rng.random(len(values)) < share, drawn, values).astype(values.dtype)
    return changed


def check_single_rows(one: Examined) -> None:
    """A row alone is scored as in its batch, and wherever it stands in it, by pipeline and graph."""
    columns = customers(one.contract, 200, seed=13).columns
    turned = {name: values[::-1].copy() for name, values in columns.items()}
    for kind, how in {"pipeline": one.scores, "graph": one.graph_scores}.items():
        batch = how(columns)
        alone = np.array([how({name: values[row : row + 1] for name, values in columns.items()})[0] for row in (0, 7)])
        assert np.abs(alone - batch[[0, 7]]).max() <= MAX_BATCH_DIFFERENCE, f"{kind}: a row alone has another score"
        assert np.abs(how(turned)[::-1] - batch).max() <= MAX_BATCH_DIFFERENCE, f"{kind}: the order of rows matters"


def check_contributions(one: Examined) -> None:
    """Base and contributions add up to the margin, and every feature has one."""
    for kind, columns in hard_samples(one.contract).items():
        found, base = one.contributions(columns)
        features = len(one.contract.columns) + len(one.contract.derived)
        assert found.shape[1] == features, f"{features} features have {found.shape[1]} contributions"
        apart = np.abs(found.sum(axis=1) + base - one.margins(columns)).max()
        assert apart <= MAX_SUM_DIFFERENCE, f"contributions miss the margin by {apart:.1e} on {kind}"


def check_skill(one: Examined) -> None:
    """It orders unseen customers better than chance; the dummy orders nobody."""
    unseen = customers(one.contract, 1500, seed=14)
    reached = roc_auc_score(unseen.target, one.scores(unseen.columns))
    if one.candidate.name == "dummy":
        assert reached == 0.5, f"the dummy knows something: ROC-AUC {reached:.3f}"
    else:
        assert reached > 0.6, f"ROC-AUC {reached:.3f} is not better than the dummy's 0.5"


def check_calibration(one: Examined) -> None:
    """On unseen customers as many leave as were predicted, and it is neither far too sure nor far too shy."""
    unseen = customers(one.contract, 3000, seed=15)
    found = one.scores(unseen.columns)
    expected, left = found.mean(), unseen.target.mean()
    assert abs(expected - left) < 0.06, f"{left:.1%} left, and {expected:.1%} were predicted"
    if np.ptp(found) > 1e-3:
        slope = calibration_slope(unseen.target, found)
        assert 0.6 < slope < 1.6, f"the calibration slope is {slope:.2f}"


def check_determinism(candidate: Candidate, contract: Contract) -> None:
    """The same seed gives the same scores, whatever the order of the frame's columns."""
    sample = customers(contract, 200, seed=16)
    turned = Sample(dict(reversed(sample.columns.items())), sample.target)
    first, second = fit(candidate, contract, sample), fit(candidate, contract, turned)
    assert np.array_equal(first.scores(sample.columns), second.scores(sample.columns)), "two fits gave two models"


def check_few_customers(candidate: Candidate, contract: Contract) -> None:
    """Sixty customers are enough to fit on, and to score others by."""
    one = fit(candidate, contract, customers(contract, 60, seed=24))
    check_probabilities(one)
    check_parity(one)


def check_constant_columns(candidate: Candidate, contract: Contract) -> None:
    """A column of one value, and one without any value, are fitted and scored."""
    sample = customers(contract, 200, seed=17)
    for name, values in sample.columns.items():
        if name in ("MonthlyCharges", "Contract"):
            sample.columns[name] = np.full_like(values, values[0])
        if name in ("TotalCharges", "PaymentMethod"):
            sample.columns[name] = np.full_like(values, "" if values.dtype == object else np.nan)
    check_parity(fit(candidate, contract, sample))


def check_certainty(candidate: Candidate, contract: Contract) -> None:
    """A column that gives the target away drives log-odds to where probabilities end; the graph follows."""
    sample = customers(contract, 200, seed=18)
    sample.columns["tenure"] = np.where(sample.target == 1, 1000, 1).astype(np.float32)
    one = fit(candidate, contract, sample)
    apart = np.abs(one.graph_scores(sample.columns) - one.scores(sample.columns)).max()
    assert apart <= MAX_DIFFERENCE, f"graph and pipeline differ by {apart:.1e} where the model is certain"


def check_one_kind_of_column(candidate: Candidate, contract: Contract) -> None:
    """A contract of numbers alone, and one of categories alone, work."""
    for numbers in (True, False):
        narrow = only(contract, numbers=numbers)
        one = fit(candidate, narrow, customers(narrow, 200, seed=19))
        check_probabilities(one)
        check_parity(one)
        check_contributions(one)


def only(contract: Contract, *, numbers: bool) -> Contract:
    """The contract with only its numbers, or only its categories."""
    columns = {name: column for name, column in contract.columns.items() if column.is_numeric is numbers}
    derived = {name: how for name, how in contract.derived.items() if numbers and name != "services"}
    parts = dict.fromkeys(("economics", "segments", "survival", "fairness")) | {"offers": ()}
    changed = {"columns": columns, "derived": derived, "relations": {}, "trusted": {}, **parts}
    return Contract.model_validate(contract.model_dump() | changed)


def check_monotone(candidate: Candidate, contract: Contract) -> None:
    """A longer tenure never raises the risk, a higher bill never lowers it: not even where the data say so."""
    bound = monotone(contract)
    sample = customers(bound, ROWS, seed=20)
    long_ones_leave = (sample.columns["tenure"] > np.median(sample.columns["tenure"])).astype(np.int8)
    one = fit(candidate, bound, replace(sample, target=long_ones_leave))
    for name, sign in (("tenure", -1), ("MonthlyCharges", 1)):
        for kind, how in {"pipeline": one.scores, "graph": one.graph_scores}.items():
            moved = np.diff(sweep(how, sample.columns, name), axis=0) * sign
            assert (moved >= -FLOAT32_STEPS).all(), f"{name} is not monotone in the {kind}: {moved.min():.1e}"


def monotone(contract: Contract) -> Contract:
    """The contract with two monotone columns, and without the ratio that may move against them."""
    columns = dict(contract.columns)
    columns["tenure"] = columns["tenure"].model_copy(update={"monotone": "decreasing"})
    columns["MonthlyCharges"] = columns["MonthlyCharges"].model_copy(update={"monotone": "increasing"})
    derived = {name: how for name, how in contract.derived.items() if name != "charges_per_month_so_far"}
    return Contract.model_validate(contract.model_dump() | {"columns": columns, "derived": derived})


def sweep(how: Callable[[Columns], np.ndarray], columns: Columns, name: str) -> np.ndarray:
    """Scores of 30 customers, shape (steps, 30), as one column moves up over its range and beyond."""
    steps = np.linspace(0, np.nanmax(columns[name]) * 1.2, 40).astype(np.float32)
    many = {key: np.tile(values[:30], len(steps)) for key, values in columns.items()}
    return how({**many, name: np.repeat(steps, 30)}).reshape(len(steps), 30)


FITTED_CHECKS: dict[str, Callable[[Examined], None]] = {
    "probabilities": check_probabilities,
    "parity": check_parity,
    "single rows": check_single_rows,
    "contributions": check_contributions,
    "skill": check_skill,
    "calibration": check_calibration,
}
"""On one model that was fitted once."""

FITTING_CHECKS: dict[str, Callable[[Candidate, Contract], None]] = {
    "determinism": check_determinism,
    "few customers": check_few_customers,
    "constant columns": check_constant_columns,
    "certainty": check_certainty,
    "one kind of column": check_one_kind_of_column,
    "monotone": check_monotone,
}
"""These fit models of their own."""


def examine(one: Examined) -> dict[str, str]:
    """Run the checks of a fitted model; return what failed, with the message."""
    failed: dict[str, Any] = {}
    for name, check in FITTED_CHECKS.items():
        try:
            check(one)
        except AssertionError as error:
            failed[name] = str(error).splitlines()[0]
    return failed
