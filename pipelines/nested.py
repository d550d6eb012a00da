"""Nested evaluation: the whole development again inside each outer fold, so that no choice has seen the tested rows.

The scores say how good the *procedure* is on customers that it never touched: search, calibration, stacking, choice of
the candidate (Cawley and Talbot, "On over-fitting in model selection", JMLR 11, 2010).
"""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from churn.contract.contract import Contract
from churn.evaluation.folds import Fold, make_folds
from churn.features.frame import raw_frame
from pipelines.development import Development
from pipelines.ingest import Customers
from pipelines.processes import in_processes
from pipelines.search import storage_of
from pipelines.tracking import Say, silent
from pipelines.training import TrainParameters


@dataclass(frozen=True, slots=True)
class Nested:
    """What nested evaluation found.

    Attributes:
        scores: probabilities of what each outer fold chose, shape (repeats, rows); NaN where a row was never tested.
        chosen: the candidate that each outer fold chose.
        of_finalists: the same for each finalist, whether a fold chose it or not; NaN too where a fold had no such one.
        seconds: what each outer fold took, on one core.
    """

    scores: np.ndarray
    chosen: list[str]
    of_finalists: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tested:
    """One outer fold: each finalist's probabilities of its tested rows."""

    repeat: int
    rows: np.ndarray
    of_finalists: dict[str, np.ndarray]
    chosen: str
    seconds: float


def nested_scores(customers: Customers, contract: Contract, parameters: TrainParameters, *, say: Say) -> Nested:
    """Develop anew in each of `nested_folds` outer folds, `nested_repeats` times; folds run in parallel processes."""
    repeats = outer_folds(customers, parameters)
    alone = parameters.model_copy(update={"workers": 1})
    tasks = [(customers, contract, alone, (repeat, fold)) for repeat, folds in enumerate(repeats) for fold in folds]
    shape = (len(repeats), len(customers.labels))
    nested = Nested(np.full(shape, np.nan), [])
    for _, tested in in_processes(_develop, tasks, parameters.processes):
        _add(nested, tested, shape)
        say(f"nested evaluation: {len(nested.chosen)} of {len(tasks)} outer folds, {tested.chosen} chosen")
    return nested


def outer_folds(customers: Customers, parameters: TrainParameters) -> list[list[Fold]]:
    """Cut the customers as nested evaluation does: one list of folds per repeat."""
    return make_folds(
        customers.labels,
        folds=parameters.nested_folds,
        repeats=parameters.nested_repeats,
        seed=parameters.seed,
        groups=customers.groups,
        times=customers.times,
    )


def _add(nested: Nested, tested: Tested, shape: tuple[int, int]) -> None:
    nested.scores[tested.repeat, tested.rows] = tested.of_finalists[tested.chosen]
    for name, probabilities in tested.of_finalists.items():
        nested.of_finalists.setdefault(name, np.full(shape, np.nan))[tested.repeat, tested.rows] = probabilities
    nested.chosen.append(tested.chosen)
    nested.seconds.append(tested.seconds)


def _develop(customers: Customers, contract: Contract, parameters: TrainParameters, where: tuple[int, Fold]) -> Tested:
    (repeat, (train, test)), started = where, perf_counter()
    with TemporaryDirectory() as scratch:
        development = Development(
            customers=customers.only(train),
            contract=contract,
            parameters=parameters,
            study="nested",
            storage=storage_of(f"sqlite:///{Path(scratch) / 'optuna.db'}"),
            say=silent,
            is_tracked=False,
        )
        developed = development.run()
    frame = raw_frame(customers.only(test).columns)
    scores = {name: one.fitted.predict_proba(frame)[:, 1] for name, one in developed.finalists.items()}
    return Tested(repeat, test, scores, developed.choice.name, perf_counter() - started)
