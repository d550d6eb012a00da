import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from churn.stores.admin_actions import AdminAction, AdminLog
from churn.stores.users import UserStore
from services.api import sign_in as sign_in_module
from services.api.app import create_app
from services.settings import ServiceSettings
from services.worker import Worker
from tests.services.people import PASSWORD, access_settings, bearer, key_of

TOKEN, ME = "/api/v1/token", "/api/v1/users/me"


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return access_settings(tmp_path / "home")


@pytest.fixture
def door(settings: ServiceSettings, people: Engine) -> Iterator[TestClient]:
    del people
    yield from door_of(settings)


def door_of(settings: ServiceSettings) -> Iterator[TestClient]:
    worker = Worker("fastapi", settings)
    with TestClient(create_app(worker, owns_worker=True)) as client:
        yield client


def sign_in(door: TestClient, name: str = "admin", password: str = PASSWORD) -> str:
    answer = door.post(TOKEN, json={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def newest(people: Engine) -> AdminAction:
    return AdminLog(people).newest(1)[0]


def test_a_name_and_a_password_become_a_token_that_says_who_one_is(door: TestClient, people: Engine) -> None:
    answer = door.post(TOKEN, json={"username": "analyst", "password": PASSWORD})

    assert {name: answer.json()[name] for name in ("token_type", "expires_in", "role")} == {
        "token_type": "bearer", "expires_in": 3600, "role": "analyst",
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    found = door.get(ME, headers=bearer(answer.json()["access_token"]))
    assert found.json() == {"name": "analyst", "role": "analyst", "kind": "user"}
    kept = newest(people)
    assert (kept.action, kept.subject, kept.outcome) == ("sign_in", "analyst", "done")


def test_a_token_holds_what_it_must_and_no_secret(door: TestClient) -> None:
    token = sign_in(door)

    claims = jwt.decode(token, options={"verify_signature": False})
    assert set(claims) == {"sub", "mark", "aud", "iss", "jti", "iat", "exp"}
    assert claims["exp"] - claims["iat"] == 3600
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert len(token) < 500


def test_swaggers_form_works_too(door: TestClient) -> None:
    form = {"grant_type": "password", "username": "viewer", "password": PASSWORD, "scope": "", "client_id": ""}

    answer = door.post(TOKEN, data=form, headers={"authorization": "Basic Og=="})

    assert answer.json()["role"] == "viewer"


@pytest.mark.parametrize(
    ("name", "password"),
    [("admin", "wrong"), ("nobody", PASSWORD), ("ADMIN", PASSWORD), ("admin\x00", PASSWORD), ("é" * 200, "x" * 200)],
)
def test_a_wrong_name_and_a_wrong_password_are_refused_alike(
    door: TestClient, people: Engine, name: str, password: str
) -> None:
    answer = door.post(TOKEN, json={"username": name, "password": password})

    assert answer.status_code == 401
    assert answer.json()["detail"] == "the name or the password is wrong, or the account is disabled"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    kept = newest(people)
    assert (kept.action, kept.outcome, kept.actor) == ("sign_in", "refused", "anonymous")
    assert kept.subject == name if re.fullmatch("[a-z]+", name) else kept.subject == "no possible name"
    assert password not in str(kept)


def test_an_unknown_name_takes_as_long_as_a_wrong_password(people: Engine) -> None:
    """Processor time of one verification, the best of ten in turn; a missing hash would take nothing."""
    users = UserStore(people)

    def seconds(name: str) -> float:
        began = time.process_time()
        assert users.verify(name, "wrong password") is None
        return time.process_time() - began

    nobody, admin = zip(*((seconds("nobody"), seconds("admin")) for _ in range(10)), strict=True)
    assert 0.5 < min(nobody) / min(admin) < 2


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"username": "admin"}', "application/json", 422),
        (b'{"username": "admin", "password": ""}', "application/json", 422),
        (b'{"username": ["admin"], "password": {}}', "application/json", 422),
        (b'{"username": "admin", "password": "' + b"x" * 300 + b'"}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b"username=admin", "application/x-www-form-urlencoded", 422),
        (b"grant_type=client_credentials&username=a&password=b", "application/x-www-form-urlencoded", 422),
        (b"&".join([b"a=1"] * 20), "application/x-www-form-urlencoded", 400),
        (b"\xff=%ff", "application/x-www-form-urlencoded", 400),
        (b"x", "text/plain", 415),
        (b"x", "multipart/form-data", 415),
    ],
)
def test_what_can_not_be_read_is_a_problem_without_what_was_sent(
    door: TestClient, content: bytes, kind: str, status: int
) -> None:
    answer = door.post(TOKEN, content=content, headers={"content-type": kind})

    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert "xxx" not in answer.text


def test_signing_out_voids_the_token_at_once_and_only_that(door: TestClient, people: Engine) -> None:
    first, second = sign_in(door), sign_in(door)
    assert door.get(ME, headers=bearer(first)).status_code == 200

    assert door.delete(TOKEN, headers=bearer(first)).status_code == 204

    assert door.get(ME, headers=bearer(first)).status_code == 401
    assert door.get(ME, headers=bearer(second)).status_code == 200
    assert newest(people).action == "sign_out"


def test_a_key_is_not_revoked_as_a_token(door: TestClient, people: Engine) -> None:
    headers = {"x-api-key": key_of(people, "client")}

    answer = door.delete(TOKEN, headers=headers)

    assert answer.status_code == 422
    assert "churn key revoke" in answer.json()["detail"]
    assert door.get(ME, headers=headers).json()["kind"] == "key"


def test_a_disabled_user_can_not_sign_in(door: TestClient, people: Engine) -> None:
    UserStore(people).set_active("admin", is_active=False)

    assert door.post(TOKEN, json={"username": "admin", "password": PASSWORD}).status_code == 401


def test_attempts_from_one_address_are_limited_whatever_the_name(tmp_path: Path, people: Engine) -> None:
    del people
    settings = access_settings(tmp_path / "home", sign_ins_per_minute=3)
    for door in door_of(settings):
        statuses = [door.post(TOKEN, json={"username": f"u{at}", "password": "x"}).status_code for at in range(5)]

        assert statuses == [401] * 3 + [429] * 2


def test_attempts_for_one_name_are_limited_whatever_the_address(tmp_path: Path, people: Engine) -> None:
    del people
    settings = access_settings(tmp_path / "home", sign_ins_per_minute=3, trusted_proxies=("127.0.0.1",))
    worker = Worker("fastapi", settings)
    with TestClient(create_app(worker, owns_worker=True), client=("127.0.0.1", 4711)) as door:
        answers = [
            door.post(
                TOKEN, json={"username": "admin", "password": "x"}, headers={"x-forwarded-for": f"9.9.9.{at}"}
            ).status_code
            for at in range(5)
        ]

    assert answers == [401] * 3 + [429] * 2


def test_who_signs_in_by_the_hundred_is_told_to_come_again(door: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_module, "MOST_IN_HAND", 2)
    content = {"username": "admin", "password": "wrong"}

    with ThreadPoolExecutor(10) as threads:
        statuses = [each.status_code for each in threads.map(lambda _: door.post(TOKEN, json=content), range(30))]

    assert set(statuses) == {401, 503}
    assert door.post(TOKEN, json=content).status_code == 401


def test_without_tables_nobody_signs_in_and_the_store_is_not_named(settings: ServiceSettings) -> None:
    for door in door_of(settings):
        answer = door.post(TOKEN, json={"username": "admin", "password": PASSWORD})

        assert answer.status_code == 503
        assert "sqlite" not in answer.text
        assert door.post("/predict", json={}).status_code == 503  # no model: the guard let it through
