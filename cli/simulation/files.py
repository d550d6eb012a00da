"""Files of a world: each month's customers, the outcomes that are known, and the truth."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from churn.data.simulation.chance import MONTH_DAYS
from churn.data.simulation.month import Month
from churn.data.simulation.simulation import simulate
from churn.data.simulation.world import World
from churn.errors import StoreError
from churn.scoring.prediction import utc_text

OUTCOMES, TRUTH = "outcomes.csv", "truth.csv"
OUTCOME_COLUMNS = ("customer_id", "churned", "observed_at")
TRUTH_COLUMNS = (
    "month", "customer_id", "seen_at", "hazard", "hazard_without", "probability", "left_at", "would_leave",
    "is_contacted", "reported_at",
)  # fmt: skip

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written; `unknown` outcomes come after the last month's end, or never."""

    folder: Path
    months: int
    customers: int
    left: int
    outcomes: int
    unknown: int


def write_world(world: World, folder: Path, *, tell: Tell = lambda _: None) -> Written:
    """Write a world into a folder: customers-<month>.csv, outcomes.csv and truth.csv; old ones are replaced.

    Raises:
        StoreError: a file can't be written.
        UsageError: a shift names what the customers do not have.
    """
    until = world.start + timedelta(days=MONTH_DAYS * world.months)
    rows = left = outcomes = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            (folder / OUTCOMES).open("w", encoding="utf-8", newline="") as known,
            (folder / TRUTH).open("w", encoding="utf-8", newline="") as truth,
        ):
            outcome_lines, truth_lines = csv.writer(known, lineterminator="\n"), csv.writer(truth, lineterminator="\n")
            outcome_lines.writerow(OUTCOME_COLUMNS)
            truth_lines.writerow(TRUTH_COLUMNS)
            for month in simulate(world):
                _write_customers(folder / f"customers-{month.number}.csv", month, world.source.customer_id)
                reported = list(_outcome_rows(month, until))
                outcome_lines.writerows(reported)
                truth_lines.writerows(_truth_rows(month))
                rows, left, outcomes = rows + month.rows, left + int(month.left.sum()), outcomes + len(reported)
                tell(f"month {month.number}: {month.rows:,} customers, {int(month.left.sum()):,} leave")
    except OSError as error:
        raise StoreError(f"can't write into {folder}: {error.strerror or error}; choose another folder") from error
    return Written(folder, world.months, rows, left, outcomes, rows - outcomes)


def _write_customers(path: Path, month: Month, customer_id: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow((customer_id, *month.columns))
        lines.writerows(
            zip(month.customer_ids, *(_cells(column.tolist()) for column in month.columns.values()), strict=True)
        )


def _cells(values: Sequence[object]) -> Iterator[str]:
    """Yield the texts of a column: numbers without needless digits, nothing for what is missing."""
    for value in values:
        yield value if isinstance(value, str) else "" if value != value else f"{value:.10g}"  # noqa: PLR0124  NaN


def _outcome_rows(month: Month, until: datetime) -> Iterator[tuple[object, ...]]:
    facts = zip(month.customer_ids, month.left, month.observed_at, month.reported_at, strict=True)
    for customer, left, observed, reported in facts:
        if reported is not None and reported <= until:
            yield customer, int(left), utc_text(observed)


def _truth_rows(month: Month) -> Iterable[tuple[object, ...]]:
    return zip(
        [month.number] * month.rows,
        month.customer_ids,
        map(utc_text, month.seen_at),
        _cells(month.hazard.tolist()),
        _cells(month.hazard_without.tolist()),
        _cells(month.probability.tolist()),
        map(_text_of, month.left_at),
        month.would_leave.astype(int),
        month.is_contacted.astype(int),
        map(_text_of, month.reported_at),
        strict=True,
    )


def _text_of(moment: datetime | None) -> str:
    return "" if moment is None else utc_text(moment)
