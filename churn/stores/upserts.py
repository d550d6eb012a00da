"""Inserts that meet a key twice: ignore the second row, or let it win, in each database's words."""

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import mysql, postgresql, sqlite

from churn.errors import StoreError


def insert_or_ignore(table: Table, dialect: str) -> Insert:
    """Return an insert that leaves a row with a known primary key as it is; its `rowcount` is that of the new rows."""
    # Without this option `rowcount` is -1 on PostgreSQL: true, whatever happened.
    return _ignoring(table, dialect).execution_options(preserve_rowcount=True)


def insert_or_replace(table: Table, dialect: str) -> Insert:
    """Return an insert that takes the place of a row with the same primary key."""
    values = [column.name for column in table.columns if not column.primary_key]
    match dialect:
        case "sqlite":
            insert = sqlite.insert(table)
            return insert.on_conflict_do_update(
                index_elements=_keys(table), set_={name: insert.excluded[name] for name in values}
            )
        case "postgresql":
            insert_into = postgresql.insert(table)
            return insert_into.on_conflict_do_update(
                index_elements=_keys(table), set_={name: insert_into.excluded[name] for name in values}
            )
        case "mysql" | "mariadb":
            insert_or = mysql.insert(table)
            return insert_or.on_duplicate_key_update({name: insert_or.inserted[name] for name in values})
    raise StoreError(f"no upsert for {dialect}: use sqlite, postgresql, mysql or mariadb")


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
