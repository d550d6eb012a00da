"""How well staying is foretold: both shapes cross-validated, the better one fitted on all customers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from lifelines.utils import concordance_index
from sklearn.model_selection import StratifiedKFold

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.retention.curves import Curve, curve_of
from churn.retention.months import MONTHS_PER, MonthsModel
from churn.retention.survival import FITTERS, Stays, fit_months, stays_of

FOLDS = 3
STUDIED_ROWS = 6000
RESAMPLES = 100
GROUPS = 5
SIMILAR = 0.005
"""Concordances nearer than this are the same; the calibration then decides."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One fifth of the customers by foretold staying, out of fold.

    Attributes:
        months: how long the staying is that was foretold.
        foretold: mean probability to stay so long.
        observed, low, high: share that stayed (Kaplan-Meier) with its 95 % interval.
    """

    months: float
    foretold: float
    observed: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ShapeTrial:
    """One shape, out of fold.

    Attributes:
        concordance, low, high: share of pairs of which the one who stays longer was foretold to; with 95 % interval.
        calibration_error: mean difference between the foretold and the observed share that stays.
    """

    shape: str
    concordance: float
    low: float
    high: float
    calibration_error: float
    calibration: tuple[Calibrated, ...]


@dataclass(frozen=True, slots=True)
class SurvivalStudy:
    """What is known of staying.

    Attributes:
        model: fitted on all customers; serves as JSON.
        trials: of both shapes, the chosen one first.
        overall: the curve of all customers.
        why: the reason for the shape, in words.
        caveat: what the table can't tell, and what was assumed.
        expected_to_leave: share of the customers that the model expects to leave within the next `horizon_days`.
        observed_to_leave: share that the target says left; of this period, when the target is one of a period.
    """

    model: MonthsModel
    trials: tuple[ShapeTrial, ...]
    overall: Curve
    why: str
    caveat: str
    horizon_days: int
    expected_to_leave: float
    observed_to_leave: float

    @property
    def agrees(self) -> bool:
        """False: the shares of those who leave differ by more than a half, so that the months can't be relied on."""
        return 1 / 1.5 <= self.expected_to_leave / self.observed_to_leave <= 1.5


def study_survival(
    contract: Contract, columns: Columns, labels: np.ndarray, *, seed: int, watched_months: float | None = None
) -> SurvivalStudy:
    """Choose a shape by cross-validation and fit it on all customers.

    Args:
        contract: must have `survival`.
        columns: graph-ready columns, each of shape (rows,).
        labels: 1 for customers who left, else 0; shape (rows,).
        seed: of the folds and resamples.
        watched_months: leavers of the last so many months are in the table, and none from before; None: all are.

    Raises:
        ContractError: the contract has no `survival`.
        TableError: nobody left, or no duration is known.
    """
    stays = stays_of(contract, columns, labels, watched_months=watched_months)
    chosen = np.random.default_rng(seed).permutation(len(stays.months))[:STUDIED_ROWS]
    some = {name: values[chosen] for name, values in columns.items()}
    trials = [_try(contract, some, stays.only(chosen), (shape, seed)) for shape in FITTERS]
    best = better(*trials)
    model = fit_months(contract, columns, stays, shape=best.shape)
    return SurvivalStudy(
        model=model,
        trials=tuple(sorted(trials, key=lambda trial: trial is not best)),
        overall=curve_of(stays, "all customers"),
        why=_why(*sorted(trials, key=lambda trial: trial is not best)),
        caveat=_caveat(watched_months),
        horizon_days=contract.target.horizon_days,
        expected_to_leave=_leaving(model, columns, contract.target.horizon_days),
        observed_to_leave=float(stays.left.mean()),
    )


def better(first: ShapeTrial, second: ShapeTrial) -> ShapeTrial:
    """Take the clearly larger concordance, else the smaller calibration error."""
    if abs(first.concordance - second.concordance) > SIMILAR:
        return max(first, second, key=lambda trial: trial.concordance)
    return min(first, second, key=lambda trial: trial.calibration_error)


def _try(contract: Contract, columns: Columns, stays: Stays, how: tuple[str, int]) -> ShapeTrial:
    shape, seed = how
    checkpoints = np.unique(np.quantile(stays.months, [0.25, 0.5, 0.75]))
    foretold = np.zeros((len(stays.months), len(checkpoints)))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(stays.left, stays.left):
        model = fit_months(contract, _only(columns, train), stays.only(train), shape=shape)
        foretold[test] = model.survival(_only(columns, test), checkpoints)
    middle = foretold[:, len(checkpoints) // 2]
    low, high = _interval(stays, middle, seed)
    table = tuple(_calibration(stays, foretold, checkpoints))
    return ShapeTrial(
        shape=shape,
        concordance=_concordance(stays, middle),
        low=low,
        high=high,
        calibration_error=float(np.mean([abs(row.foretold - row.observed) for row in table])),
        calibration=table,
    )


def _only(columns: Columns, chosen: np.ndarray) -> Columns:
    return {name: values[chosen] for name, values in columns.items()}


def _concordance(stays: Stays, foretold: np.ndarray) -> float:
    return float(concordance_index(stays.months, foretold, stays.left))


def _interval(stays: Stays, foretold: np.ndarray, seed: int) -> tuple[float, float]:
    """Percentile bootstrap over customers."""
    rng, rows = np.random.default_rng(seed), len(foretold)
    drawn = (rng.integers(rows, size=rows) for _ in range(RESAMPLES))
    low, high = np.quantile([_concordance(stays.only(each), foretold[each]) for each in drawn], [0.025, 0.975])
    return float(low), float(high)


def _calibration(stays: Stays, foretold: np.ndarray, checkpoints: np.ndarray) -> Iterator[Calibrated]:
    for place, month in enumerate(checkpoints.tolist()):
        order = np.argsort(foretold[:, place], kind="stable")
        for fifth in np.array_split(order, GROUPS):
            observed, low, high = curve_of(stays.only(fifth), "").at(month)
            yield Calibrated(month, float(foretold[fifth, place].mean()), observed, low, high)


def _why(best: ShapeTrial, other: ShapeTrial) -> str:
    return (
        f"The {_words(best)} shape foretells who stays longer in {best.concordance:.1%} of pairs (95 % interval "
        f"{best.low:.1%} to {best.high:.1%}; chance is 50 %) and misses the share that stays by "
        f"{best.calibration_error:.1%} on average; {_words(other)}: {other.concordance:.1%} and "
        f"{other.calibration_error:.1%}. Measured on customers that the model had not seen."
    )


def _words(trial: ShapeTrial) -> str:
    return trial.shape.replace("_", "-").replace("weibull", "Weibull")


def _leaving(model: MonthsModel, columns: Columns, days: int) -> float:
    return float(1 - model.conditional_survival(columns, np.array([days * MONTHS_PER["days"]])).mean())


def _caveat(watched_months: float | None) -> str:
    if watched_months is not None:
        return (
            f"Assumed: the table holds those who left in the last {watched_months:g} months and none from before, so "
            "that each customer counts as watched for that long only."
        )
    return (
        "The table is a snapshot, and customers who left before it was made may not be in it. Assumed: all are, and "
        "each was watched from his first day. Where they are not, customers leave sooner than these curves say, and "
        "the expected months are too many."
    )
