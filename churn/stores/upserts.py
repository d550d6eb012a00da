"""Inserts that meet a key twice: ignore the second row, or let it win, in each database's words."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter

import orjson
from sqlalchemy import ARRAY, Connection, Insert, String, Table, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects import mysql, postgresql, sqlite

from churn.errors import StoreError


@cache
def insert_or_ignore(table: Table, dialect: str) -> Insert:
    """Return an insert that leaves a row with a known primary key as it is; its `rowcount` is that of the new rows."""
    # Without this option `rowcount` is -1 on PostgreSQL: true, whatever happened.
    return _ignoring(table, dialect).execution_options(preserve_rowcount=True)


def insert_or_replace(table: Table, dialect: str) -> Insert:
    """Return an insert that takes the place of a row with the same primary key."""
    match dialect:
        case "sqlite":
            return _replacing(sqlite.insert(table), table)
        case "postgresql":
            return _replacing(postgresql.insert(table), table)
        case "mysql" | "mariadb":
            insert_or = mysql.insert(table)
            return insert_or.on_duplicate_key_update({name: insert_or.inserted[name] for name in _values(table)})
    raise StoreError(f"no upsert for {dialect}: use sqlite, postgresql, mysql or mariadb")


def replace_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert many rows, each taking the place of one with the same primary key; no key may come twice.

    PostgreSQL gets a column at a time as an array, in one statement: about twice as quick as a row at a time.
    """
    if connection.dialect.name != "postgresql":
        connection.execute(insert_or_replace(table, connection.dialect.name), rows)
        return
    arrays = {column.name: [row[column.name] for row in rows] for column in table.columns}
    values = [func.unnest(bindparam(column.name, type_=ARRAY(column.type))) for column in table.columns]
    insert = postgresql.insert(table).from_select([column.name for column in table.columns], select(*values))
    connection.execute(_replacing(insert, table), arrays)


def ignore_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> int:
    """Insert many rows, each unless its primary key is known, and return the database's count of the new ones.

    PostgreSQL gets all as one JSON text: half the time of a row at a time, and a fifth of this process's; what JSON
    can't hold (infinity) is null there. The others get tuples, past SQLAlchemy's own look at every value: on SQLite two
    thirds of this process's time. MySQL counts known rows, too, so they are looked for before: exact while nobody else
    inserts them at that moment.

    Args:
        connection: of a transaction that writes.
        table: whose values are text and numbers.
        rows: each with all of the table's columns.
    """
    match connection.dialect.name:
        case "postgresql":
            return connection.execute(_ignoring_json(table), {"rows": orjson.dumps(rows).decode()}).rowcount
        case "mysql":
            new = _unknown(connection, table, rows)
            _insert_text(connection, table, rows)
            return new
        case _:
            return _insert_text(connection, table, rows)


def _insert_text(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> int:
    statement, values = _ignoring_text(table, connection.dialect.name)
    return connection.exec_driver_sql(statement, list(map(values, rows))).rowcount


@cache
def _ignoring_text(table: Table, dialect: str) -> tuple[str, Callable[[Mapping[str, object]], tuple[object, ...]]]:
    """Return the statement in the database's words, and what makes its parameters of a row."""
    words = mysql.dialect() if dialect == "mysql" else sqlite.dialect()
    statement = str(insert_or_ignore(table, dialect).compile(dialect=words))
    return statement, itemgetter(*(column.name for column in table.columns))


def _unknown(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> int:
    """Return how many keys of rows the table does not have, each counted once."""
    key = table.c[_keys(table)[0]]
    keys = {row[key.name] for row in rows}
    return len(keys) - connection.execute(select(func.count()).where(key.in_(keys))).scalar_one()


@cache
def _ignoring_json(table: Table) -> Insert:
    # Text of any length here: the table's own columns say what is too long.
    kinds = [column(each.name, Text() if isinstance(each.type, String) else each.type) for each in table.columns]
    text = cast(bindparam("rows", type_=Text), postgresql.JSON)
    found = func.json_to_recordset(text).table_valued(*kinds).render_derived(with_types=True)
    names = [each.name for each in table.columns]
    insert = postgresql.insert(table).from_select(names, select(*(found.c[name] for name in names)))
    return insert.on_conflict_do_nothing(index_elements=_keys(table)).execution_options(preserve_rowcount=True)


def _ignoring(table: Table, dialect: str) -> Insert:
    match dialect:
        case "sqlite":
            return sqlite.insert(table).on_conflict_do_nothing(index_elements=_keys(table))
        case "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing(index_elements=_keys(table))
        case "mysql" | "mariadb":
            # Not INSERT IGNORE: that swallows values that do not fit, too.
            key = _keys(table)[0]
            return mysql.insert(table).on_duplicate_key_update({key: table.c[key]})
    raise StoreError(f"no insert-or-ignore for {dialect}: use sqlite, postgresql, mysql or mariadb")


def _keys(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def _values(table: Table) -> list[str]:
    return [column.name for column in table.columns if not column.primary_key]


def _replacing(insert: sqlite.Insert | postgresql.Insert, table: Table) -> Insert:
    return insert.on_conflict_do_update(
        index_elements=_keys(table), set_={name: insert.excluded[name] for name in _values(table)}
    )
