"""Measure the churn store on SQLite, PostgreSQL and MariaDB: the relay, what the log costs, and scores of a batch job.

`python -m benchmarks.delivery.stores` starts servers of its own, which sync every commit to the disk as SQLite does
here, and writes the section of benchmarks/RESULTS.md. The databases take turns, so that whatever else the machine does
is done to all; what can be read off is one database beside another, not how quick either is elsewhere.
"""

import argparse
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TypeVar

from sqlalchemy import Engine

from benchmarks.eyes.exporter import predictions as recorded
from benchmarks.promotion.record import BATCH, Cost, plain_table
from benchmarks.results import RESULTS, replace_section
from churn.scoring.prediction import Prediction, utc_now
from churn.stores.database import migrate, open_database
from churn.stores.predictions import PredictionStore, _to_row
from churn.stores.relay import Relay
from churn.stores.score_table import ScoreTable
from churn.stores.spool import SpoolWriter
from churn.stores.transactions import writing
from churn.stores.upserts import ignore_rows

ROUNDS = 5
ROWS, CHUNK = 5_120, 5_000
MOST = 100_000
SECTION = "delivery: stores"
OURS = "SQLite"
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one row, in microseconds: as it is moved by the relay, written without and with the log, and scored."""

    relayed: Cost
    plain: Cost
    logged: Cost
    scored: Cost


def main(words: Sequence[str] | None = None) -> None:
    asked = _asked(words)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        urls = _urls(stack, folder)
        engines = {name: open_database(url) for name, url in urls.items()}
        for engine in engines.values():
            migrate(engine)
        tables = {name: stack.enter_context(ScoreTable(url)) for name, url in urls.items()}
        both = [(name, engine, is_logged) for name, engine in engines.items() for is_logged in (False, True)]
        written = in_turn(
            {(name, it): _writing(engine, asked.rows, is_logged=it) for name, engine, it in both}, asked.rounds
        )
        relayed = in_turn(
            {name: _relaying(engine, folder / name, asked.rows) for name, engine in engines.items()}, asked.rounds
        )
        scored = in_turn({name: _scoring(table, 4 * asked.rows) for name, table in tables.items()}, asked.rounds)
        figures = {
            name: Figures(relayed[name], written[name, False], written[name, True], scored[name]) for name in urls
        }
        for engine in engines.values():
            engine.dispose()
    text = section(figures, asked)
    print(text)
    page = asked.output.read_text("utf-8") if asked.output.is_file() else "# Results\n"
    asked.output.write_text(replace_section(page, SECTION, text), "utf-8")
    print(f"written to {asked.output}", file=sys.stderr)


def in_turn(works: Mapping[Name, Callable[[], Cost]], rounds: int) -> dict[Name, Cost]:
    """Do each work in each round, and return the medians."""
    found: dict[Name, list[Cost]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(work())
    return {name: Cost(median(c.wall for c in costs), median(c.cpu for c in costs)) for name, costs in found.items()}


def _relaying(engine: Engine, spool: Path, rows: int) -> Callable[[], Cost]:
    # None of those that were written before.
    records, relay = islice(recorded(MOST), MOST // 2, None), Relay(spool, PredictionStore(engine))

    def work() -> Cost:
        with SpoolWriter(spool, "benchmark") as writer:
            for record in islice(records, rows):
                assert writer.append(record.to_json())
        wall, cpu = perf_counter(), process_time()
        assert relay.run_once().moved == rows
        return _of_each(wall, cpu, rows)

    return work


def _writing(engine: Engine, rows: int, *, is_logged: bool) -> Callable[[], Cost]:
    records, table, store = recorded(MOST), plain_table(), PredictionStore(engine)
    if not is_logged:
        table.create(engine)

    def write(batch: Sequence[Prediction]) -> None:
        if is_logged:
            store.add(batch)
            return
        with writing(engine) as connection:
            ignore_rows(connection, table, [_to_row(record, record.predicted_at) for record in batch])

    def work() -> Cost:
        batches = [list(islice(records, BATCH)) for _ in range(rows // BATCH)]
        wall, cpu = perf_counter(), process_time()
        for batch in batches:
            write(batch)
        return _of_each(wall, cpu, rows)

    return work


def _scoring(table: ScoreTable, customers: int) -> Callable[[], Cost]:
    rounds = count()

    def work() -> Cost:
        first = customers // 2 * next(rounds)  # half of them were scored the last time, too
        numbers = range(first, first + customers)
        chunks = [[_score(number) for number in numbers[at : at + CHUNK]] for at in range(0, customers, CHUNK)]
        wall, cpu = perf_counter(), process_time()
        for done, rows in enumerate(chunks):
            table.upsert(rows, job_id="benchmark", rows_done=done * CHUNK)
        return _of_each(wall, cpu, customers)

    return work


def _score(number: int) -> dict[str, object]:
    return {
        "customer_id": f"c-{number:08}",
        "churn_probability": (number % 1000) / 1000,
        "churn_prediction": number % 2,
        "risk_level": "LOW",
        "model_version": 3,
        "scored_at": utc_now(),
        "segment": "new customers",
        "expected_profit": number / 7,
        "reason_1": "tenure is 2 months",
    }


def _of_each(wall: float, cpu: float, rows: int) -> Cost:
    return Cost(1e6 * (perf_counter() - wall) / rows, 1e6 * (process_time() - cpu) / rows)


def section(figures: Mapping[str, Figures], asked: argparse.Namespace) -> str:
    """Return the tables."""
    ours = figures[OURS]
    lines = (
        f"| {name} | {_beside(each.relayed, ours.relayed)} | {each.logged.cpu - each.plain.cpu:+.0f} µs | "
        f"{_beside(each.scored, ours.scored)} |"
        for name, each in figures.items()
    )
    return f"""\
## The churn store on each database

{__doc__}
"Relay": predictions a second from the spool into the store with its log, and this process's time for each, which is
taken from the doors. "Log": what of that the log adds to each record of a batch of 256. "Scores": `churn score`
into a table, half of the customers for the second time.

| database | relay, rows/s | beside SQLite | process | log | scores, rows/s | beside SQLite | process |
|---|--:|--:|--:|--:|--:|--:|--:|
{chr(10).join(lines)}

Medians of {asked.rounds} rounds; {datetime.now(UTC):%Y-%m-%d}, on a machine of two cores that others used at the same
time. The servers had little memory for pages (16 MB and 32 MB), and stood on the same machine.
"""


def _beside(cost: Cost, ours: Cost) -> str:
    return f"{1e6 / cost.wall:,.0f} | {ours.wall / cost.wall:.2f} × | {cost.cpu:.0f} µs"


def _urls(stack: ExitStack, folder: Path) -> dict[str, str]:
    from tests.mariadb import running_mariadb
    from tests.postgres import running_postgres

    postgres = stack.enter_context(running_postgres(is_synced=True))
    mariadb = stack.enter_context(running_mariadb(is_synced=True))
    file = f"sqlite:///{folder / 'churn.db'}"
    return {OURS: file, "PostgreSQL": postgres.create("churn"), "MariaDB": mariadb.create("churn")}


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery.stores", description="Measure the stores.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rows", type=int, default=ROWS, help="predictions in each round; four times as many scores")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the page with the section")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
