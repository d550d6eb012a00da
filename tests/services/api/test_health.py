import time

from starlette.testclient import TestClient

from services.exchange import AttendantState, write_note
from services.worker import Worker
from tests.services.conftest import CUSTOMER


def sample(client: TestClient, line: str) -> float:
    (found,) = [each for each in client.get("/metrics").text.splitlines() if each.startswith(line + " ")]
    return float(found.rpartition(" ")[2])


def test_a_worker_with_a_model_is_ready(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_a_worker_without_a_model_is_alive_and_not_ready(empty_client: TestClient) -> None:
    assert empty_client.get("/livez").status_code == 200
    assert empty_client.get("/readyz").status_code == 503
    assert empty_client.get("/api/v1/health").json()["status"] == "no_model"


def test_health_tells_what_is_away_around_it(client: TestClient, worker: Worker) -> None:
    assert client.get("/api/v1/health").json()["status"] == "degraded"

    state = AttendantState(pid=1, at=time.time(), is_registry_up=True, last_sync=time.time())
    write_note(state, worker.settings.attendant_file)
    assert client.get("/api/v1/health").json()["status"] == "ok"

    write_note(state.model_copy(update={"quarantined": {"7": "broken"}}), worker.settings.attendant_file)
    assert client.get("/api/v1/health").json()["quarantined"] == {"7": "broken"}
    assert client.get("/api/v1/health").json()["status"] == "degraded"

    write_note(state.model_copy(update={"at": time.time() - 60}), worker.settings.attendant_file)
    assert client.get("/api/v1/health").json()["registry_problem"] == "no attendant"


def test_requests_are_counted_by_route_and_strangers_as_one(client: TestClient) -> None:
    name = 'churn_http_requests_total{door="fastapi",method="%s",route="%s",status="%s"}'
    client.post("/predict", json=CUSTOMER)
    before = sample(client, name % ("POST", "/predict", 200))
    client.post("/predict", json=CUSTOMER)
    for path in range(30):
        client.get(f"/scanner/{path}")
    client.request("BREW", "/coffee")

    assert sample(client, name % ("POST", "/predict", 200)) == before + 1
    assert sample(client, name % ("GET", "unmatched", 404)) >= 30
    assert sample(client, name % ("OTHER", "unmatched", 404)) >= 1
    assert "scanner" not in client.get("/metrics").text


def test_metrics_tell_versions_values_and_the_recorder(client: TestClient, worker: Worker) -> None:
    client.post("/predict", json={**CUSTOMER, "PaymentMethod": "Barter"})

    digest = worker.live.require().scorer.digest
    info = f'churn_model_info{{digest="{digest}",door="fastapi",name="churn",version="1"}}'
    assert sample(client, info) == 1
    assert sample(client, 'churn_input_unknown_total{column="PaymentMethod"}') >= 1
    assert sample(client, 'churn_input_missing_total{column="gender"}') >= 1
    assert sample(client, "churn_recorder_backlog") >= 1
    assert sample(client, "churn_registry_up") == 0
