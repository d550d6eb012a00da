"""Measure the scoring kernel and the batch job: `python -m benchmarks.scoring`."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from churn.bundle.files import DecisionPolicy
from churn.bundle.making import Ingredients, make_bundle
from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.contract.table import Columns, check_table, check_target
from churn.data.sampler import sample_telco
from churn.data.sampler_file import write_sample
from churn.features.frame import raw_frame
from churn.models.calibration import CalibratedPipeline
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from churn.settings import environment_for_children

BATCH_ROWS = 200_000
JOB_ROWS = 1_000_000
ROUNDS = 5
Customers = tuple[Contract, Columns, np.ndarray]
"""A contract, graph-ready columns and labels."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of the table; `reached` is None when there is no goal."""

    name: str
    value: str
    goal: str = ""
    reached: bool | None = None


def measure(home: Path) -> list[Measured]:
    """Return kernel and batch figures; the process is bound to one core while it measures the kernel."""
    customers = _customers()
    _, columns, _ = customers
    fitted, scorer = _made("catboost", customers, home / "catboost")
    one = {name: values[0] for name, values in columns.items()}
    frame = raw_frame(columns).iloc[:1]
    big = {name: np.resize(values, BATCH_ROWS) for name, values in columns.items()}
    big_frame = raw_frame(big)

    with _one_core():
        kernel = _median_seconds(lambda: scorer.score_row(one), 2000)
        pipeline = _median_seconds(lambda: fitted.predict_proba(frame), 20)
        batch = BATCH_ROWS / _median_seconds(lambda: scorer.score_columns(big), 1)
        pipeline_batch = BATCH_ROWS / _median_seconds(lambda: fitted.predict_proba(big_frame), 1)
    return [
        Measured("one row in process", f"{kernel * 1e6:.0f} µs", "≤ 150 µs", kernel <= 150e-6),
        Measured("the same row through the scikit-learn pipeline", f"{pipeline * 1e3:.1f} ms"),
        Measured("ratio", f"{pipeline / kernel:.0f} ×", "≥ 100 ×", pipeline / kernel >= 100),
        Measured("batch on one core", f"{batch:,.0f} rows/s", "≥ 100,000 rows/s", batch >= 100_000),
        Measured("the same batch through the scikit-learn pipeline", f"{pipeline_batch:,.0f} rows/s"),
        Measured("batch ratio", f"{batch / pipeline_batch:.1f} ×"),
        *_explanations(customers, (scorer, one), home),
        *_job(home),
    ]


def _customers() -> Customers:
    contract = load_contract(Path("contracts/telco.yaml"))
    raw = sample_telco(7043, seed=1)
    return contract, check_table(contract, raw).columns, check_target(contract, raw)[0]


def _made(name: str, customers: Customers, folder: Path) -> tuple[CalibratedPipeline, Scorer]:
    """Fit a candidate at its defaults and load its bundle."""
    contract, columns, labels = customers
    candidate = CANDIDATES[name]
    fitted = CalibratedPipeline(candidate.build(Recipe(contract, candidate.defaults))).fit(raw_frame(columns), labels)
    digest, _ = make_bundle(
        folder,
        Ingredients(
            contract=contract,
            candidate=name,
            fitted=fitted,
            policy=DecisionPolicy(threshold=0.3, high_risk_from=0.6),
            evaluation=columns,
            reference=columns,
            training_data_sha256="",
            card="",
        ),
    )
    return fitted, load_scorer(folder, name="churn", version=1, digest=digest)


def _explanations(customers: Customers, first: tuple[Scorer, dict[str, float | str]], home: Path) -> list[Measured]:
    """What reasons in words add to one row's time, and what they cost in a batch, on one core."""
    catboost, row = first
    others = {name: _made(name, customers, home / name)[1] for name in ("xgboost", "lightgbm", "logistic")}
    few = {name: values[:1000] for name, values in customers[1].items()}
    found = []
    for name, scorer in {"catboost": catboost, **others}.items():
        with _one_core():
            seconds = _median_seconds(partial(scorer.explain_row, row), 300)
            each = _median_seconds(lambda of=scorer: sum(1 for _ in of.explain_columns(few)), 1) / 1000
        goal = ("", None) if name == "logistic" else ("≤ 1 ms", seconds <= 1e-3)
        found.append(Measured(f"reasons for one row, {name}", f"{seconds * 1e6:.0f} µs", *goal))
        found.append(Measured(f"reasons for each row of a batch, {name}", f"{each * 1e6:.0f} µs"))
    return found


@contextmanager
def _one_core() -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _median_seconds(call: Callable[[], object], repeats: int) -> float:
    """Median over rounds of the mean time of a call."""
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        times.append((time.perf_counter() - start) / repeats)
    return float(np.median(times))


def _job(home: Path) -> list[Measured]:
    """Score a million rows with the command, and once a hundred: the difference is what the rows cost in memory."""
    environment = environment_for_children(CHURN_HOME=str(home / "home"))
    _run(["ring", "--data", str(_sample(home, 7043)), "--trials", "1"], environment)
    _, idle = _run(["score", "--input", str(_sample(home, 100)), "--output", str(home / "few.csv")], environment)
    seconds, peak = _run(
        ["score", "--input", str(_sample(home, JOB_ROWS)), "--output", str(home / "many.csv")], environment
    )
    more = (peak - idle) / 1024
    return [
        Measured(f"churn score, {JOB_ROWS:,} rows of CSV to CSV", f"{JOB_ROWS / seconds:,.0f} rows/s"),
        Measured("its memory above that of 100 rows", f"{more:.0f} MB", "≤ 300 MB", more <= 300),
    ]


def _sample(home: Path, rows: int) -> Path:
    path = home / f"customers-{rows}.csv"
    write_sample(path, rows, seed=2)
    return path


def _run(arguments: list[str], environment: dict[str, str]) -> tuple[float, int]:
    """Run one `churn` command; seconds, and its peak memory in KiB."""
    script = (
        "import resource, subprocess, sys;"
        "subprocess.run([sys.executable, '-m', 'cli.main', *sys.argv[1:]], check=True, stdout=2);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return time.perf_counter() - start, int(done.stdout.split()[-1])


def markdown(rows: list[Measured]) -> str:
    """Return the section of RESULTS.md."""
    marks = {None: "", True: "reached", False: "**missed**"}
    lines = [f"| {row.name} | {row.value} | {row.goal} | {marks[row.reached]} |" for row in rows]
    return "\n".join(["| scoring | measured | goal | |", "|---|--:|--:|---|", *lines]) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(markdown(measure(Path(scratch))))
