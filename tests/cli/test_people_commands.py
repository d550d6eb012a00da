import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from churn.errors import ConflictError, NotFoundError, UsageError
from churn.settings import environment_for_children
from churn.stores.admin_actions import AdminLog
from churn.stores.api_keys import ApiKeyStore, verify_key
from churn.stores.database import open_database
from churn.stores.key_text import parts
from churn.stores.users import User, UserStore
from cli import key, user

PASSWORD = "correct horse battery"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


@pytest.fixture
def engine(home: Path) -> Engine:
    return open_database(f"sqlite:///{home / 'churn.db'}")


def run(app: object, *words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=typed, catch_exceptions=False)  # type: ignore[arg-type]


def find(engine: Engine, name: str) -> User:
    found = UserStore(engine).find(name)
    assert found is not None
    return found


def churn(*words: str, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words],
        input=typed, capture_output=True, text=True, check=False, cwd=ROOT, env=environment_for_children(**environment),
    )  # fmt: skip


def test_the_first_admin_is_made_with_one_command_in_an_empty_home(engine: Engine) -> None:
    done = churn("user", "add", "ann", "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\n")

    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert UserStore(engine).verify("ann", PASSWORD) is not None
    assert find(engine, "ann").role == "admin"


def test_a_fault_is_one_line_and_status_1() -> None:
    done = churn("user", "add", "ann", "--password-stdin", typed="short\n")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "12 to 256 characters" in done.stderr
    assert "short" not in done.stderr


def test_a_door_does_not_start_with_a_weak_secret_and_does_not_show_it() -> None:
    done = churn("serve", CHURN_TOKEN_SECRET="please-change-me-please-change-me")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "CHURN_TOKEN_SECRET" in done.stderr
    assert "please" not in done.stderr


def test_a_password_is_asked_for_twice_and_not_shown(engine: Engine) -> None:
    shown = run(user.app, "add", "ann", typed=f"{PASSWORD}\nother\n{PASSWORD}\n{PASSWORD}\n")

    assert shown.exit_code == 0
    assert PASSWORD not in shown.output
    assert UserStore(engine).verify("ann", PASSWORD) is not None
    assert find(engine, "ann").role == "viewer"


@pytest.fixture
def ann(engine: Engine) -> Engine:
    assert run(user.app, "add", "ann", "--password-stdin", typed=f"{PASSWORD}\n").exit_code == 0
    return engine


def test_a_user_is_changed_and_each_change_is_kept(ann: Engine) -> None:
    run(user.app, "role", "ann", "analyst", "--actor", "bob")
    run(user.app, "disable", "ann")
    assert not find(ann, "ann").is_active
    run(user.app, "enable", "ann")
    run(user.app, "passwd", "ann", "--password-stdin", typed="another long password\n")

    assert UserStore(ann).verify("ann", "another long password") is not None
    assert find(ann, "ann").role == "analyst"
    kept = AdminLog(ann).newest()
    assert [one.action for one in kept] == ["user_passwd", "user_enable", "user_disable", "user_role", "user_add"]
    assert kept[3].actor == "cli:bob"
    shown = run(user.app, "log").output
    assert "user_role" in shown
    assert "another long" not in shown


def test_the_list_shows_no_hash(ann: Engine) -> None:
    del ann
    shown = run(user.app, "list").output

    assert "ann" in shown
    assert "argon2" not in shown


def test_what_can_not_work_is_said(ann: Engine) -> None:
    del ann
    with pytest.raises(UsageError, match="no role 'boss'"):
        run(user.app, "role", "ann", "boss")
    with pytest.raises(NotFoundError, match="churn user list"):
        run(user.app, "disable", "bob")
    with pytest.raises(ConflictError, match="churn user passwd"):
        run(user.app, "add", "ann", "--password-stdin", typed=f"{PASSWORD}\n")
    with pytest.raises(UsageError, match="12 to 256"):
        run(user.app, "passwd", "ann", "--password-stdin", typed="")


def test_a_key_is_printed_once_alone_and_only_its_hash_is_kept(engine: Engine) -> None:
    shown = run(key.app, "add", "web shop", "--days", "30")

    found = parts(shown.stdout.strip())
    assert found is not None
    (kept,) = ApiKeyStore(engine).all()
    assert (kept.label, kept.role) == ("web shop", "client")
    assert verify_key(kept, found[1])
    assert found[1] not in shown.stderr + run(key.app, "list").output + str(AdminLog(engine).newest())


def test_a_key_is_revoked_by_the_id_that_the_list_shows(engine: Engine) -> None:
    run(key.app, "add", "web shop", "--days", "0")
    (kept,) = ApiKeyStore(engine).all()
    assert kept.expires_at is None
    assert kept.key_id in run(key.app, "list").output

    assert run(key.app, "revoke", kept.key_id).exit_code == 0

    assert ApiKeyStore(engine).all()[0].revoked_at is not None
    with pytest.raises(NotFoundError, match="churn key list"):
        run(key.app, "revoke", "nothing")
