"""What runs at the first start: the databases and their roles, the accounts at MLflow, its configuration."""

import base64
import configparser
import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from churn.settings import environment_for_children
from tests.postgres import PROGRAMS, Postgres, running_postgres

COMPOSE = Path(__file__).parent.parent.parent / "deploy" / "compose"
PASSWORDS = {"mlflow": "one-1", "mlflow_auth": "two'2", "optuna": 'three"3', "churn": "four 4"}


def module(path: Path) -> ModuleType:
    """Import a program of a container; it is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres() as found:
        yield found


def make_databases(server: Postgres, passwords: dict[str, str]) -> None:
    given = {f"PASSWORD_OF_{name.upper()}": password for name, password in passwords.items()}
    environment = environment_for_children(
        PGHOST="127.0.0.1", PGPORT=str(server.port), PGPASSWORD="secret-word",
        PATH=f"{PROGRAMS[-1]}:/usr/bin:/bin", **given,
    )  # fmt: skip
    script = str(COMPOSE / "postgres" / "10-databases.sh")
    done = subprocess.run(["/bin/bash", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def connect(server: Postgres, role: str, database: str, password: str) -> str:
    with psycopg.connect(
        host="127.0.0.1", port=server.port, user=role, dbname=database, password=password, connect_timeout=5
    ) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS mine (number integer)")
        return str(connection.execute("SELECT pg_encoding_to_char(encoding) FROM pg_database").fetchone())


def test_each_role_has_its_own_database_and_no_other(server: Postgres) -> None:
    make_databases(server, PASSWORDS)

    for role, password in PASSWORDS.items():
        assert "UTF8" in connect(server, role, role, password)
        for other in {*PASSWORDS, "postgres"} - {role}:
            with pytest.raises(psycopg.OperationalError, match="CONNECT privilege"):
                connect(server, role, other, password)


def test_a_second_run_brings_changed_passwords_in_and_keeps_the_data(server: Postgres) -> None:
    make_databases(server, PASSWORDS)
    connect(server, "churn", "churn", PASSWORDS["churn"])

    make_databases(server, {**PASSWORDS, "churn": "changed"})

    with psycopg.connect(
        host="127.0.0.1", port=server.port, user="churn", dbname="churn", password="changed"
    ) as connection:
        assert connection.execute("SELECT count(*) FROM mine").fetchone() == (0,)
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        connect(server, "churn", "churn", PASSWORDS["churn"])


class Accounts(ThreadingHTTPServer):
    """MLflow's accounts, as far as they are asked for."""

    def __init__(self, passwords: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.passwords = passwords
        self.changes: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Accounts

    def do_GET(self) -> None:
        name = parse_qs(urlsplit(self.path).query)["username"][0]
        self._answer(200 if name in self.server.passwords else 404)

    def do_POST(self) -> None:
        if self.path.endswith("/registered-models/create"):
            self._name_model()
        else:
            self._change("made")

    def do_PATCH(self) -> None:
        self._change("changed")

    def _body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
        return found

    def _name_model(self) -> None:
        name = f"model {self._body()['name']} of {self._user[0]}"
        is_new = name not in self.server.changes
        self.server.changes += [name] if is_new else []
        self._answer(200 if is_new else 400)

    def _change(self, word: str) -> None:
        body = self._body()
        if self._is_known():
            self.server.passwords[body["username"]] = body["password"]
            self.server.changes.append(f"{body['username']} {word}")
        self._answer(200)

    @property
    def _user(self) -> tuple[str, str]:
        name, _, password = base64.b64decode(self.headers["authorization"].split()[1]).decode().partition(":")
        return name, password

    def _is_known(self) -> bool:
        name, password = self._user
        return self.server.passwords.get(name) == password

    def _answer(self, status: int) -> None:
        self.send_response(status if self._is_known() else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    opened = Accounts({"admin": "top"})
    thread = threading.Thread(target=opened.serve_forever, args=(0.05,))
    thread.start()
    yield opened
    opened.shutdown()
    thread.join()
    opened.server_close()


def bring_in(accounts: Accounts, **changes: str) -> subprocess.CompletedProcess[str]:
    given = {"MLFLOW_ADMIN_PASSWORD": "top", "PASSWORD_OF_DOORS": "d-1", "PASSWORD_OF_PIPELINES": "p-1", **changes}
    return subprocess.run(
        [sys.executable, str(COMPOSE / "migrate" / "accounts.py")],
        env=environment_for_children(CHURN_TRACKING_URI=accounts.url, CHURN_MODEL="churn", **given),
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_accounts_are_made_once_and_their_passwords_follow_the_environment(accounts: Accounts) -> None:
    first, again, changed = bring_in(accounts), bring_in(accounts), bring_in(accounts, PASSWORD_OF_DOORS="d-2")

    assert [first.returncode, again.returncode, changed.returncode] == [0, 0, 0]
    assert accounts.changes == ["doors made", "pipelines made", "model churn of pipelines", "doors changed"]
    assert accounts.passwords == {"admin": "top", "doors": "d-2", "pipelines": "p-1"}
    told = first.stdout + again.stdout + changed.stdout
    assert not any(word in told for word in ("top", "d-1", "d-2", "p-1"))


def test_a_wrong_administrator_is_told_what_to_do(accounts: Accounts) -> None:
    done = bring_in(accounts, MLFLOW_ADMIN_PASSWORD="other")

    assert done.returncode == 1
    assert "HOLDFAST_MLFLOW_ADMIN_PASSWORD" in done.stderr
    assert accounts.changes == []


def test_mlflow_reads_what_is_written_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = module(COMPOSE / "mlflow" / "start.py")
    monkeypatch.setattr(start, "CONFIGURATION", tmp_path / "basic_auth.ini")

    start.write_configuration("postgresql://role:a%2Fb@host/name")

    read = configparser.ConfigParser()
    read.read(tmp_path / "basic_auth.ini")
    assert read["mlflow"]["database_uri"] == "postgresql://role:a%2Fb@host/name"
    assert read["mlflow"]["default_permission"] == "READ"
    assert (tmp_path / "basic_auth.ini").stat().st_mode & 0o777 == 0o600


ADMINISTRATOR = """
import importlib.util, sys
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore
path, accounts = sys.argv[1:]
spec = importlib.util.spec_from_file_location("start", path)
start = importlib.util.module_from_spec(spec)
spec.loader.exec_module(start)
store = SqlAlchemyStore()
store.init_db(accounts)
start.let_administrator_in(accounts)
assert not store.has_user("admin"), "the server itself makes the first one"
store.create_user("admin", "the password of the first", is_admin=True)
store.create_user("ann", "the password of ann")
for _ in range(2):
    start.let_administrator_in(accounts)
assert store.authenticate_user("admin", "the password of the second")
assert not store.authenticate_user("admin", "the password of the first")
assert store.authenticate_user("ann", "the password of ann"), "nobody else's is touched"
"""
"""In a process of its own, as there: MLflow's import warns of itself."""


def test_the_administrator_has_the_password_of_the_environment_whatever_it_was_before(tmp_path: Path) -> None:
    words = [str(COMPOSE / "mlflow" / "start.py"), f"sqlite:///{tmp_path}/accounts.db"]
    given = {"MLFLOW_AUTH_ADMIN_USERNAME": "admin", "MLFLOW_AUTH_ADMIN_PASSWORD": "the password of the second"}

    done = subprocess.run(
        [sys.executable, "-c", ADMINISTRATOR, *words],
        env=environment_for_children(**given), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("account admin: its password is changed") == 1
    assert "the password of" not in done.stdout


@pytest.mark.parametrize(
    ("words", "state", "is_healthy"),
    [
        (("python", "/opt/holdfast/bin/churn", "work"), "S", True),
        (("python", "/opt/holdfast/bin/churn", "work"), "T", False),
        (("python", "/opt/holdfast/bin/churn", "schedule"), "S", False),
        (("sh", "-c", "churn work"), "S", False),
    ],
)
def test_a_service_without_a_port_is_healthy_while_its_process_is_at_work(
    words: tuple[str, ...], state: str, is_healthy: bool, tmp_path: Path
) -> None:
    runs = module(COMPOSE / "health" / "runs.py").runs
    folder = tmp_path / "7"
    folder.mkdir()
    (folder / "cmdline").write_bytes("\0".join(words).encode() + b"\0")
    (folder / "stat").write_text(f"7 (a (b) c) {state} 1 7 7 0")

    assert runs("work", tmp_path) is is_healthy
