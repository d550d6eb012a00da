"""Inserts that meet a key twice: ignore the second row, or let it win, in each database's words."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ARRAY, Connection, Insert, Table, bindparam, func, select
from sqlalchemy.dialects import mysql, postgresql, sqlite

from churn.errors import StoreError


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
