"""A real PostgreSQL at a temporary address, for the tests that need a server."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from pydantic_settings import BaseSettings

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
AS_POSTGRES = ["/sbin/runuser", "-u", "postgres", "--"]
"""PostgreSQL refuses to run as root."""

# Without syncing a killed process loses nothing, only a machine without power does.
UNSYNCED = ("-c", "fsync=off", "-c", "full_page_writes=off")


class CiSettings(BaseSettings):
    """Whether this is a run of the continuous integration, where nothing may be skipped for want of a server."""

    ci: bool = False


@dataclass
class Postgres:
    """A server in a folder of its own. `stop` is a crash (no goodbye), `start` brings it back on the same port."""

    folder: Path
    port: int
    is_synced: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://postgres:secret-word@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"'.encode())
        return self.url_of(database)

    def drop(self, database: str) -> None:
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        options = ["-D", str(self.folder / "data"), "-p", str(self.port), "-h", "127.0.0.1", "-k", str(self.folder)]
        thrift = ["-c", "shared_buffers=16MB", "-c", "max_connections=60", *(() if self.is_synced else UNSYNCED)]
        command = [str(PROGRAMS[-1] / "postgres"), *options, *thrift]
        with log:
            self.process = subprocess.Popen([*_prefix(), *command], stdout=log, stderr=log, cwd=self.folder)
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Stop at once; what was committed is recovered at the next start."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        if self.process is not None:
            self.process.wait(timeout=30)
            self.process = None

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    pytest.fail(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")
                time.sleep(0.05)
            else:
                return


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Startable(Protocol):
    """A server in a folder of its own."""

    folder: Path

    def start(self) -> None: ...

    def stop(self) -> None: ...


@contextlib.contextmanager
def started(server: Startable, initialise: Callable[[Path], None]) -> Iterator[None]:
    """Let a server run for a while, and remove it with all that it held."""
    try:
        initialise(server.folder)
        server.start()
        yield
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def require_installed(name: str, package: str, *, is_there: bool) -> None:
    """Skip the test when a server is not installed, but never in CI."""
    if not is_there and CiSettings().ci:
        pytest.fail(f"nothing is skipped in CI for want of a server: apt-get install {package}")
    if not is_there:
        pytest.skip(f"{name} is not installed: apt-get install {package}")


@contextlib.contextmanager
def running_postgres(*, is_synced: bool = False) -> Iterator[Postgres]:
    """Start a server of its own."""
    require_installed("PostgreSQL", "postgresql", is_there=bool(PROGRAMS))
    server = Postgres(Path(tempfile.mkdtemp(prefix="churn-postgres-")), free_port(), is_synced)
    with started(server, _initialise):
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the whole run; take a database of your own with `create`."""
    with running_postgres() as server:
        yield server


def _initialise(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    password = folder / "password"
    password.write_text("secret-word")
    password.chmod(0o644)
    options = ["-D", str(folder / "data"), "-U", "postgres", "-E", "UTF8", "--no-sync", "--auth=scram-sha-256"]
    command = [str(PROGRAMS[-1] / "initdb"), *options, f"--pwfile={password}"]
    done = subprocess.run([*_prefix(), *command], capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode != 0:
        pytest.fail(f"initdb failed: {done.stderr}")


def _prefix() -> list[str]:
    return AS_POSTGRES if os.geteuid() == 0 else []
