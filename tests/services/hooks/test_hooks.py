"""Webhooks at the door: whom it believes, what it starts, and what it says when it does neither."""

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from services.api.app import create_app
from services.hooks.deliveries import KEPT_SECONDS, Deliveries
from services.hooks.signature import sign
from services.settings import ServiceSettings
from services.worker import Worker
from tests.services.hooks.jenkins_stand_in import JenkinsStandIn, jenkins_stand_in

SECRET = "kXb9Qm2vT7yLw4RzNc8HdJs5GfPa3UeW"
PATH = "/api/v1/hooks/mlflow"

Send = Callable[..., Response]


@pytest.fixture
def jenkins() -> Iterator[JenkinsStandIn]:
    with jenkins_stand_in() as standing_in:
        yield standing_in


@pytest.fixture
def send(settings: ServiceSettings, jenkins: JenkinsStandIn) -> Iterator[Send]:
    """Send an event as MLflow does, to a door that may start a job."""
    more = {
        "webhook_secret": SECRET,
        "jenkins_url": f"{jenkins.url}/job/holdfast",
        "jenkins_user": "mlflow",
        "jenkins_token": "a token",
    }
    with door(settings, **more) as client:
        yield lambda *given, **named: sent(client, *given, **named)


def door(settings: ServiceSettings, **more: object) -> TestClient:
    changed = ServiceSettings.model_validate({**settings.model_dump(), **more})
    app = create_app(Worker("fastapi", changed), owns_worker=False)
    return TestClient(app, raise_server_exceptions=False)


def sent(
    client: TestClient, body: bytes, *, delivery: str = "d-1", at: float | None = None, secret: str = SECRET,
    signed: bytes | None = None,
) -> Response:  # fmt: skip
    stamp = str(int(time.time() if at is None else at))
    headers = {
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": stamp,
        "X-MLflow-Signature": sign(secret, delivery, stamp, body if signed is None else signed),
    }
    return client.post(PATH, content=body, headers=headers)


def event(
    alias: str = "candidate", *, name: str = "churn", version: str = "4", kind: str = "model_version_alias"
) -> bytes:
    data = {"name": name, "version": version, **({"alias": alias} if kind == "model_version_alias" else {})}
    return json.dumps({"entity": kind, "action": "created", "timestamp": "now", "data": data}).encode()


def test_a_version_that_got_the_alias_is_released_by_jenkins(send: Send, jenkins: JenkinsStandIn) -> None:
    answer = send(event())

    assert answer.status_code == 202
    assert answer.json() == {"started": True, "version": 4, "queue": f"{jenkins.url}/queue/item/7/"}
    token = b64encode(b"mlflow:a token").decode()
    form = {"VERSION": ["4"], "REASON": ["MLflow: model_version_alias.created candidate"]}
    assert jenkins.asked == [("/job/holdfast/buildWithParameters", f"Basic {token}", form)]


@pytest.mark.parametrize(
    "body",
    [event("canary"), event(name="another"), event(kind="model_version"), event(version="latest")],
    ids=["another alias", "another model", "a new version", "no number"],
)
def test_an_event_that_asks_for_nothing_is_taken_and_starts_nothing(
    send: Send, jenkins: JenkinsStandIn, body: bytes
) -> None:
    answer = send(body)

    assert (answer.status_code, answer.json()["started"]) == (200, False)
    assert jenkins.asked == []


def test_a_new_version_starts_a_release_where_that_is_wanted(
    settings: ServiceSettings, jenkins: JenkinsStandIn
) -> None:
    known = {"jenkins_url": jenkins.url, "jenkins_user": "a", "jenkins_token": "b"}
    with door(settings, webhook_secret=SECRET, webhook_event="version", **known) as client:
        by_alias = sent(client, event(), delivery="d-1")
        by_version = sent(client, event(kind="model_version"), delivery="d-2")

    assert (by_alias.status_code, by_version.status_code) == (200, 202)


@pytest.mark.parametrize("seconds", [-301, 301, float(10**12)])
def test_a_delivery_of_another_time_is_not_believed(send: Send, jenkins: JenkinsStandIn, seconds: float) -> None:
    answer = send(event(), at=time.time() + seconds)

    assert (answer.status_code, jenkins.asked) == (401, [])
    assert "compare clocks" in answer.json()["detail"]


def test_a_delivery_of_the_last_minutes_is_believed(send: Send) -> None:
    assert send(event(), at=time.time() - 290).status_code == 202


@pytest.mark.parametrize(
    "wrong", [{"secret": "another"}, {"signed": event("canary")}, {"signed": b""}], ids=["secret", "body", "none"]
)
def test_a_delivery_that_is_not_signed_with_our_secret_is_refused(
    send: Send, jenkins: JenkinsStandIn, wrong: dict[str, object]
) -> None:
    answer = send(event(), **wrong)

    assert (answer.status_code, jenkins.asked) == (401, [])
    assert SECRET not in answer.text


def test_a_delivery_without_a_signature_is_told_what_is_missing(settings: ServiceSettings) -> None:
    with door(settings, webhook_secret=SECRET) as client:
        answer = client.post(PATH, content=event())

    assert answer.status_code == 401
    assert "X-MLflow-Signature" in answer.json()["detail"]


def test_a_delivery_is_taken_once_by_all_workers_of_a_home(send: Send, jenkins: JenkinsStandIn) -> None:
    first, again = send(event()), send(event())

    assert (first.status_code, again.status_code, len(jenkins.asked)) == (202, 409, 1)


def test_a_delivery_that_jenkins_did_not_take_may_come_again(send: Send, jenkins: JenkinsStandIn) -> None:
    jenkins.status = 403
    refused = send(event())
    jenkins.status = 201
    again = send(event())

    assert (refused.status_code, again.status_code) == (503, 202)
    assert "CHURN_JENKINS_URL" in refused.json()["detail"]


def test_a_jenkins_that_is_away_is_a_reason_to_send_again(settings: ServiceSettings) -> None:
    away = {"jenkins_url": "http://127.0.0.1:1", "jenkins_user": "a", "jenkins_token": "b"}
    with door(settings, webhook_secret=SECRET, **away) as client:
        answer = sent(client, event())

    assert answer.status_code == 503
    assert "Jenkins does not answer" in answer.json()["detail"]


def test_a_door_without_a_jenkins_says_what_to_set(settings: ServiceSettings) -> None:
    with door(settings, webhook_secret=SECRET) as client:
        answer = sent(client, event())

    assert answer.status_code == 422
    assert "CHURN_JENKINS_URL" in answer.json()["detail"]


def test_a_door_without_a_secret_takes_no_hooks(settings: ServiceSettings) -> None:
    with door(settings) as client:
        answer = sent(client, event())

    assert answer.status_code == 404
    assert "CHURN_WEBHOOK_SECRET" in answer.json()["detail"]


def test_a_signed_body_that_is_no_event_is_refused(send: Send) -> None:
    assert send(b"{").status_code == 400
    assert send(b'{"entity": "model_version"}').status_code == 422


def test_a_weak_secret_is_not_accepted(settings: ServiceSettings) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        ServiceSettings.model_validate({**settings.model_dump(), "webhook_secret": "secret"})


def test_marks_of_old_deliveries_are_forgotten(tmp_path: Path) -> None:
    import os

    deliveries = Deliveries(tmp_path / "hooks")
    deliveries.take("old")
    (mark,) = (tmp_path / "hooks").iterdir()
    long_ago = time.time() - KEPT_SECONDS - 1
    os.utime(mark, (long_ago, long_ago))

    deliveries.take("new")

    assert not mark.exists()
    assert len(list((tmp_path / "hooks").iterdir())) == 1
