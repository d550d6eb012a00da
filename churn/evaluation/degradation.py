"""Is a version worse on its live customers than on those held out of its training?

Both figures come from samples, so both have an interval. Their standard errors are read off the intervals, on the scale
where the measure is nearly normal, and the difference is judged against both (two samples, one-sided): that the old
figure lies outside the new interval would be an alarm far too often. Several measures share the level (Bonferroni).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from churn.evaluation.comparison import LOWER_IS_BETTER
from churn.evaluation.intervals import NORMAL, SCALES, Estimate

COMPARABLE = ("roc_auc", "pr_auc", "brier", "log_loss")


@dataclass(frozen=True, slots=True)
class Change:
    """A measure on live customers beside the same on held-out customers.

    Attributes:
        p_value: how often chance alone would make the live figure so much worse.
        is_worse: chance hardly explains it.
    """

    measure: str
    reference: Estimate
    live: Estimate
    p_value: float
    is_worse: bool

    @property
    def words(self) -> str:
        """The comparison as a sentence."""
        verdict = "is worse than" if self.is_worse else "is not surely worse than"
        return (
            f"{self.measure} {self.live.value:.3f} {verdict} {self.reference.value:.3f} on held-out customers "
            f"(p = {self.p_value:.2g})"
        )


def changes(
    live: Mapping[str, Estimate], reference: Mapping[str, Estimate], measures: Sequence[str], *, level: float
) -> tuple[Change, ...]:
    """Compare the measures that both sides have.

    Args:
        live: of live customers, from `observed.observe`.
        reference: of held-out customers.
        measures: names out of COMPARABLE.
        level: probability that any of them is called worse when none is.
    """
    shared = [name for name in measures if _is_known(live.get(name)) and _is_known(reference.get(name))]
    return tuple(_compare(shared, live, reference, level))


def _compare(
    names: Sequence[str], live: Mapping[str, Estimate], reference: Mapping[str, Estimate], level: float
) -> Iterator[Change]:
    for name in names:
        p_value = _p_value(name, live[name], reference[name])
        yield Change(name, reference[name], live[name], p_value, p_value < level / len(names))


def _p_value(name: str, live: Estimate, reference: Estimate) -> float:
    to_scale, _ = SCALES[name]
    values, errors = zip(*(_on_scale(to_scale, one) for one in (live, reference)), strict=True)
    loss = (values[0] - values[1]) * (1 if name in LOWER_IS_BETTER else -1)
    error = float(np.hypot(*errors))
    return float(norm.sf(loss / error)) if error > 0 else float(loss <= 0)


def _on_scale(to_scale: object, one: Estimate) -> tuple[float, float]:
    value, low, high = (float(to_scale(np.asarray(part))) for part in (one.value, one.low, one.high))  # type: ignore[operator]
    return value, (high - low) / 2 / NORMAL


def _is_known(one: Estimate | None) -> bool:
    return one is not None and bool(np.isfinite([one.value, one.low, one.high]).all())
