"""Nested evaluation: the whole development again inside each outer fold, so that no choice has seen the tested rows.

The scores say how good the *procedure* is on customers that it never touched: search, calibration, stacking, choice of
the candidate (Cawley and Talbot, "On over-fitting in model selection", JMLR 11, 2010).
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from joblib import Parallel, delayed

from churn.contract.contract import Contract
from churn.evaluation.folds import Fold, make_folds
from churn.features.frame import raw_frame
from pipelines.development import Development
from pipelines.ingest import Customers
from pipelines.search import storage_of
from pipelines.tracking import Say, silent
from pipelines.training import TrainParameters


@dataclass(frozen=True, slots=True)
class Nested:
    """What nested evaluation found.

    Attributes:
        scores: probabilities of shape (repeats, rows); NaN where a row was never tested.
        chosen: the candidate that each outer fold chose.
    """

    scores: np.ndarray
    chosen: list[str]


def nested_scores(customers: Customers, contract: Contract, parameters: TrainParameters, *, say: Say) -> Nested:
    """Develop anew in each of `nested_folds` outer folds, `nested_repeats` times; folds run in parallel processes."""
    repeats = make_folds(
        customers.labels,
        folds=parameters.nested_folds,
        repeats=parameters.nested_repeats,
        seed=parameters.seed,
        groups=customers.groups,
        times=customers.times,
    )
    alone = parameters.model_copy(update={"workers": 1})
    tasks = [
        delayed(_develop)(customers, contract, alone, (repeat, fold))
        for repeat, folds in enumerate(repeats)
        for fold in folds
    ]
    scores, chosen = np.full((len(repeats), len(customers.labels)), np.nan), []
    found = Parallel(n_jobs=min(parameters.processes, len(tasks)), return_as="generator_unordered")(tasks)
    for repeat, rows, probabilities, name in found:
        scores[repeat, rows] = probabilities
        chosen.append(name)
        say(f"nested evaluation: {len(chosen)} of {len(tasks)} outer folds, {name} chosen")
    return Nested(scores, chosen)


def _develop(
    customers: Customers, contract: Contract, parameters: TrainParameters, where: tuple[int, Fold]
) -> tuple[int, np.ndarray, np.ndarray, str]:
    repeat, (train, test) = where
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
        best = development.run().best
    tested = raw_frame(customers.only(test).columns)
    return repeat, test, best.fitted.predict_proba(tested)[:, 1], best.candidate.name
