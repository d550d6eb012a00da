"""Jobs at the door: asked for once, looked after, with a result; nothing leads out of the folders that are meant."""

import httpx2
import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from churn.stores.job_files import SCORES
from churn.stores.roles import Role
from churn.stores.tables import admin_actions
from services.api import job_desk
from services.worker import Worker
from tests.services.api.staff import Key, Yard, engine, key, yard

__all__ = ["engine", "key", "yard"]

CSV = b"customerID,tenure\nA,1\n"
STAFF: tuple[Role, ...] = ("analyst", "admin")
ADMIN_ROUTES = ["/api/v1/retrain", "/api/v1/models/1/activate"]


def send(client: TestClient, headers: dict[str, str], content: bytes = CSV, name: str = "mine.csv") -> httpx2.Response:
    return client.post("/api/v1/jobs/score", files={"file": (name, content)}, headers=headers)


def test_a_retraining_is_queued_and_can_be_looked_up(client: TestClient, key: Key, yard: Yard) -> None:
    answer = client.post("/api/v1/retrain", json={"trials": 3, "candidates": ["logistic"]}, headers=key("admin"))

    found = answer.json()
    assert (answer.status_code, found["status"], found["progress"]) == (202, "queued", 0)
    assert answer.headers["location"] == f"/api/v1/jobs/{found['job_id']}"
    seen = client.get(answer.headers["location"], headers=key("viewer")).json()
    assert seen == found
    assert yard.store.get(found["job_id"]).parameters == {"activate": False, "candidates": ["logistic"], "trials": 3}
    assert client.get("/api/v1/jobs", headers=key("viewer")).json()["jobs"] == [found]


def test_a_retraining_needs_no_body(client: TestClient, key: Key) -> None:
    assert client.post("/api/v1/retrain", headers=key("admin")).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        {"data": "../secret.csv"}, {"data": "/etc/passwd"}, {"data": "file:///etc/passwd"}, {"data": ".."},
        {"data": "https://example.org/x.csv"}, {"data": "a/b.csv"}, {"data": "x\x00.csv"}, {"contract": "../x.yaml"},
        {"data": "absent.csv"}, {"data": "link.csv"}, {"trials": 0}, {"unknown": 1}, {"candidates": []},
    ],
)  # fmt: skip
def test_a_retraining_reads_nothing_outside_its_folder_and_nothing_unknown(
    client: TestClient, key: Key, worker: Worker, body: dict[str, object]
) -> None:
    settings = worker.settings
    settings.table_folder.mkdir(parents=True)
    (settings.home / "secret.csv").write_bytes(CSV)
    (settings.table_folder / "link.csv").symlink_to(settings.home / "secret.csv")

    answer = client.post("/api/v1/retrain", json=body, headers=key("admin"))

    assert answer.status_code == 422
    assert "root:" not in answer.text
    assert client.get("/api/v1/jobs", headers=key("viewer")).json()["jobs"] == []


def test_a_field_that_does_not_hold_is_named(client: TestClient, key: Key) -> None:
    (error,) = client.post("/api/v1/retrain", json={"trials": 0}, headers=key("admin")).json()["errors"]

    assert error["field"] == "trials"


@pytest.mark.parametrize("path", ADMIN_ROUTES)
def test_the_same_key_is_the_same_job_and_another_wish_is_refused(
    client: TestClient, key: Key, yard: Yard, path: str
) -> None:
    admin = {**key("admin"), "idempotency-key": "my-key-0001"}
    same = {"reason": "because"} if "activate" in path else {"trials": 1}
    other = {"reason": "no, because"} if "activate" in path else {"trials": 2}

    first, again = (client.post(path, json=same, headers=admin) for _ in range(2))
    refused = client.post(path, json=other, headers=admin)

    assert first.json()["job_id"] == again.json()["job_id"]
    assert len(yard.store.recent("churn")) == 1
    assert (refused.status_code, "new key" in refused.json()["detail"]) == (422, True)


def test_two_people_with_one_key_have_two_jobs(client: TestClient, key: Key) -> None:
    ids = {send(client, {**key(role), "idempotency-key": "my-key-0001"}).json()["job_id"] for role in STAFF}

    assert len(ids) == 2


def test_who_asked_is_kept_in_the_audit_once(client: TestClient, key: Key, engine: Engine) -> None:
    admin = {**key("admin"), "idempotency-key": "my-key-0001"}
    for _ in range(2):
        client.post("/api/v1/retrain", headers=admin)

    with engine.connect() as connection:
        (row,) = connection.execute(select(admin_actions).where(admin_actions.c.action == "retrain")).all()
    assert (row.actor, row.outcome) == ("key:for a admin", "accepted")


def test_no_more_jobs_are_taken_than_can_be_done_in_days(
    client: TestClient, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_desk, "MOST_WAITING", 1)
    admin = key("admin")
    assert client.post("/api/v1/retrain", headers=admin).status_code == 202

    assert client.post("/api/v1/retrain", headers=admin).status_code == 429


def what_lies_in(yard: Yard) -> list[str]:
    """Return what is in the folder of jobs, but for the installation's own id."""
    return [path.name for path in yard.files.root.glob("*") if path.name != "home.id"]


def test_a_file_waits_in_its_jobs_folder_under_a_name_of_ours(client: TestClient, key: Key, yard: Yard) -> None:
    found = send(client, key("analyst"), name="../../évil; rm.csv").json()

    folder = yard.files.folder(found["job_id"])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"input.csv": CSV}
    assert what_lies_in(yard) == [found["job_id"]]
    assert yard.take().kind == "score"


def test_a_file_that_is_sent_twice_with_its_key_is_scored_once_and_another_is_refused(
    client: TestClient, key: Key, yard: Yard
) -> None:
    analyst = {**key("analyst"), "idempotency-key": "my-key-0001"}
    first, again = send(client, analyst), send(client, analyst)
    other = send(client, analyst, CSV + b"B,2\n")

    assert first.json()["job_id"] == again.json()["job_id"]
    assert other.status_code == 422
    folder = yard.files.folder(first.json()["job_id"])
    assert (folder / "input.csv").read_bytes() == CSV


@pytest.mark.parametrize("name", ["mine.xlsx", "mine", "mine.csv.gz", "mine.pkl"])
def test_other_kinds_of_file_are_refused_and_leave_nothing(client: TestClient, key: Key, yard: Yard, name: str) -> None:
    assert send(client, key("analyst"), name=name).status_code == 415
    assert what_lies_in(yard) == []


def test_a_result_is_given_when_the_job_is_done(client: TestClient, key: Key, yard: Yard) -> None:
    analyst = key("analyst")
    job_id = send(client, analyst).json()["job_id"]
    early = client.get(f"/api/v1/jobs/{job_id}/result", headers=analyst)
    (yard.files.folder(job_id) / SCORES).write_text("customer_id\nA\n")
    yard.store.finish(yard.take(), result={"rows": 1}, words="1 row")

    job = client.get(f"/api/v1/jobs/{job_id}", headers=analyst).json()
    answer = client.get(job["result_url"], headers=analyst)

    assert (early.status_code, "queued" in early.json()["detail"]) == (409, True)
    assert (job["status"], job["result"], job["problem"]) == ("done", {"rows": 1}, None)
    assert (answer.status_code, answer.text) == (200, "customer_id\nA\n")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"scores-{job_id}.csv" in answer.headers["content-disposition"]
    missing = client.get(f"{job['result_url']}?part=rejected", headers=analyst)
    assert (missing.status_code, "7 days" in missing.json()["detail"]) == (404, True)


@pytest.mark.parametrize("job_id", ["..%2f..%2fchurn.db", "x" * 32, "0" * 31, "A" * 32])
def test_no_result_leads_out_of_the_folder_of_jobs(client: TestClient, key: Key, job_id: str) -> None:
    assert client.get(f"/api/v1/jobs/{job_id}/result", headers=key("admin")).status_code in {404, 422}


def test_a_job_that_nobody_asked_for_is_not_there(client: TestClient, key: Key) -> None:
    for path in (f"/api/v1/jobs/{'0' * 32}", f"/api/v1/jobs/{'0' * 32}/result"):
        assert client.get(path, headers=key("admin")).status_code == 404
