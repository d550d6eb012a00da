"""Measure what the hash-chained log costs whoever records predictions, and how long it takes to check a million.

`python -m benchmarks.promotion.record` writes the section of benchmarks/RESULTS.md, for a SQLite file and for each
empty database that `--database URL` names. Writing is measured beside a table without the log, filled as it was done
before there was one: batches of 256 for both in turn, so that whatever else the machine does is done to both. Checking
is what `churn audit verify` does, in a process of its own, over a small log and a large one.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from sqlalchemy import Column, Engine, MetaData, Table

from benchmarks.eyes.exporter import predictions as recorded
from benchmarks.results import RESULTS, replace_section
from churn.scoring.prediction import Prediction
from churn.settings import environment_for_children
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore, _to_row
from churn.stores.tables import predictions
from churn.stores.transactions import writing
from churn.stores.upserts import insert_or_ignore

BATCH = 256
WRITTEN, SMALL, LARGE = 51_200, 20_000, 1_000_000
ROUNDS = 5
SECTION = "promotion: record"
CHILD = """
import json, re, pathlib
from churn.settings import Settings
from churn.stores.database import open_migrated
from pipelines.record import verify
found = verify(settings=Settings())
most = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())
print(json.dumps([found.is_sound, found.predictions, int(most[1])]))
"""
"""`churn audit verify`, which says how much memory it took; what `wait4` says of a child holds its parent's, too."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one record, in microseconds: the time that passes, and this process's own."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Check:
    """Of one look at a whole log: how long, and how much memory the process took at most."""

    rows: int
    seconds: float
    megabytes: float


def main(words: Sequence[str] | None = None) -> None:
    asked = _asked(words)
    lines, checks = [], []
    with TemporaryDirectory() as folder:
        for url in [f"sqlite:///{folder}/churn.db", *asked.database]:
            engine = open_migrated(url)
            lines.append(_writing_line(engine, asked.written))
            checks += [_checking_line(engine, url, rows) for rows in (asked.small, asked.large)]
            engine.dispose()
    page = asked.output.read_text("utf-8") if asked.output.is_file() else "# Results\n"
    asked.output.write_text(replace_section(page, SECTION, _section(asked, lines, checks)), "utf-8")
    print(f"written to {asked.output}", file=sys.stderr)


def plain_table() -> Table:
    """Return the table of predictions as it was before the log."""
    kept = (column for column in predictions.columns if column.name not in {"block", "digest"})
    columns = (Column(one.name, one.type, primary_key=one.primary_key, nullable=one.nullable) for one in kept)
    table = Table("plain_predictions", MetaData(), *columns)
    for index in predictions.indexes:
        if index.name != "predictions_by_block":
            type(index)(f"plain_{index.name}", *(table.c[column.name] for column in index.columns))
    return table


def write_costs(engine: Engine, count: int) -> tuple[Cost, Cost]:
    """Return what a record costs without the log and with it: medians over rounds that take turns."""
    table, store = plain_table(), PredictionStore(engine)
    table.create(engine)

    def plain(batch: Sequence[Prediction]) -> None:
        rows = [_to_row(record, record.predicted_at) for record in batch]
        with writing(engine) as connection:
            connection.execute(insert_or_ignore(table, engine.dialect.name), rows)

    records = recorded(count)
    found: tuple[list[Cost], list[Cost]] = ([], [])
    per_round = max(1, count // BATCH // ROUNDS)
    for _ in range(ROUNDS):
        batches = [list(islice(records, BATCH)) for _ in range(per_round)]
        found[0].append(_cost(plain, batches))
        found[1].append(_cost(store.add, batches))
    table.drop(engine)
    return _middle(found[0]), _middle(found[1])


def check(engine: Engine, url: str, rows: int) -> Check:
    """Fill the log up to so many rows, and look at all of it in a process of its own."""
    store = PredictionStore(engine)
    missing = rows - store.count()
    records = islice(recorded(rows), rows - missing, None)
    while batch := list(islice(records, BATCH)):
        store.add(batch)
    started = perf_counter()
    words = [sys.executable, "-c", CHILD]
    done = subprocess.run(words, capture_output=True, check=True, env=environment_for_children(CHURN_DATABASE_URL=url))
    seconds = perf_counter() - started
    is_sound, predictions_seen, kilobytes = json.loads(done.stdout)
    assert is_sound
    assert predictions_seen >= rows
    return Check(predictions_seen, seconds, kilobytes / 1024)


def _cost(write: Callable[[Sequence[Prediction]], object], batches: Sequence[Sequence[Prediction]]) -> Cost:
    wall, cpu = perf_counter(), process_time()
    for batch in batches:
        write(batch)
    wall, cpu, records = perf_counter() - wall, process_time() - cpu, sum(map(len, batches))
    return Cost(1e6 * wall / max(1, records), 1e6 * cpu / max(1, records))


def _middle(costs: Sequence[Cost]) -> Cost:
    return Cost(median(one.wall for one in costs), median(one.cpu for one in costs))


def _writing_line(engine: Engine, count: int) -> str:
    before, after = write_costs(engine, count)
    cells = (f"{before.cpu:.1f}", f"{after.cpu:.1f}", f"{after.cpu / before.cpu - 1:+.0%}",
             f"{before.wall:.1f}", f"{after.wall:.1f}", f"{after.wall / before.wall - 1:+.0%}")  # fmt: skip
    line = f"| {engine.dialect.name} | {' | '.join(cells)} | {1e6 / after.wall:,.0f} |"
    print(line, file=sys.stderr)
    return line


def _checking_line(engine: Engine, url: str, rows: int) -> str:
    found = check(engine, url, rows)
    line = f"| {engine.dialect.name} | {found.rows:,} | {found.seconds:.1f} s | {found.megabytes:.0f} MB |"
    print(line, file=sys.stderr)
    return line


def _section(asked: argparse.Namespace, lines: Sequence[str], checks: Sequence[str]) -> str:
    return f"""\
## The record

{__doc__}
Writing {asked.written:,} records: µs of this process for each (the relay shares the doors' cores), and µs that pass.

| database | before, process | with the log | | before, wall | with the log | | records/s |
|---|--:|--:|--:|--:|--:|--:|--:|
{chr(10).join(lines)}

PostgreSQL gets a batch as one JSON text since there is a log, which saves more than the log costs.

`churn audit verify`, from the start of the process to its end:

| database | predictions | time | most memory |
|---|--:|--:|--:|
{chr(10).join(checks)}

{datetime.now(UTC):%Y-%m-%d}, on a machine of two cores that others used at the same time.
"""


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promotion.record", description="Measure the record.")
    parser.add_argument("--database", action="append", default=[], help="an empty database; repeatable")
    parser.add_argument("--written", type=int, default=WRITTEN, help="records that are written for the first table")
    parser.add_argument("--small", type=int, default=SMALL, help="predictions in the small log")
    parser.add_argument("--large", type=int, default=LARGE, help="predictions in the large log")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the page with the section")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
