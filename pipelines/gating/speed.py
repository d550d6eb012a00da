"""Speed and size: what a candidate costs to serve, beside production."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from churn.contract.table import Columns
from churn.evaluation.gate import Guard
from churn.scoring.scorer import Scorer
from pipelines.gating.limits import Limits
from pipelines.gating.sides import Side

ROUNDS = 31
LOW_PLACE = 9
"""Of 31 sorted ratios, the tenth is the low end of the median's 95 % interval (binomial): noise fails nobody."""

ROW_CALLS = 20
BATCH_ROWS = 1000
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Timed:
    """What one kind of call takes.

    Attributes:
        milliseconds: the candidate's median.
        ratio: of the candidate's to production's: the median over rounds; None without production.
        low: lower end of its 95 % interval.
    """

    milliseconds: float
    ratio: float | None = None
    low: float | None = None

    def is_slower(self, limits: Limits, free: float) -> bool:
        """Say whether the candidate is surely slower than allowed, and slow enough to matter."""
        return self.low is not None and self.low > limits.max_latency_ratio and self.milliseconds > free

    def words(self, what: str) -> str:
        """It in words."""
        beside = "" if self.ratio is None else f", {self.ratio:.1f} times production's time"
        return f"{what} takes {self.milliseconds:.2f} ms{beside}"


def latency_guard(sides: Sequence[Scorer], columns: Sequence[Columns], limits: Limits) -> Guard:
    """Time one customer and a batch, the candidate first and production after it, round by round.

    Args:
        sides: the candidate, and production when there is one.
        columns: graph-ready rows for each, at least one.
        limits: the bounds.
    """
    row = _timed([_row_call(*one) for one in zip(sides, columns, strict=True)], calls=ROW_CALLS)
    batch = _timed([_batch_call(*one) for one in zip(sides, columns, strict=True)])
    said = f"{row.words('one customer')}; {batch.words('a batch of a thousand')}"
    numbers = {"row_milliseconds": row.milliseconds, "batch_milliseconds": batch.milliseconds}
    numbers |= {f"{name}_ratio": one.ratio for name, one in (("row", row), ("batch", batch)) if one.ratio is not None}
    if row.is_slower(limits, limits.free_row_milliseconds) or batch.is_slower(limits, limits.free_batch_milliseconds):
        words = f"latency: {said}; {limits.max_latency_ratio:g} times are allowed"
        return Guard("latency", "failed", words, numbers)
    return Guard("latency", "passed", said, numbers)


def size_guard(candidate: Side, production: Side | None, limits: Limits) -> Guard:
    """Hold the size of the candidate's bundle against its bounds."""
    own = _megabytes(candidate)
    other = _megabytes(production) if production else None
    beside = "" if other is None else f", production's {other:.1f} MB"
    words = f"the bundle has {own:.1f} MB{beside}"
    numbers = {"megabytes": own} | ({} if other is None else {"production_megabytes": other})
    is_much_larger = other is not None and own > max(limits.free_megabytes, limits.max_size_ratio * other)
    if own > limits.max_megabytes or is_much_larger:
        bound = f"{limits.max_megabytes:g} MB, or {limits.max_size_ratio:g} times production's, are allowed"
        return Guard("size", "failed", f"size: {words}; {bound}", numbers)
    return Guard("size", "passed", words, numbers)


def _timed(each: Sequence[Callable[[], object]], *, calls: int = 1) -> Timed:
    """Time each alternately, so that whatever else the machine does slows both; `calls` are in one of them."""
    for call in each:
        call()
    rounds = np.array([[_milliseconds(call) / calls for call in each] for _ in range(ROUNDS)])
    own = float(np.median(rounds[:, 0]))
    if rounds.shape[1] == 1:
        return Timed(own)
    ratios = np.sort(rounds[:, 0] / rounds[:, 1])
    return Timed(own, float(np.median(ratios)), float(ratios[LOW_PLACE]))


def _row_call(scorer: Scorer, columns: Columns) -> Callable[[], object]:
    rows = [{name: _plain(values[place]) for name, values in columns.items()} for place in _places(columns, ROW_CALLS)]
    return lambda: [scorer.score_row(row) for row in rows]


def _batch_call(scorer: Scorer, columns: Columns) -> Callable[[], object]:
    places = _places(columns, BATCH_ROWS)
    batch = {name: values[places] for name, values in columns.items()}
    return lambda: scorer.score_columns(batch)


def _places(columns: Columns, count: int) -> np.ndarray:
    """Return so many row numbers; the rows are repeated when they are fewer."""
    return np.arange(count) % len(next(iter(columns.values())))


def _plain(value: object) -> float | str:
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def _milliseconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return (perf_counter() - start) * 1000


def _megabytes(side: Side) -> float:
    return sum(path.stat().st_size for path in side.folder.iterdir() if path.is_file()) / MEGABYTE
