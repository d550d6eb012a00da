"""`churn outcomes`: who left and who stayed, from files."""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn.errors import UsageError
from cli import console
from cli.options import JsonOption

if TYPE_CHECKING:
    from churn.scoring.outcome import Outcome
    from churn.scoring.outcome_rows import RejectedRow
    from churn.stores.outcomes import OutcomeStore

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

AT_ONCE = 2_000
LONGEST_SOURCE = 255


@dataclass(slots=True)
class Loaded:
    """What became of a file's rows."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejected_file: str | None = None


@app.command()
def load(
    file: Annotated[Path, typer.Argument(help="CSV, JSON, NDJSON (.ndjson, .jsonl) or Parquet.")],
    source: Annotated[str | None, typer.Option(help="Who brings them; default: the file's name.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Store outcomes: customer_id, churned, observed_at, and prediction_id if it is known.

    The same outcome is stored once however often it is loaded. Rows that do not hold are set aside in
    FILE.rejected.csv with their reasons.
    """
    from churn.settings import Settings
    from churn.stores.database import open_migrated
    from churn.stores.outcomes import OutcomeStore

    settings = Settings()
    store = OutcomeStore(open_migrated(settings.database_url))
    found = load_file(file, store, settings.model, (source or file.name)[:LONGEST_SOURCE])
    if as_json:
        console.out.print(json.dumps(asdict(found)), markup=False)
        return
    console.out.print(
        f"{found.accepted:,} new outcomes, {found.duplicates:,} known already, {found.rejected:,} set aside"
        + (f" in {found.rejected_file}" if found.rejected_file else ""),
        markup=False,
    )


@app.command()
def show(as_json: JsonOption = False) -> None:
    """Say how many outcomes are known, of whom, and who brought them."""
    from churn.settings import Settings
    from churn.stores.database import open_migrated
    from churn.stores.outcomes import OutcomeStore

    settings = Settings()
    found = OutcomeStore(open_migrated(settings.database_url)).counts(settings.model)
    if as_json:
        console.out.print(json.dumps(asdict(found)), markup=False)
        return
    first, last = (str(moment)[:10] for moment in (found.first_observed_at, found.last_observed_at))
    span = f", seen {first} to {last}" if found.customers else ""
    console.out.print(f"{found.left:,} left, {found.stayed:,} stayed: {found.customers:,} customers{span}")
    for source, number in found.by_source.items():
        console.out.print(f"  {number:>9,}  {source}", markup=False)


def load_file(file: Path, store: "OutcomeStore", model: str, source: str) -> Loaded:
    """Store a file's outcomes, some at a time; what is stored stays when a later part can't be read.

    Raises:
        TableError: it is no table of outcomes.
    """
    from churn.scoring.outcome_rows import outcome_file, sort_out
    from services.api.problems import field_faults

    found, aside = Loaded(), file.with_name(f"{file.name}.rejected.csv")
    with ExitStack() as stack:
        rows = stack.enter_context(outcome_file(file))
        aside.unlink(missing_ok=True)  # of an earlier load
        rejected = _Aside(aside, stack)
        for good, bad in _batches(sort_out(rows, model, source, field_faults)):
            new = store.add(good)
            found.accepted += new
            found.duplicates += len(good) - new
            found.rejected += len(bad)
            rejected.write(bad)
    found.rejected_file = str(aside) if found.rejected else None
    return found


class _Aside:
    """The file of rows that were set aside; made when there is one."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path, self._stack = path, stack
        self._writer: Any = None

    def write(self, rows: "Sequence[RejectedRow]") -> None:
        from churn.scoring.outcome_rows import COLUMNS

        if not rows:
            return
        if self._writer is None:
            self._writer = self._begin(("row", "rejected_because", *COLUMNS))
        for one in rows:
            cells = one.row if isinstance(one.row, dict) else {}
            self._writer.writerow([one.number, "; ".join(one.reasons), *(cells.get(name, "") for name in COLUMNS)])

    def _begin(self, heads: Sequence[str]) -> Any:
        try:
            file = self._stack.enter_context(self._path.open("w", encoding="utf-8", newline=""))
        except OSError as error:
            raise UsageError(f"{self._path} can't be written: {error.strerror}") from error
        writer = csv.writer(file)
        writer.writerow(heads)
        return writer


def _batches(
    sorted_out: "Iterator[Outcome | RejectedRow]",
) -> "Iterator[tuple[list[Outcome], list[RejectedRow]]]":
    from itertools import islice

    from churn.scoring.outcome_rows import RejectedRow

    while some := list(islice(sorted_out, AT_ONCE)):
        bad = [one for one in some if isinstance(one, RejectedRow)]
        yield [one for one in some if not isinstance(one, RejectedRow)], bad
