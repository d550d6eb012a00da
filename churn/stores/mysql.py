"""MariaDB and MySQL: connected to, and given tables, so that they mean what the other databases mean.

`docs/stores.md` says what differs for whoever looks after them.
"""

import socket
from typing import Any

from pymysql.connections import Connection
from sqlalchemy import URL, Engine, Table, Text, create_engine, event
from sqlalchemy.dialects.mysql.base import MySQLDDLCompiler, MySQLTypeCompiler

SECONDS_TO_CONNECT, SECONDS_TO_WRITE = 3, 30
SECONDS_TO_READ = 300
"""No query of ours lets one wait for longer; a server that hangs would keep the thread for ever."""

SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
    "time_zone = '+00:00', innodb_lock_wait_timeout = 15"
)
# A machine that is gone says nothing: the kernel would wait for a quarter of an hour.
LIVENESS = (
    (socket.TCP_USER_TIMEOUT, 10_000),
    (socket.TCP_KEEPIDLE, 10),
    (socket.TCP_KEEPINTVL, 5),
    (socket.TCP_KEEPCNT, 3),
)


class PromptConnection(Connection):
    """A connection that waits for the server's greeting no longer than for its port to open."""

    _read_timeout: float | None

    def connect(self, sock: socket.socket | None = None) -> None:
        """Connect; a query may take longer than that."""
        patience, self._read_timeout = self._read_timeout, self.connect_timeout
        super().connect(sock)
        self._read_timeout = patience
        if self.unix_socket is None:
            for option, value in LIVENESS:
                self._sock.setsockopt(socket.IPPROTO_TCP, option, value)


class Types(MySQLTypeCompiler):
    """Types as elsewhere: text has no end."""

    def visit_TEXT(self, type_: Text, **more: Any) -> str:  # noqa: N802  the library's name
        """Return what text of any length is; TEXT ends after 64 KB."""
        del type_, more
        return "LONGTEXT"


class Tables(MySQLDDLCompiler):
    """Tables as elsewhere, whatever the database's own character set: "a", "A", "ä" and "a " are four texts."""

    def post_create_table(self, table: Table) -> str:
        """Return what follows the columns."""
        plain = "utf8mb4_nopad_bin" if self.dialect.is_mariadb else "utf8mb4_0900_bin"
        return f"{super().post_create_table(table)} ENGINE=InnoDB CHARSET=utf8mb4 COLLATE={plain}"


def open_mysql(address: URL) -> Engine:
    """Return an engine; nothing is connected yet."""
    engine = create_engine(
        address,
        pool_pre_ping=True,
        pool_timeout=5,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": SECONDS_TO_CONNECT,
            "read_timeout": SECONDS_TO_READ,
            "write_timeout": SECONDS_TO_WRITE,
            "init_command": SESSION,
            "program_name": "holdfast",
        },
    )
    engine.dialect.ddl_compiler = Tables
    engine.dialect.type_compiler = engine.dialect.type_compiler_instance = Types(engine.dialect)
    event.listen(engine, "do_connect", _connected)
    return engine


def _connected(_: object, __: object, words: list[Any], named: dict[str, Any]) -> PromptConnection:
    return PromptConnection(*words, **named)
