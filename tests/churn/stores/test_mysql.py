"""What MariaDB and MySQL would do otherwise than SQLite and PostgreSQL, they do not do here."""

import socket
import ssl
import struct
import time
from itertools import count
from random import Random

import certifi
import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select, text, update

from churn.errors import RefusedError, StoreError
from churn.stores.database import is_current, migrate, open_database
from churn.stores.leases import hold_lease
from churn.stores.mysql import PromptConnection
from churn.stores.predictions import PredictionStore
from churn.stores.score_table import ScoreTable
from churn.stores.tables import drift_runs, leases, predictions
from churn.stores.transactions import reading, writing
from tests.churn.stores.records import prediction
from tests.churn.stores.score_job import score
from tests.churn.stores.test_database import require_the_tables_that_the_code_knows
from tests.mariadb import PASSWORD, MariaDb
from tests.postgres import free_port

ALIKE = ("a", "A", "ä", "a ", "á")
DOUBLES = 2_000
CHANGES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE")
ONLY_MARIADB = pytest.mark.parametrize("kind", ["mariadb"], indirect=True)


def test_names_that_are_alike_are_not_the_same(engine: Engine) -> None:
    store = PredictionStore(engine)
    store.add([prediction(name, customer_id=name) for name in ALIKE])
    tokens = []
    for name in ALIKE:
        with hold_lease(engine, name, owner="me", seconds=60) as lease:
            tokens.append(lease.fencing_token)

    assert store.count() == len(ALIKE)
    assert [getattr(store.latest_for(name), "customer_id", None) for name in ALIKE] == list(ALIKE)
    assert tokens == [1] * len(ALIKE)


def test_scores_of_customers_that_are_alike_stand_side_by_side(database_url: str) -> None:
    with ScoreTable(database_url) as table:
        table.upsert([{**score(1), "customer_id": name} for name in ALIKE])

    engine = open_database(database_url)
    with reading(engine) as connection:
        assert set(connection.execute(text("SELECT customer_id FROM churn_scores")).scalars()) == set(ALIKE)
    engine.dispose()


def test_text_has_no_end(engine: Engine) -> None:
    inputs = {"Contract": "ä" * 100_000}
    PredictionStore(engine).add([prediction(1, inputs=inputs)])

    (found,) = PredictionStore(engine).with_ids(["p-1"])
    assert found.inputs == inputs


def test_every_double_is_found_again_to_its_last_bit(engine: Engine) -> None:
    drawn = Random(20261121)
    bits = (struct.unpack("<d", drawn.randbytes(8))[0] for _ in range(2 * DOUBLES))
    numbers = [number for number in bits if number == number and abs(number) != float("inf")][:DOUBLES]  # noqa: PLR0124
    PredictionStore(engine).add([prediction(n, expected_loss=number) for n, number in enumerate(numbers)])

    query = select(predictions.c.prediction_id, predictions.c.expected_loss)
    with reading(engine) as connection:
        found = {row.prediction_id: row.expected_loss for row in connection.execute(query)}
    assert [found[f"p-{n}"].hex() for n in range(len(numbers))] == [number.hex() for number in numbers]


@ONLY_MARIADB
def test_a_number_that_is_none_is_refused_for_good(engine: Engine) -> None:
    row = {column.name: 0 for column in drift_runs.columns if not column.primary_key}
    with pytest.raises(RefusedError, match="refused the values"), writing(engine) as connection:
        connection.execute(insert(drift_runs), {**row, "drifted_share": float("inf")})


@ONLY_MARIADB
@pytest.mark.parametrize(
    "values",
    [
        {"name": "x" * 256, "fencing_token": 1},
        {"name": "secret customer's name", "fencing_token": 1},
        {"name": "other", "fencing_token": 2**70},
    ],
)
def test_what_does_not_fit_is_refused_whole_and_not_quoted(engine: Engine, values: dict[str, object]) -> None:
    row = {"owner": "me", "expires_at": "2026", "name": "secret customer's name", "fencing_token": 1}
    with writing(engine) as connection:
        connection.execute(insert(leases), row)

    with pytest.raises(RefusedError, match="refused the values") as raised, writing(engine) as connection:
        connection.execute(insert(leases), {**row, **values})

    assert "secret customer" not in str(raised.value)
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(leases)).scalar_one() == 1


def test_a_row_that_is_changed_to_what_it_was_counts_as_changed(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(insert(leases), {"name": "a", "owner": "me", "expires_at": "2026", "fencing_token": 1})
        assert connection.execute(update(leases).values(owner="me")).rowcount == 1


@ONLY_MARIADB
def test_a_reader_of_one_transaction_sees_what_others_have_stored_since(engine: Engine) -> None:
    """As on PostgreSQL; by itself MariaDB would show the moment of the first query."""
    with reading(engine) as connection:
        query = select(func.count()).select_from(predictions)
        before = connection.execute(query).scalar_one()
        PredictionStore(engine).add([prediction(1)])
        assert (before, connection.execute(query).scalar_one()) == (0, 1)


@ONLY_MARIADB
@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_every_scheme_means_the_same(mariadb: MariaDb, database_url: str, scheme: str) -> None:
    name = database_url.rpartition("/")[2]
    engine = open_database(f"{scheme}://churn:{PASSWORD}@127.0.0.1:{mariadb.port}/{name}")
    with reading(engine) as connection:
        assert connection.execute(text("SELECT @@sql_mode")).scalar_one().startswith("STRICT_ALL_TABLES")
    assert engine.dialect.name == "mysql"
    engine.dispose()


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
def test_a_server_that_is_away_is_one_line_without_its_password(scheme: str) -> None:
    engine = open_database(f"{scheme}://churn:secret-word@127.0.0.1:{free_port()}/churn")

    with pytest.raises(StoreError, match=r"churn:\*\*\*@127.0.0.1.*refused") as caught:
        migrate(engine)

    assert "secret-word" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_server_that_does_not_greet_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        engine = open_database(f"mysql://churn:secret-word@127.0.0.1:{mute.getsockname()[1]}/churn")
        began = time.monotonic()
        with pytest.raises(StoreError, match="timed out"), reading(engine):
            pytest.fail("nobody answers")
    assert time.monotonic() - began < 60


@ONLY_MARIADB
def test_a_connection_that_the_server_closed_is_made_anew(engine: Engine, mariadb: MariaDb) -> None:
    with reading(engine) as connection:
        mine = connection.execute(text("SELECT CONNECTION_ID()")).scalar_one()
    mariadb.run(f"KILL {mine}")

    with reading(engine) as connection:
        assert connection.execute(text("SELECT CONNECTION_ID()")).scalar_one() != mine


@ONLY_MARIADB
def test_somebody_else_s_table_of_the_same_name_is_not_adopted(database_url: str) -> None:
    engine = open_database(database_url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE users (id INTEGER)"))
    for _ in range(2):
        with pytest.raises(StoreError, match="Table 'users' already exists"):
            migrate(engine)
    assert not is_current(engine)
    engine.dispose()


class KilledError(Exception):
    """What a test raises in the place of a `kill -9`."""


def killed_before(engine: Engine, number: int) -> bool:
    """Migrate, and end before the change of this number; False when there are not so many."""
    changes = count()

    def look(_: Connection, __: object, statement: str, *___: object) -> None:
        if statement.lstrip().upper().startswith(CHANGES) and next(changes) == number:
            raise KilledError

    event.listen(engine, "before_cursor_execute", look)
    try:
        migrate(engine)
    except KilledError:
        return True
    finally:
        event.remove(engine, "before_cursor_execute", look)
    return False


def kill_and_migrate_again(server: MariaDb, number: int) -> bool:
    url = server.create(f"killed_{number}")
    engine = open_database(url)
    was_killed = killed_before(engine, number)
    migrate(engine)
    assert is_current(engine)
    require_the_tables_that_the_code_knows(engine)
    engine.dispose()
    server.drop(f"killed_{number}")
    return was_killed


@pytest.mark.parametrize("number", [3, 17, 29])
def test_a_migration_that_was_killed_is_gone_on_with(mariadb: MariaDb, number: int) -> None:
    assert kill_and_migrate_again(mariadb, number)


def killed_after_a_change(engine: Engine) -> bool:
    """Migrate, and end when one table more was changed; False when nothing was left to be changed."""

    def look(_: Connection, __: object, statement: str, *___: object) -> None:
        if statement.lstrip().upper().startswith(("CREATE", "ALTER", "DROP")):
            raise KilledError

    event.listen(engine, "after_cursor_execute", look)
    try:
        migrate(engine)
    except KilledError:
        return True
    finally:
        event.remove(engine, "after_cursor_execute", look)
    return False


@pytest.mark.slow
@ONLY_MARIADB
def test_migrations_that_are_killed_after_each_change_come_to_an_end(database_url: str) -> None:
    engine, kills = open_database(database_url), 0
    while killed_after_a_change(engine):
        kills += 1

    assert kills > 40
    require_the_tables_that_the_code_knows(engine)
    engine.dispose()


def test_an_authority_in_the_address_means_that_certificate_and_name_are_checked() -> None:
    authorities = certifi.where()
    engine = open_database(f"mysql://churn:secret-word@db.example/churn?ssl_ca={authorities}")
    words, named = engine.dialect.create_connect_args(engine.url)

    context = PromptConnection(*words, **named, defer_connect=True).ctx

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
