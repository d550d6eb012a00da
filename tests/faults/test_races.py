import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from churn.settings import environment_for_children
from churn.stores.database import migrate, open_database
from churn.stores.promotions import Move, PromotionLog
from tests.faults.amounts import amount
from tests.faults.conftest import Shop
from tests.faults.doors import ROOT, Home
from tests.faults.tally import tell
from tests.postgres import Postgres, postgres
from tests.tracking import own_tracking

__all__ = ["postgres"]
pytestmark = pytest.mark.slow

RACERS = 4


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request: pytest.FixtureRequest, home: Home, shop: Shop) -> Iterator[tuple[str, Engine]]:
    """The churn store of the home, and its name."""
    url = f"sqlite:///{home.database}"
    if request.param == "PostgreSQL":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create(shop.name)
    home.environment["CHURN_DATABASE_URL"] = url
    engine = open_database(url)
    migrate(engine)
    yield request.param, engine
    engine.dispose()


def test_of_promoters_that_race_exactly_one_moves_the_alias(
    home: Home, shop: Shop, database: tuple[str, Engine], tmp_path: Path
) -> None:
    name, engine = database
    log, rounds, outcomes = PromotionLog(engine), amount("races"), Counter[str]()
    shop.promote("first")
    latest = shop.promote("second")
    first, second = (shop.registry.version(shop.name, version) for version in (latest - 1, latest))
    with ExitStack() as stack:
        racers = [stack.enter_context(racing(home, f"racer{number}", tmp_path)) for number in range(RACERS)]
        assert [_line(each) for each in racers] == ["ready"] * RACERS  # they start side by side
        for _ in range(rounds):
            with own_tracking():
                shop.registry.move_production(second)
            note(log, shop.name, first.version, second.version)
            found = one_round(racers)
            outcomes.update(found)
            production = shop.registry.production(shop.name)
            assert [each for each in found if each.startswith("won")] == [f"won {first.version}"], found
            assert set(found) <= {f"won {first.version}", "conflict", "too late"}
            assert production is not None
            assert production.version == first.version

    done = [row for row in log.history(shop.name, 10_000) if row.action == "rollback" and row.status == "done"]
    assert len(done) == rounds
    assert log.unfinished(shop.name) == []
    tell("T2", f"{RACERS} processes that move the alias at once, {name}", faults=rounds, winners=len(done),
         told_of_a_conflict=outcomes["conflict"], too_late=outcomes["too late"])  # fmt: skip


def note(log: PromotionLog, model: str, before: int, after: int) -> None:
    move = Move(model, "promote", from_version=before, to_version=after, actor="test")
    log.finish(log.prepare(move, reason="the next round"), "done")


def one_round(racers: list[subprocess.Popen[str]]) -> list[str]:
    at = time.time() + 0.05
    for each in racers:
        assert each.stdin is not None
        each.stdin.write(f"{at}\n")
        each.stdin.flush()
    return [_line(each) for each in racers]


@contextmanager
def racing(home: Home, name: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    environment = environment_for_children(**home.environment, CHURN_HOME=str(home.folder))
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.racer", name], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
