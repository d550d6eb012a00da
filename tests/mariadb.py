"""A real MariaDB at a temporary address, for the tests that need a server."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
import pytest

from tests.postgres import free_port, require_installed, started

SERVER, INSTALLER = Path("/usr/sbin/mariadbd"), Path("/usr/bin/mariadb-install-db")
PASSWORD = "secret-word"
# Without syncing a killed process loses nothing, only a machine without power does.
UNSYNCED = "--innodb-flush-method=nosync"
OPTIONS = (
    "--no-defaults", "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M", "--max-connections=100", "--skip-name-resolve", "--innodb-fast-shutdown=2",
)  # fmt: skip


@dataclass
class MariaDb:
    """A server in a folder of its own. `stop` is a crash (no goodbye), `start` brings it back on the same port."""

    folder: Path
    port: int
    is_synced: bool = False
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def url_of(self, database: str) -> str:
        return f"mysql+pymysql://churn:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        # The server's own character set is latin1 with a collation that knows no case: as badly chosen as it gets.
        self.run(f"CREATE DATABASE `{database}` CHARACTER SET latin1")
        return self.url_of(database)

    def drop(self, database: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS `{database}`")

    def run(self, statement: str) -> None:
        with contextlib.closing(self._connected()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def start(self) -> None:
        own = (f"--datadir={self.folder / 'data'}", f"--socket={self.folder / 'socket'}", f"--port={self.port}")
        kept = (f"--tmpdir={self.folder}", f"--pid-file={self.folder / 'pid'}", *_as_whom())
        kept = kept if self.is_synced else (*kept, UNSYNCED)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([SERVER, *OPTIONS, *own, *kept], stdout=log, stderr=log, cwd=self.folder)
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Kill it; what was committed is recovered at the next start."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=30)
            self.process = None

    def _connected(self) -> "pymysql.Connection":
        return pymysql.connect(host="127.0.0.1", port=self.port, user="churn", password=PASSWORD, connect_timeout=2)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self._connected().close()
            except pymysql.OperationalError:
                if time.monotonic() > deadline or (self.process is not None and self.process.poll() is not None):
                    pytest.fail(f"MariaDB did not start: {(self.folder / 'log').read_text()[-2000:]}")
                time.sleep(0.05)
            else:
                return


@contextlib.contextmanager
def running_mariadb(*, is_synced: bool = False) -> Iterator[MariaDb]:
    """Start a server of its own."""
    require_installed("MariaDB", "mariadb-server", is_there=SERVER.exists())
    server = MariaDb(Path(tempfile.mkdtemp(prefix="churn-mariadb-")), free_port(), is_synced)
    with started(server, _initialise):
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """One server for the whole run; take a database of your own with `create`."""
    with running_mariadb() as server:
        yield server


def _initialise(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "mysql")
    people = folder / "people.sql"
    people.write_text(
        # The installer runs a server without any rights; reading them makes it know users.
        "FLUSH PRIVILEGES;\n"
        f"CREATE USER churn@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO churn@'127.0.0.1';\n"
    )
    kept = ("--skip-test-db", "--auth-root-authentication-method=socket", f"--extra-file={people}", *_as_whom())
    command = [INSTALLER, "--no-defaults", f"--datadir={folder / 'data'}", UNSYNCED, *kept]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode != 0:
        pytest.fail(f"mariadb-install-db failed: {done.stdout}{done.stderr}")


def _as_whom() -> tuple[str, ...]:
    """It refuses to run as root."""
    return ("--user=mysql",) if os.geteuid() == 0 else ()
