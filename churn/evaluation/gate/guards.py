"""Guard-rails that follow from the rows: what a better profit does not excuse.

Noise alone fails nobody: beside production, a guard-rail fails when the candidate is surely worse (the 95 % interval
leaves out 0) and by more than its bound at the best guess. An equal then fails one in at most 2.5 % of judgements, and
far less often where the bound is wide beside the noise.
"""

from collections.abc import Iterator

import numpy as np

from churn.evaluation.gate.calibration import Gap, measure_gap, measure_slope
from churn.evaluation.gate.evidence import Contender, Rows
from churn.evaluation.gate.measured import TAIL, Measured, measure_by
from churn.evaluation.gate.parameters import Gate
from churn.evaluation.gate.ranking import FEWEST_OF_A_KIND, is_rankable, places, rank
from churn.evaluation.gate.verdict import Guard, Outcome

SMALLEST = 1e-9
CALIBRATED: dict[Outcome, str] = {
    "passed": "calibrated",
    "failed": "miscalibrated: its probabilities do not come true",
    "undecided": "it is not sure that it is calibrated",
}


def guard_alone(rows: Rows, candidate: Contender, gate: Gate) -> Iterator[Guard]:
    """Look at the candidate without production."""
    if not is_rankable(rows.target):
        leavers = int((rows.target == 1).sum())
        yield Guard(
            "labels",
            "undecided",
            f"{leavers} leavers and {len(rows.target) - leavers} stayers are too few to judge by: "
            f"at least {FEWEST_OF_A_KIND} of each are needed",
        )
        return
    yield _floor(rows, candidate, gate)
    yield _calibration(rows, candidate, gate)


def guard_beside(rows: Rows, candidate: Contender, production: Contender, gate: Gate) -> Iterator[Guard]:
    """Look at the candidate beside production; there are enough leavers and stayers."""
    yield from _ranking(rows, candidate, production, gate)
    yield _brier(rows, candidate, production, gate)


def _floor(rows: Rows, candidate: Contender, gate: Gate) -> Guard:
    roc_auc = rank(rows.target, places(candidate.probability)).roc_auc
    is_low, numbers = roc_auc < gate.min_roc_auc, {"roc_auc": roc_auc, "floor": gate.min_roc_auc}
    if is_low:
        return Guard("floor", "failed", f"roc_auc {roc_auc:.4f} is below the floor {gate.min_roc_auc:.4f}", numbers)
    words = f"roc_auc {roc_auc:.4f} is at or above the floor {gate.min_roc_auc:.4f}"
    return Guard("floor", "passed", words, numbers)


def _calibration(rows: Rows, candidate: Contender, gate: Gate) -> Guard:
    slope = measure_slope(rows.target, candidate.probability, rows.groups)
    gap = measure_gap(rows.target, candidate.probability, rows.groups)
    outcome = _calibrated(slope, gap, gate)
    steepest = gate.max_calibration_slope
    words = (
        f"slope {slope.value:.3f} ({slope.low:.3f} to {slope.high:.3f}; right is 1, {1 / steepest:.2f} to "
        f"{steepest:.2f} is let pass), error {gap.value:.4f} beyond noise (at most {gate.max_calibration_error:g}; "
        f"p = {gap.p_value:.2g}); {candidate.probability.mean():.1%} promised to leave, {rows.target.mean():.1%} left"
    )
    numbers = {"slope": slope.value, "slope_low": slope.low, "slope_high": slope.high, "error": gap.value}
    return Guard("calibration", outcome, f"{CALIBRATED[outcome]}: {words}", numbers)


def _calibrated(slope: Measured, gap: Gap, gate: Gate) -> Outcome:
    """A slope fails only beyond its bound for sure: that of many a good candidate is a little off 1."""
    flattest, steepest = 1 / gate.max_calibration_slope, gate.max_calibration_slope
    if slope.high < flattest or slope.low > steepest or (gap.p_value < TAIL and gap.value > gate.max_calibration_error):
        return "failed"
    is_off = not slope.low <= 1 <= slope.high and not flattest <= slope.value <= steepest
    return "undecided" if is_off else "passed"


def _ranking(rows: Rows, candidate: Contender, production: Contender, gate: Gate) -> Iterator[Guard]:
    new, old = (rank(rows.target, places(one.probability)) for one in (candidate, production))
    gain = measure_by(new.roc_auc - old.roc_auc, new.influence - old.influence, rows.groups)
    interval = f"{gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
    beside = f"roc_auc {new.roc_auc:.4f} beside production's {old.roc_auc:.4f}, {interval}"
    numbers = {"difference": gain.value, "low": gain.low, "high": gain.high}
    outcome, said = _not_inferior(gain, gate.max_roc_auc_drop)
    yield Guard("roc_auc", outcome, f"{said}: {beside}; it may lose {gate.max_roc_auc_drop:g}", numbers)
    removed = gain.value / max(1 - old.roc_auc, SMALLEST)
    if gain.low > 0 and removed > gate.max_errors_removed:
        words = (
            f"too good to be true: {beside}: of the pairs that production ranks wrongly, {removed:.0%} are right; more "
            f"than {gate.max_errors_removed:.0%} on the same rows is a leak's sign. Look for a column that knows the "
            "outcome, and for rows that the candidate was made from"
        )
        yield Guard("too good", "failed", words, numbers | {"errors_removed": removed})


def _not_inferior(gain: Measured, margin: float) -> tuple[Outcome, str]:
    if gain.low >= -margin:
        return "passed", "ranks as well as production"
    if gain.high < 0 and gain.value < -margin:
        return "failed", "ranks worse than production"
    return "undecided", "it is not sure that it ranks as well as production"


def _brier(rows: Rows, candidate: Contender, production: Contender, gate: Gate) -> Guard:
    new, old = (np.square(one.probability - rows.target) for one in (candidate, production))
    rise = measure_by(float((new - old).mean()), new - old - (new - old).mean(), rows.groups)
    is_worse = rise.low > 0 and rise.value > gate.max_brier_rise
    words = (
        f"brier {new.mean():.4f} beside production's {old.mean():.4f}, "
        f"{rise.value:+.4f} ({rise.low:+.4f} to {rise.high:+.4f}); it may rise {gate.max_brier_rise:g}"
    )
    numbers = {"difference": rise.value, "low": rise.low, "high": rise.high}
    return Guard("brier", "failed" if is_worse else "passed", words, numbers)
