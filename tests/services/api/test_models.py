"""Versions at the door: listed from the attendant's file, activated by a job, refused with all reasons."""

import threading
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from churn.stores.orders import Job
from services.api import job_desk
from services.exchange import write_note
from services.listed import Catalogue, Listed, Measure
from services.worker import Worker
from tests.services.api.staff import Key, Yard, engine, key, yard

__all__ = ["engine", "key", "yard"]

WANTED = {"reason": "it is better"}


def listed(version: int, *, digest: str = "", aliases: tuple[str, ...] = ()) -> Listed:
    return Listed(
        version=version, aliases=aliases, stage="none", status="passed", candidate="logistic", contract="telco",
        digest=digest, run_id=f"run-{version}", registered_at="2026-10-01T00:00:00.000Z", tags={},
        training_rows=7000, evaluated_at="2026-10-01T00:00:00.000Z", evaluation_rows=1400, threshold=0.3,
        metrics={"roc_auc": Measure(value=0.84, low=0.82, high=0.86), "brier": Measure(value=0.14)},
        cross_validated={}, money={"profit_per_customer": 12.5},
    )  # fmt: skip


@pytest.fixture
def catalogue(worker: Worker) -> Catalogue:
    served = worker.live.require().scorer
    found = Catalogue(
        name="churn",
        production=1,
        shadow=None,
        versions=(listed(3), listed(1, digest=served.digest, aliases=("production",))),
    )
    write_note(found, worker.settings.catalogue_file)
    return found


@pytest.mark.usefixtures("catalogue")
def test_versions_are_listed_newest_first_and_one_by_one(client: TestClient, key: Key) -> None:
    viewer = key("viewer")
    found = client.get("/api/v1/models", headers=viewer).json()

    assert (found["name"], found["production"]) == ("churn", 1)
    assert [one["version"] for one in found["versions"]] == [3, 1]
    one = client.get("/api/v1/models/3", headers=viewer).json()
    assert one == found["versions"][0]
    assert one["metrics"]["roc_auc"] == {"value": 0.84, "low": 0.82, "high": 0.86}


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(("version", "status"), [("2", 404), ("4", 404), ("0", 422), ("x", 422), ("9" * 30, 422)])
def test_a_version_that_is_not_there_is_named(client: TestClient, key: Key, version: str, status: int) -> None:
    assert client.get(f"/api/v1/models/{version}", headers=key("viewer")).status_code == status


def test_before_the_registry_was_read_the_door_says_so(client: TestClient, key: Key) -> None:
    answer = client.get("/api/v1/models", headers=key("viewer"))

    assert (answer.status_code, "not read yet" in answer.json()["detail"]) == (503, True)


@pytest.mark.usefixtures("catalogue")
def test_the_performance_is_that_of_the_version_that_is_served(client: TestClient) -> None:
    found = client.get("/api/v1/metrics").json()

    assert (found["model_version"], found["evaluation_rows"]) == ("1", 1400)
    assert found["roc_auc"] == {"value": 0.84, "low": 0.82, "high": 0.86}
    assert (found["brier"], found["pr_auc"]) == ({"value": 0.14, "low": None, "high": None}, None)
    assert found["profit"] == {"profit_per_customer": 12.5}


def test_another_registrys_version_of_that_number_is_not_what_is_served(client: TestClient, worker: Worker) -> None:
    other = Catalogue(name="churn", production=1, shadow=None, versions=(listed(1, digest="0" * 64),))
    write_note(other, worker.settings.catalogue_file)

    assert client.get("/api/v1/metrics").json()["roc_auc"] is None


def test_without_a_model_there_is_no_performance(empty_client: TestClient) -> None:
    assert empty_client.get("/api/v1/metrics").status_code == 503


def test_an_activation_is_queued_with_its_reason(client: TestClient, key: Key, yard: Yard) -> None:
    answer = client.post("/api/v1/models/3/activate", json=WANTED, headers=key("admin"))

    assert answer.status_code == 202
    assert yard.take().parameters == {"version": 3, "override": False, **WANTED}


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(("version", "status"), [(2, 404), (4, 202)])
def test_only_a_version_that_may_just_not_be_listed_yet_is_looked_for(
    client: TestClient, key: Key, version: int, status: int
) -> None:
    """One that is older than the newest and not listed is not there."""
    answer = client.post(f"/api/v1/models/{version}/activate", json=WANTED, headers=key("admin"))

    assert answer.status_code == status


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x\x00yz"}, {**WANTED, "gate": "off"}, None])
def test_an_activation_without_a_reason_is_refused(client: TestClient, key: Key, body: object) -> None:
    assert client.post("/api/v1/models/3/activate", json=body, headers=key("admin")).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b'{"reason": "\\ud800 because"}', b"[" * 5_000, b'{"reason": ' + b"9" * 5_000 + b"}", b"\xff\xfe",
        b'{"reason": NaN}', b'{"reason": "because", "override": "sure"}', b"",
    ],
)  # fmt: skip
def test_a_hostile_body_is_refused(client: TestClient, key: Key, body: bytes) -> None:
    for path in ("/api/v1/models/3/activate", "/api/v1/retrain", "/api/v1/outcomes"):
        answer = client.post(path, content=body, headers={**key("admin"), "content-type": "application/json"})

        assert answer.status_code in {400, 422} or (path.endswith("retrain") and not body)


@pytest.mark.parametrize("role", ["client", "viewer", "analyst"])
def test_only_an_admin_activates(client: TestClient, key: Key, role: str) -> None:
    answer = client.post("/api/v1/models/3/activate", json=WANTED, headers=key(role))  # type: ignore[arg-type]

    assert answer.status_code == 403


def done(yard: Yard, job: Job) -> None:
    yard.store.finish(
        job, result={"outcome": "activated", "version": 3, "reasons": []}, words="version 3 is in production"
    )


def refused(yard: Yard, job: Job) -> None:
    reasons = ["roc_auc 0.6 is below the floor", "brier rose"]
    yard.store.finish(
        job, result={"outcome": "refused", "version": 3, "reasons": reasons}, words="version 3 was refused"
    )


def held(yard: Yard, job: Job) -> None:
    yard.store.finish(
        job,
        result={"outcome": "held", "version": 3, "reasons": ["about 4,000 more labelled rows would show it"]},
        words="version 3 was held",
    )


def failed(yard: Yard, job: Job) -> None:
    yard.store.fail(job, "churn has no version 3")


@pytest.mark.parametrize("ending", [(done, 200), (refused, 409), (held, 409), (failed, 409)])
def test_who_waits_is_told_the_end(
    client: TestClient, key: Key, yard: Yard, ending: tuple[Callable[[Yard, Job], None], int]
) -> None:
    end, status = ending
    working = threading.Timer(0.3, lambda: end(yard, yard.take()))
    working.start()

    answer = client.post("/api/v1/models/3/activate?wait=20", json=WANTED, headers=key("admin"))

    working.join()
    assert answer.status_code == status
    assert "version 3" in answer.text
    if end is refused:
        assert [one["message"] for one in answer.json()["errors"]] == ["roc_auc 0.6 is below the floor", "brier rose"]


def test_who_waits_for_too_short_is_told_where_to_look(
    client: TestClient, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_desk, "LOOK_SECONDS", 0.01)

    answer = client.post("/api/v1/models/3/activate?wait=0.05", json=WANTED, headers=key("admin"))

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert client.post("/api/v1/models/3/activate?wait=31", json=WANTED, headers=key("admin")).status_code == 422
