"""Measure what a scrape of the exporter costs when the store holds a million predictions.

`python -m benchmarks.eyes.exporter` writes the section of benchmarks/RESULTS.md, for a SQLite file and for each empty
database that `--database URL` names.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from sqlalchemy import Engine

from benchmarks.results import RESULTS, replace_section
from churn.scoring.prediction import Prediction, utc_text
from churn.stores.database import migrate, open_database
from churn.stores.predictions import PredictionStore
from monitoring.exporter import StoreCollector
from monitoring.exporter.customers import customer_facts

ROWS = 1_000_000
CUSTOMERS_SHARE = 0.3
DAYS = 30
AT_ONCE = 10_000
SCRAPES = 20
SEGMENTS = ("loyal", "new", "quiet", "thrifty")
INPUTS = {f"Column{number:02}": "Month-to-month" if number % 2 else 70.35 for number in range(20)}


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds.

    Attributes:
        sums: of computing the sums over all predictions once, beside the scrapes.
        scrape: of a scrape afterwards, the median.
        slowest: of these scrapes.
    """

    database: str
    rows: int
    sums: float
    scrape: float
    slowest: float


def predictions(rows: int) -> Iterator[Prediction]:
    """Yield what a door recorded in the last month, oldest first, of a third as many customers."""
    random, now = np.random.default_rng(5), datetime.now(UTC)
    customers = random.integers(0, max(1, int(rows * CUSTOMERS_SHARE)), rows)
    for row, probability in enumerate(random.beta(2, 5, rows).tolist()):
        at = utc_text(now - timedelta(days=DAYS * (1 - row / rows)))
        level = "HIGH" if probability > 0.6 else "MEDIUM" if probability > 0.4 else "LOW"
        yield Prediction(
            f"{row:032x}", f"C-{customers[row]:07}", "churn", 1 + 3 * row // rows, "production", "bento", INPUTS,
            probability, 0.4, int(probability >= 0.4), level, at, SEGMENTS[customers[row] % 4],
            900 * probability, 300 * probability - 60, 100 * probability,
        )  # fmt: skip


def measure(engine: Engine, rows: int, scrapes: int = SCRAPES) -> Cost:
    """Fill an empty store and scrape it."""
    migrate(engine)
    store, coming = PredictionStore(engine), predictions(rows)
    while some := list(islice(coming, AT_ONCE)):
        store.add(some)
    began = perf_counter()
    customer_facts(engine, "churn")
    sums = perf_counter() - began
    collector = StoreCollector("churn", engine, lambda: 3)
    took = []
    while len(took) < scrapes:
        began = perf_counter()
        seen = [family.name for family in collector.collect() if family.samples]
        if "churn_customers" in seen:  # the first ones come while the sums are computed
            took.append(perf_counter() - began)
    return Cost(engine.dialect.name, rows, sums, median(took), max(took))


def section(costs: Sequence[Cost]) -> str:
    """Return the table."""
    rows = costs[0].rows
    return "\n".join(
        [
            "## A scrape of the exporter",
            "",
            f"{rows:,} predictions of the last {DAYS} days, of {int(rows * CUSTOMERS_SHARE):,} customers; {SCRAPES} "
            "scrapes. The sums are computed beside the scrapes, at most once a minute.",
            "",
            "| database | sums, s | a scrape, ms | the slowest, ms |",
            "|---|---|---|---|",
            *(
                f"| {cost.database} | {cost.sums:.1f} | {1e3 * cost.scrape:.0f} | {1e3 * cost.slowest:.0f} |"
                for cost in costs
            ),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each database, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--database", action="append", default=[])
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        urls = [f"sqlite:///{Path(folder) / 'churn.db'}", *asked.database]
        costs = [measure(open_database(url), asked.rows) for url in urls]
    text = section(costs)
    print(text)
    page = asked.output.read_text("utf-8") if asked.output.exists() else ""
    asked.output.write_text(replace_section(page, "eyes: exporter", text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
