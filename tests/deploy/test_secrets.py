"""`make secrets`: what is written, what stays, and what is never shown."""

from argparse import Namespace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from deploy.host import environment, networks, secrets
from deploy.host.failure import HostError
from deploy.host.variables import VARIABLES
from services.settings import is_strong

SECRETS = [one.name for one in VARIABLES if one.is_secret]


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own for `.env`, and a network: no engine is asked."""
    monkeypatch.setattr(environment, "FILE", tmp_path / ".env")
    monkeypatch.setenv("HOLDFAST_NET", "10.83.16")
    monkeypatch.setattr(networks, "may_have_data", lambda project: project == "used")
    return tmp_path / ".env"


def make_secrets(profiles: str | None = None, *, force: bool = False) -> dict[str, str]:
    assert secrets.run(Namespace(profiles=profiles, force=force)) == 0
    return environment.parse(environment.FILE.read_text(encoding="utf-8"))


def test_the_file_is_its_owners_only(file: Path) -> None:
    make_secrets()

    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == [".env"]


def test_a_file_that_others_could_read_is_closed(file: Path) -> None:
    file.write_text("HOLDFAST_FRONT_PORT=80\n")
    file.chmod(0o644)

    make_secrets()

    assert file.stat().st_mode & 0o777 == 0o600


def test_every_variable_is_written_and_no_two_installations_share_a_secret(file: Path) -> None:
    first = make_secrets()
    file.unlink()
    second = make_secrets()

    assert set(first) == {one.name for one in VARIABLES}
    made = [name for name in SECRETS if first[name]]
    assert len({first[name] for name in made}) == len(made)
    assert not {first[name] for name in made} & {second[name] for name in made}


def test_secrets_hold_what_the_doors_ask_of_them() -> None:
    found = make_secrets()

    assert is_strong(found["HOLDFAST_TOKEN_SECRET"])
    assert is_strong(found["HOLDFAST_WEBHOOK_SECRET"])
    assert all(len(found[name]) >= 43 for name in SECRETS if name.endswith("PASSWORD"))


def test_no_secret_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = make_secrets("core,redis,mysql")

    told = capsys.readouterr()
    assert not [name for name in SECRETS if found[name] and found[name] in told.out + told.err]


def test_a_second_run_keeps_everything_comments_too(file: Path) -> None:
    make_secrets()
    file.write_text(file.read_text() + "\n# mine\nOWN=1\n")
    before = file.read_text()

    make_secrets()

    assert file.read_text() == before


def test_what_is_missing_is_added_and_what_is_there_stays(file: Path) -> None:
    file.write_text("HOLDFAST_FRONT_PORT=80\nHOLDFAST_CHURN_PASSWORD=chosen\n# a word of mine\nCHURN_ACTOR=me\n")

    found = make_secrets()

    assert file.read_text().startswith("HOLDFAST_FRONT_PORT=80\nHOLDFAST_CHURN_PASSWORD=chosen\n# a word of mine\n")
    assert found["HOLDFAST_STORE_URL"] == "postgresql+psycopg://churn:chosen@postgres:5432/churn"
    assert found["CHURN_ACTOR"] == "me"


def test_a_variable_of_the_shell_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_FRONT_PORT", "18080")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "second")

    found = make_secrets()

    assert (found["HOLDFAST_FRONT_PORT"], found["COMPOSE_PROJECT_NAME"]) == ("18080", "second")


def test_the_stores_follow_the_profiles() -> None:
    found = make_secrets("core,monitoring,redis,mysql")

    assert found["COMPOSE_PROFILES"] == "core,monitoring,redis,mysql"
    assert found["HOLDFAST_STORE_URL"].startswith("mysql://churn:")
    assert found["HOLDFAST_MARIADB_PASSWORD"] in found["HOLDFAST_STORE_URL"]
    assert found["HOLDFAST_REDIS_URL"] == f"redis://:{found['HOLDFAST_REDIS_PASSWORD']}@redis:6379/0"


def test_profiles_that_stand_in_a_file_without_secrets_are_followed(file: Path) -> None:
    file.write_text("COMPOSE_PROFILES=core,redis\n")

    assert make_secrets()["HOLDFAST_REDIS_URL"]


def test_profiles_change_only_when_that_is_asked_for() -> None:
    before = make_secrets("core,monitoring")
    with_redis = make_secrets("core,monitoring,redis")
    again = make_secrets()

    assert before["HOLDFAST_REDIS_URL"] == ""
    assert again == with_redis
    changed = {name for name in before if before[name] != with_redis[name]}
    assert changed == {"COMPOSE_PROFILES", "HOLDFAST_REDIS_URL"}


def test_a_store_with_data_moves_to_an_empty_database_only_by_force(file: Path) -> None:
    file.write_text("COMPOSE_PROJECT_NAME=used\n")
    before = make_secrets("core")

    with pytest.raises(HostError, match=r"nothing is copied.*--force"):
        make_secrets("core,mysql")

    assert make_secrets() == before
    assert make_secrets("core,mysql", force=True)["HOLDFAST_STORE_URL"].startswith("mysql")


def test_a_store_that_was_never_started_moves_freely() -> None:
    make_secrets("core")

    assert make_secrets("core,mysql")["HOLDFAST_STORE_URL"].startswith("mysql")


@pytest.mark.parametrize(("profiles", "words"), [("core,grafanna", "no profile 'grafanna'"), ("redis", "lack `core`")])
def test_profiles_that_can_t_be_are_refused(profiles: str, words: str, file: Path) -> None:
    with pytest.raises(HostError, match=words):
        make_secrets(profiles)

    assert not file.exists()


def test_the_free_net_overlaps_no_other() -> None:
    taken = [IPv4Network("172.28.0.0/17"), IPv4Network("172.28.128.0/18"), IPv4Network("172.28.192.64/28")]

    assert networks.free_net(taken) == "172.28.193"


def test_a_host_without_a_free_net_is_told_what_to_do() -> None:
    with pytest.raises(HostError, match="set HOLDFAST_NET"):
        networks.free_net([IPv4Network("0.0.0.0/0")])
