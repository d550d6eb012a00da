"""Resuming: MariaDB and MySQL commit each change of a table by itself, so a killed migration leaves some of them.

The next one makes the same changes again and passes over those that are made. Whatever a revision does beside changes
of tables must stand being done twice.
"""

import logging
from typing import Any

from alembic.ddl.mysql import MySQLImpl
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CursorResult, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable, DDLElement

log = logging.getLogger(__name__)

TABLE_EXISTS, NO_SUCH_TABLE, COLUMN_EXISTS, INDEX_EXISTS, NOTHING_TO_DROP = 1050, 1051, 1060, 1061, 1091
MADE = frozenset({TABLE_EXISTS, NO_SUCH_TABLE, COLUMN_EXISTS, INDEX_EXISTS, NOTHING_TO_DROP})


class ResumingImpl(MySQLImpl):
    """Alembic's MySQL, which passes over what is made already."""

    __dialect__ = "holdfast-mysql"  # a name of its own: other programs' migrations in this process stay as they are

    def _exec(self, construct: Any, *words: Any, **named: Any) -> CursorResult[Any] | None:
        try:
            return super()._exec(construct, *words, **named)
        except DBAPIError as error:
            if not self._is_made(construct, error):
                raise
            log.warning("a change of the tables was made before, by a migration that did not end")
            return None

    def _is_made(self, construct: object, error: DBAPIError) -> bool:
        if not isinstance(construct, DDLElement) or error.orig is None or error.orig.args[0] not in MADE:
            return False
        if not isinstance(construct, CreateTable) or self.connection is None:
            return True
        # Somebody else's table of the same name is not adopted.
        there = {column["name"] for column in inspect(self.connection).get_columns(construct.element.name)}
        return there == {column.name for column in construct.element.columns}


def resume(context: MigrationContext) -> None:
    """Let a migration of MariaDB or MySQL go on where another was killed."""
    if context.dialect.name == "mysql":
        context.impl = ResumingImpl(context.dialect, context.connection, context.as_sql, None, None, context.opts)
