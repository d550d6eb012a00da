"""Transactions: one to read, one to write, and SQLAlchemy's errors said in one line of ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, event, exc, text

from churn.errors import RefusedError, StoreError
from churn.scoring.prediction import utc_text

NOW = {
    "postgresql": text("SELECT clock_timestamp()"),
    "mysql": text("SELECT UTC_TIMESTAMP(3)"),
}

UNSPEAKABLE = "can not be used with MySQL"
"""PyMySQL's words for numbers that are none, which it calls an error of the program."""

# MySQL quotes values in its messages, which may be a customer's.
QUOTED = re.compile(r"'.*' for |value: '.*'|near '.*'", re.DOTALL)
MISSING = ("no such table", "no such column", "does not exist", "doesn't exist", "Unknown column")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that will write; it is committed at the end, or rolled back by any error.

    Raises:
        RefusedError: the database will never take these values.
        StoreError: it did not answer, or failed.
    """
    with translated(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads, so that on SQLite it waits for nobody. Raises as `writing` does."""
    with translated(engine), engine.connect().execution_options(churn_only_reads=True) as connection:
        yield connection


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Turn SQLAlchemy's errors into a StoreError that names the database, never its password or a customer's values."""
    try:
        yield
    except (exc.DataError, exc.IntegrityError) as error:
        raise RefusedError(f"{_place(engine)} refused the values: {_cause(error)}") from error
    except exc.SQLAlchemyError as error:
        if UNSPEAKABLE in str(error):
            raise RefusedError(f"{_place(engine)} refused the values: {_cause(error)}") from error
        raise StoreError(f"{_place(engine)} failed: {_cause(error)}. {_remedy(error)}") from error


def database_now(connection: Connection) -> datetime:
    """Return the database's time, so that machines with different clocks agree; for SQLite it is this machine's."""
    query = NOW.get(connection.dialect.name)
    if query is None:
        return datetime.now(UTC)
    now: datetime = connection.execute(query).scalar_one()
    return now.replace(tzinfo=UTC) if now.tzinfo is None else now.astimezone(UTC)


def database_now_text(connection: Connection) -> str:
    """Return the database's time as it is stored."""
    return utc_text(database_now(connection))


def begin_by_ourselves(engine: Engine) -> None:
    """Let SQLite lock for writing at the start of a transaction.

    Python's driver begins late, and SQLite refuses at once (no busy_timeout) to turn a reader into a writer when
    another has written meanwhile. It also leaves DDL outside of transactions.
    """

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        only_reads = connection.get_execution_options().get("churn_only_reads", False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")


def _place(engine: Engine) -> str:
    return f"the database {engine.url.render_as_string(hide_password=True)}"


def _cause(error: exc.SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    lines = _words(cause).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(cause).__name__


def _words(cause: BaseException) -> str:
    """Return what a driver says; PyMySQL says a number and a sentence."""
    if len(cause.args) == 2 and isinstance(cause.args[0], int):
        return QUOTED.sub("a value for ", str(cause.args[1]))
    return str(cause)


def _remedy(error: exc.SQLAlchemyError) -> str:
    cause = str(getattr(error, "orig", None) or error)
    if any(words in cause for words in MISSING):
        return "If its tables are missing or old, `churn doctor` says how to migrate it"
    return "Check CHURN_DATABASE_URL, that the server runs, and its disk; `churn doctor` tests it"
