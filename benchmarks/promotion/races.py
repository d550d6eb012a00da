"""Races for production: 2 to 8 processes promote one of two versions or roll back at once; how many win each time.

`python -m benchmarks.promotion.races --rounds 200 --database postgresql+psycopg://…` writes its section of RESULTS.md.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from benchmarks.results import RESULTS, replace_section
from churn.contract.reading import load_contract
from churn.stores.database import open_database, open_migrated
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle

ROUNDS = 200
SEED = 20261121


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of all races on one database.

    Attributes:
        bad: rounds that did not end with one winner by its word, by the log and by the alias, and conflicts for others.
        double: rounds with more than one winner, by its word or by the log.
    """

    database: str
    rounds: int
    racers: int
    winners: int
    conflicts: int
    double: int
    bad: int
    seconds: float


def measure(folder: Path, database: str, rounds: int, *, seconds: float) -> Outcome:
    """Race in a home of its own, so many rounds, or until the time is up."""
    from tests.faults.racing import Course, line_up

    versions = _versions(folder, database)
    engine = open_database(database)
    course = Course(ModelRegistry(_tracking(folder)), PromotionLog(engine), versions)
    environment = {"CHURN_HOME": str(folder), "CHURN_TRACKING_URI": _tracking(folder), "CHURN_DATABASE_URL": database}
    told, chance, began = Counter[str](), Random(SEED), time.monotonic()
    with line_up(environment) as racers:
        for number in range(rounds):
            found = course.race(racers, chance)
            told.update(("rounds", *(answer.split()[0] for answer in found.answers)))
            told["racers"] += len(found.answers)
            told["double"] += max(found.winners, len(found.done)) > 1
            told["bad"] += not found.is_well
            if not found.is_well:
                print(database, number, found, file=sys.stderr, flush=True)
            if number % 20 == 0:
                print(database, number, dict(told), file=sys.stderr, flush=True)
            if time.monotonic() > began + seconds:
                break
    engine.dispose()
    return Outcome(
        database=make_url(database).get_backend_name(),
        rounds=told["rounds"],
        racers=told["racers"],
        winners=told["won"],
        conflicts=told["conflict"],
        double=told["double"],
        bad=told["bad"],
        seconds=time.monotonic() - began,
    )


def _tracking(folder: Path) -> str:
    return f"sqlite:///{folder / 'mlflow.db'}"


def _versions(folder: Path, database: str) -> tuple[RegisteredBundle, ...]:
    """Register four versions of two bundles."""
    import mlflow

    from churn.bundle.files import digest_of
    from pipelines.logged_model import log_bundle
    from pipelines.register import note_registered
    from pipelines.settings import PipelineSettings
    from tests.bundles import small_bundle

    settings = PipelineSettings(home=folder, tracking=_tracking(folder), database=database)
    open_migrated(settings.database_url)
    contract, registry = load_contract(Path("contracts/telco.yaml")), ModelRegistry(_tracking(folder))
    mlflow.set_tracking_uri(_tracking(folder))
    mlflow.create_experiment("churn", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("churn")
    made = []
    with mlflow.start_run() as run:
        logged = {}
        for seed in (0, 1):
            bundle = folder / f"seed-{seed}" / "bundle"
            small_bundle(bundle, contract, seed=seed)
            logged[log_bundle(bundle, contract)] = digest_of(bundle)
    for uri, digest in 2 * list(logged.items()):
        made.append(registry.register("churn", uri, run_id=run.info.run_id, digest=digest, tags={}))
        note_registered(made[-1], "a benchmark", "for a race", settings=settings)
    return tuple(made)


def section(outcomes: Sequence[Outcome]) -> str:
    """Return the table."""
    return "\n".join(
        [
            "## Races for production",
            "",
            "2 to 8 processes at once, each with one of three moves at random: promote one of two versions (whatever "
            "the gate says), or roll back. A round is well when one process is told that it won, the log has one move "
            "as done, alias and legacy stage name its version, nothing is unfinished, and all others are told of a "
            "conflict.",
            "",
            "| database | rounds | processes | winners | told of a conflict | two winners | rounds not well |",
            "|---|---|---|---|---|---|---|",
            *(
                f"| {one.database} | {one.rounds} | {one.racers} | {one.winners} | {one.conflicts} | {one.double} | "
                f"{one.bad} |"
                for one in outcomes
            ),
            "",
            _closing(outcomes),
        ]
    )


def _closing(outcomes: Sequence[Outcome]) -> str:
    rounds, seconds = sum(one.rounds for one in outcomes), max(one.seconds for one in outcomes)
    took = f"{seconds:,.0f} s, all databases side by side; seed {SEED}."
    if any(one.double for one in outcomes):
        return took
    return f"{took} No round of {rounds} had two winners: with 95 % certainty fewer than {3 / rounds:.1%} have."


def main(arguments: Sequence[str] | None = None) -> int:
    """Race on each database, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--database", action="append", default=[], help="an empty one; SQLite is always there")
    parser.add_argument("--minutes", type=float, default=60.0, help="on each database, at most")
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    with TemporaryDirectory() as folder, ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        running = []
        for number, database in enumerate(["", *asked.database]):
            home = Path(folder) / str(number)
            home.mkdir()
            url = database or f"sqlite:///{home / 'churn.db'}"
            running.append(pool.submit(measure, home, url, asked.rounds, seconds=60 * asked.minutes))
        outcomes = [each.result() for each in running]
    text = section(outcomes)
    print(text)
    page = asked.output.read_text("utf-8") if asked.output.exists() else ""
    asked.output.write_text(replace_section(page, "promotion: races", text), encoding="utf-8")
    return int(any(one.bad for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
