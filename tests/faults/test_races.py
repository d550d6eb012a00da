from collections import Counter
from collections.abc import Iterator
from random import Random

import mlflow
import pytest
from sqlalchemy import Engine

from churn.bundle.files import digest_of
from churn.stores.database import open_migrated
from churn.stores.promotions import PromotionLog
from pipelines.register import note_registered
from pipelines.settings import PipelineSettings
from tests.faults.amounts import amount
from tests.faults.conftest import Shop
from tests.faults.doors import Home
from tests.faults.racing import MOST_RACERS, Course, line_up
from tests.faults.tally import tell
from tests.mariadb import MariaDb, mariadb
from tests.postgres import Postgres, postgres
from tests.tracking import own_tracking

__all__ = ["mariadb", "postgres"]
pytestmark = pytest.mark.slow

SEED = 20261121


SERVERS = {"PostgreSQL": "postgres", "MariaDB": "mariadb"}


@pytest.fixture(params=["SQLite", *SERVERS])
def database(request: pytest.FixtureRequest, home: Home, shop: Shop) -> Iterator[tuple[str, Engine]]:
    """The churn store of the home, and its name."""
    url = f"sqlite:///{home.database}"
    if request.param in SERVERS:
        server: Postgres | MariaDb = request.getfixturevalue(SERVERS[request.param])
        url = server.create(shop.name)
    home.environment["CHURN_DATABASE_URL"] = url
    engine = open_migrated(url)
    yield request.param, engine
    engine.dispose()


def course_of(shop: Shop, engine: Engine, home: Home) -> Course:
    mlflow.set_tracking_uri(shop.uri)
    settings = PipelineSettings(
        home=home.folder, model=shop.name, tracking=shop.uri, database=engine.url.render_as_string(hide_password=False)
    )
    made = []
    for which in ("first", "second", "first", "second"):
        digest = digest_of(shop.folders[which])
        made.append(shop.registry.register(shop.name, shop.logged[which], run_id=shop.run_id, digest=digest, tags={}))
        note_registered(made[-1], "a test", "for a race", settings=settings)
    before, base, first, second = made
    return Course(shop.registry, PromotionLog(engine), (before, base, first, second))


def test_of_all_who_move_production_at_once_exactly_one_does(
    home: Home, shop: Shop, database: tuple[str, Engine]
) -> None:
    name, engine = database
    rounds, chance, told = amount("races"), Random(SEED), Counter[str]()
    with own_tracking():
        course = course_of(shop, engine, home)
        environment = {**home.environment, "CHURN_HOME": str(home.folder)}
        with line_up(environment) as racers:
            for number in range(rounds):
                found = course.race(racers, chance)
                assert found.is_well, (number, found)
                told.update(answer.split()[0] for answer in found.answers)

    assert told["won"] == rounds
    tell("T2", f"2 to {MOST_RACERS} processes that move production at once, {name}", faults=rounds,
         winners=told["won"], told_of_a_conflict=told["conflict"])  # fmt: skip
