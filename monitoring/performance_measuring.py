"""Measuring: what outcomes say of a version's answers, and what is to be expected where there are none yet."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from churn.contract.economics import Economics
from churn.evaluation.cbpe import expect
from churn.evaluation.intervals import Estimate
from churn.evaluation.observed import observe
from churn.stores.labelled import DuePrediction
from churn.stores.performance import PerformanceMeasure, Source
from monitoring.performance_parameters import PerformanceParameters
from monitoring.performance_windows import answers_of, known

OF_PARTS = (
    "roc_auc",
    "pr_auc",
    "brier",
    "calibration_slope",
    "lift_at_10_percent",
    "lift_at_20_percent",
    "base_rate",
    "profit",
)
"""What is told of a segment, a door or a week."""

PARTS: dict[str, Callable[[DuePrediction], str | None]] = {
    "segment": lambda row: row.segment,
    "door": lambda row: row.door,
}


class Measuring:
    """Measures rows under some parameters."""

    def __init__(self, parameters: PerformanceParameters, economics: Economics | None) -> None:
        self._parameters, self._economics = parameters, economics

    def is_enough(self, target: np.ndarray) -> bool:
        """Say whether there are enough outcomes of both kinds to measure a version."""
        return _has(target, rows=self._parameters.min_rows, of_each=self._parameters.min_of_each)

    def observed(self, rows: Sequence[DuePrediction]) -> dict[str, Estimate]:
        """Return every measure of rows with outcomes."""
        told, target = known(rows)
        return observe(answers_of(told), target, self._economics, resamples=self._parameters.resamples)

    def expected(self, rows: Sequence[DuePrediction]) -> dict[str, Estimate]:
        """Return what is expected of rows whose outcomes are not due; what is known of some already is not used."""
        return expect(answers_of(rows), self._economics) if len(rows) >= self._parameters.min_rows else {}

    def parts(self, rows: Sequence[DuePrediction]) -> Iterator[PerformanceMeasure]:
        """Yield the measures of each segment and door that has enough outcomes, the largest first."""
        told, _ = known(rows)
        for dimension, part_of in PARTS.items():
            sizes = Counter(part for row in told if (part := part_of(row)) is not None)
            for part, _size in sizes.most_common(self._parameters.max_parts):
                yield from self.week(dimension, part, [row for row in told if part_of(row) == part])

    def week(self, dimension: str, part: str, rows: Sequence[DuePrediction]) -> Iterator[PerformanceMeasure]:
        """Yield the measures of one part with outcomes; nothing, when they are too few."""
        told, target = known(rows)
        if _has(target, rows=self._parameters.part_min_rows, of_each=self._parameters.part_min_of_each):
            draws = self._parameters.part_resamples
            found = observe(answers_of(told), target, self._economics, resamples=draws)
            yield from measures_of(found, (dimension, part), "observed", len(told), only=OF_PARTS)

    def coming_week(self, part: str, rows: Sequence[DuePrediction]) -> Iterator[PerformanceMeasure]:
        """Yield what is expected of a week whose outcomes are not due."""
        if len(rows) >= self._parameters.part_min_rows:
            found = expect(answers_of(rows), self._economics)
            yield from measures_of(found, ("week", part), "estimated", len(rows), only=OF_PARTS)


def measures_of(
    found: Mapping[str, Estimate],
    place: tuple[str, str],
    source: Source,
    rows: int,
    *,
    only: Iterable[str] | None = None,
) -> Iterator[PerformanceMeasure]:
    """Yield estimates as they are stored; what has no value is left out."""
    for name in found if only is None else [name for name in only if name in found]:
        one = found[name]
        if np.isfinite(one.value):
            low, high = (float(end) if np.isfinite(end) else None for end in (one.low, one.high))
            yield PerformanceMeasure(*place, name, source, float(one.value), low, high, rows)


def _has(target: np.ndarray, *, rows: int, of_each: int) -> bool:
    left = int(target.sum())
    return len(target) >= rows and min(left, len(target) - left) >= of_each
