"""Finalists: what speaks for and against each model that may be chosen, and how far it is behind the best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from churn.evaluation.intervals import Estimate
from churn.evaluation.resampling import bootstrap_counts

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Finalist:
    """A model that may be chosen.

    Attributes:
        name: of the candidate.
        roc_auc: out of fold, with its interval.
        calibration_slope: out of fold; 1 is right.
        gain: what the finalist's campaign earned with each customer (`realised_profit` at its own threshold), shape
            (rows,), the same customers in the same order for all. Without economics: minus the squared error.
        squared_error: of the probabilities, same shape and order; its mean is the Brier score.
        milliseconds: time to answer for one customer.
        interpretability: 0 a formula that people can read … 3 a mean of several kinds of models.
        problems: technical reasons against it that are known already, such as a graph unlike its pipeline.
    """

    name: str
    roc_auc: Estimate
    calibration_slope: float
    gain: np.ndarray
    squared_error: np.ndarray
    milliseconds: float
    interpretability: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Floor:
    """What every finalist has to reach, and which difference in speed nobody notices.

    A campaign judges one threshold. Who sends its money by the other probabilities needs them to be good as well, so a
    finalist whose Brier score is clearly more than `max_brier_behind` above the best is ruled out.
    """

    min_roc_auc: float = 0.7
    min_calibration_slope: float = 0.8
    max_calibration_slope: float = 1.25
    max_brier_behind: float = 0.001
    same_milliseconds: float = 1.0


FLOOR = Floor()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one finalist stands.

    Attributes:
        finalist: who.
        problems: why it is ruled out; empty when it is not.
        behind: how much less it gains per customer than the best that is not ruled out; paired 95 % interval, widened
            for the number of finalists (Bonferroni): the best of many is the best by luck as well.
    """

    finalist: Finalist
    problems: tuple[str, ...]
    behind: Estimate

    @property
    def is_tied(self) -> bool:
        """True when it may be chosen: nothing is against it, and it gains no less than the best within the noise."""
        return not self.problems and self.behind.low <= 0


def rank(finalists: Sequence[Finalist], floor: Floor, groups: np.ndarray | None, seed: int) -> tuple[Standing, ...]:
    """Return every finalist's standing, the highest gain first."""
    ranked = sorted(finalists, key=lambda one: (-np.nan_to_num(one.gain.mean(), nan=-np.inf), one.name))
    behind_in_brier = _behind_in_brier(ranked, groups, seed)
    problems = {one.name: tuple(_problems(one, floor, behind_in_brier[one.name])) for one in ranked}
    best = next((one for one in ranked if not problems[one.name]), ranked[0])
    lags = np.column_stack([best.gain - one.gain for one in ranked])
    behind = _paired(lags, groups, seed, looks=max(1, len(ranked) - 1))
    return tuple(Standing(one, problems[one.name], lag) for one, lag in zip(ranked, behind, strict=True))


def _behind_in_brier(finalists: Sequence[Finalist], groups: np.ndarray | None, seed: int) -> dict[str, Estimate]:
    """How far each Brier score is above the lowest; paired 95 % interval."""
    best = min(finalists, key=lambda one: (one.squared_error.mean(), one.name))
    lags = np.column_stack([one.squared_error - best.squared_error for one in finalists])
    return dict(zip((one.name for one in finalists), _paired(lags, groups, seed), strict=True))


def _paired(lags: np.ndarray, groups: np.ndarray | None, seed: int, looks: int = 1) -> list[Estimate]:
    """Return the mean of each column of shape (rows, finalists) with its interval over customers, for so many looks."""
    counts = bootstrap_counts(len(lags), RESAMPLES, groups=groups, seed=seed)
    spread = np.std([count @ lags / count.sum() for count in counts], axis=0)
    middle, half = lags.mean(axis=0), norm.ppf(1 - 0.025 / looks) * spread
    return list(map(Estimate, middle.tolist(), (middle - half).tolist(), (middle + half).tolist()))


def _problems(one: Finalist, floor: Floor, behind_in_brier: Estimate) -> Iterator[str]:
    yield from one.problems
    if not one.roc_auc.value >= floor.min_roc_auc:
        yield f"ROC-AUC {one.roc_auc.value:.3f} is below {floor.min_roc_auc:g}"
    if not floor.min_calibration_slope <= one.calibration_slope <= floor.max_calibration_slope:
        limits = f"{floor.min_calibration_slope:g} to {floor.max_calibration_slope:g}"
        yield f"its probabilities are not to be trusted (calibration slope {one.calibration_slope:.2f}, not {limits})"
    if behind_in_brier.low > floor.max_brier_behind:
        yield (
            f"its probabilities are less true than the best finalist's (Brier score {behind_in_brier.value:.4f} "
            f"higher, {behind_in_brier.low:.4f} to {behind_in_brier.high:.4f})"
        )
    if not np.isfinite(one.gain).all():
        yield "its gain is not a number"
