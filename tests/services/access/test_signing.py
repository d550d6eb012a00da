import multiprocessing
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from churn.errors import StoreError
from services.access.signing import signing_keys
from services.access.subjects import NotAdmittedError
from services.access.tokens import Tokens
from services.settings import ServiceSettings, is_strong

STRONG = "Zk3vN8qLwXr5TtY7uBm2HsJd9fGp4CeA"
OTHER = "pQ7wE1rT5yU9iO3aS8dF2gH6jK0lZx4c"


def _make(home: str) -> str:
    return signing_keys(ServiceSettings(home=Path(home))).newest


def test_without_a_setting_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = ServiceSettings(home=tmp_path / "home")

    first, second = signing_keys(settings), signing_keys(settings)

    assert first == second
    assert len(first.by_id[first.newest]) >= 32
    assert stat.S_IMODE(settings.token_file.stat().st_mode) == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["token.key"]


def test_processes_that_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert len(set(pool.map(_make, [str(tmp_path)] * 12))) == 1


def test_two_installations_do_not_have_the_same(tmp_path: Path) -> None:
    assert _make(str(tmp_path / "a")) != _make(str(tmp_path / "b"))


def test_a_file_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token.key").write_text("short")

    with pytest.raises(StoreError, match="delete it, and everybody signs in again"):
        signing_keys(ServiceSettings(home=tmp_path))


def test_a_home_that_takes_no_file_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("no folder")

    with pytest.raises(StoreError, match="can't be kept"):
        signing_keys(ServiceSettings(home=tmp_path / "home"))


@pytest.mark.parametrize(
    "weak", ["", "short", "a" * 64, "change-me-" + STRONG, "your-secret-key-" + STRONG, "0123456789" * 5, "ab" * 40]
)
def test_a_weak_secret_keeps_a_door_from_starting_and_is_not_shown(weak: str) -> None:
    assert not is_strong(weak)
    with pytest.raises(ValueError, match="32 random bytes") as caught:
        ServiceSettings(token_secret=SecretStr(weak))
    assert STRONG not in str(caught.value)


def test_after_a_change_of_secret_tokens_of_the_one_before_hold_as_long_as_it_is_named(tmp_path: Path) -> None:
    old = ServiceSettings(home=tmp_path, token_secret=SecretStr(STRONG))
    new = ServiceSettings(home=tmp_path, token_secret=SecretStr(OTHER), token_secret_before=SecretStr(STRONG))
    later = ServiceSettings(home=tmp_path, token_secret=SecretStr(OTHER))
    token = Tokens(signing_keys(old), minutes=5).issue("ann", mark="m")

    assert Tokens(signing_keys(new), minutes=5).read(token).name == "ann"
    assert signing_keys(new).newest == signing_keys(later).newest
    with pytest.raises(NotAdmittedError):
        Tokens(signing_keys(later), minutes=5).read(token)


@pytest.mark.parametrize(
    ("name", "value"), [("allowed_origins", "*"), ("allowed_origins", "https://a.b/path"), ("trusted_proxies", "nginx")]
)
def test_a_setting_that_would_let_everybody_in_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"CHURN_{name.upper()}", value)

    with pytest.raises(ValueError, match=name):
        ServiceSettings()
