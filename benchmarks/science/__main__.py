"""Measure the science and write its section of benchmarks/RESULTS.md: `make bench-science`."""

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.results import RESULTS, replace_section, section_of
from benchmarks.science import tables
from benchmarks.science.card import markdown
from benchmarks.science.measured import Measured, measure
from benchmarks.science.tables import Table
from churn.errors import ChurnError
from pipelines.parameters import read_parameters
from pipelines.settings import PipelineSettings
from pipelines.training import TrainParameters

SECTION = "science"
FOUND = Path(__file__).parents[3] / "shared" / "data"
FILES = {"data": "Telco-Customer-Churn.csv", "extended": "telco_extended", "events": "cdnow.txt"}
"""Where the public files lie when no table is named."""

TELCO_FOLDS, TELCO_REPEATS, OTHER_FOLDS, OTHER_REPEATS = 10, 2, 5, 1
SHOWN = ("scikit-learn", "catboost", "lightgbm", "xgboost-cpu", "optuna")
LEGEND = """\
Written by `make bench-science`. *What it chose* is the whole procedure, once more inside every outer fold: search,
calibration, stack, and choice by technical floor, then money; nothing has seen the tested customers. Its finalists come
out of the same development, the others are fitted once per outer fold, on the same rows. 95 % intervals are over
customers, means over repeats. *EMPC gain* is over contacting everybody, per customer (value 200, offer 10, contact 1,
Beta(6, 14)). Two questions are kept apart when one is held against another: would *these scores* differ on other
customers, and is *the way of training* better (folds share training rows: corrected, and it finds less)?
"""


def main() -> None:
    asked = _asked()
    with TemporaryDirectory() as scratch:
        settings = PipelineSettings(home=Path(scratch) / "home")
        for table, parameters in _wanted(asked, Path(scratch)):
            started = perf_counter()
            parts = [_part(one) for one in _measure(table, parameters, settings)]
            _write(asked.results, table.key, "\n".join([*parts, _how(parameters, perf_counter() - started)]))
    _say(f"written to {asked.results}")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.science", description=__doc__)
    parser.add_argument("--data", type=Path, help="Telco-Customer-Churn.csv")
    parser.add_argument("--extended", type=Path, help="folder of the extended Telco file's workbooks")
    parser.add_argument("--events", type=Path, help="the CDNOW log")
    parser.add_argument("--folder", type=Path, help="tables with contracts beside them: <name>.csv and <name>.yaml")
    parser.add_argument("--folds", type=int, help=f"outer folds: {TELCO_FOLDS} for Telco, {OTHER_FOLDS} for the others")
    parser.add_argument("--repeats", type=int, help=f"of the folds: {TELCO_REPEATS} and {OTHER_REPEATS}")
    parser.add_argument("--trials", type=int, default=20, help="of the search in each outer fold")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the page with the section")
    asked = parser.parse_args()
    if not any((asked.data, asked.extended, asked.events, asked.folder)):
        parser.set_defaults(**{name: FOUND / file for name, file in FILES.items() if (FOUND / file).exists()})
        asked = parser.parse_args()
    if not any((asked.data, asked.extended, asked.events, asked.folder)):
        parser.error(f"there is nothing to measure: name a table with --data, or put the public files into {FOUND}")
    return asked


def _wanted(asked: argparse.Namespace, scratch: Path) -> Iterator[tuple[Table, TrainParameters]]:
    """Yield the tables that were named, with how to measure them."""
    others = _parameters(asked, OTHER_FOLDS, OTHER_REPEATS)
    if asked.data:
        yield tables.telco(asked.data), _parameters(asked, TELCO_FOLDS, TELCO_REPEATS)
    if asked.extended:
        yield tables.extended(asked.extended, scratch), others
    if asked.events:
        yield tables.cdnow(asked.events), others
    if asked.folder:
        yield from ((table, others) for table in tables.in_folder(asked.folder))


def _parameters(asked: argparse.Namespace, folds: int, repeats: int) -> TrainParameters:
    return read_parameters(
        "train",
        TrainParameters,
        trials=asked.trials,
        nested_folds=asked.folds or folds,
        nested_repeats=asked.repeats or repeats,
    )


def _measure(table: Table, parameters: TrainParameters, settings: PipelineSettings) -> Iterator[Measured | str]:
    """Measure a table; when it is refused for columns, once more with those columns under `leaking:`."""
    try:
        yield (measured := measure(table, parameters, settings, _say))
        refused = [finding.column for finding in measured.audit.refusals if finding.column]
        if refused and table.is_tried_again:
            yield measure(tables.without(table, refused), parameters, settings, _say)
    except ChurnError as error:
        yield f"### {table.title}\n\n**Nothing is scored:** {error}\n"


def _part(one: Measured | str) -> str:
    return one if isinstance(one, str) else markdown(one)


def _how(parameters: TrainParameters, seconds: float) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in SHOWN)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {parameters.trials} trials a fold, {seconds / 60:.0f} minutes on "
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {packages}."
    )


def _write(path: Path, key: str, part: str) -> None:
    """Write after every table; those that this run does not measure stay."""
    page = path.read_text(encoding="utf-8") if path.is_file() else "# Results\n"
    section = section_of(page, SECTION) or f"## Science\n\n{LEGEND}"
    path.write_text(replace_section(page, SECTION, replace_section(section, key, part)), encoding="utf-8")


def _say(text: str) -> None:
    print(f"science: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
