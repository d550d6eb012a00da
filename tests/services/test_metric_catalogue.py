"""What the applications of both doors show, held against the catalogue, also while they are sent the worst."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from churn.contract.contract import Contract
from churn.metrics import CATALOGUE, EXPORTED
from services.access_log import METHODS
from services.api.access import RULES
from services.api.app import create_app
from services.settings import Door, ServiceSettings
from services.telemetry import REASONS
from services.worker import Worker
from tests.faults.doors import wait_until
from tests.services.conftest import CUSTOMER, promote_on_disk

DOORS: tuple[Door, ...] = get_args(Door)
SHOWN_BY_DOORS = {each.name: each for each in CATALOGUE if set(each.origins) - {"exporter"}}
OWN = re.compile(r"^(# (HELP|TYPE) )?churn_")
ADDED = ("_bucket", "_count", "_sum", "_total", "_created")


@pytest.fixture(scope="module")
def clients(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, TestClient]]:
    """The applications of both doors, each with a worker of its own."""
    workers = {}
    for door in DOORS:
        home = tmp_path_factory.mktemp(door)
        found = ServiceSettings(home=home, attended=False, requests_per_minute=100_000, predict_per_minute=0)
        promote_on_disk(found, bundle_folder, version=1)
        workers[door] = Worker(door, found).open()
    with ExitStack() as stack:
        yield {
            door: stack.enter_context(TestClient(create_app(worker, owns_worker=False), raise_server_exceptions=False))
            for door, worker in workers.items()
        }
    for worker in workers.values():
        worker.close()


def families(client: TestClient) -> list[Family]:
    text = client.get("/metrics").text
    return list(text_string_to_metric_families("\n".join(line for line in text.splitlines() if OWN.match(line))))


def name_of(family: Family) -> str:
    """Return the name without what the text format writes for counters of multiprocess mode."""
    return family.name.removesuffix("_total")


@pytest.mark.parametrize("door", DOORS)
def test_every_metric_of_a_door_is_in_the_catalogue_as_it_is_shown(clients: dict[str, TestClient], door: str) -> None:
    clients[door].post("/predict", json={**CUSTOMER, "PaymentMethod": "Barter"})
    clients[door].get("/nowhere")

    for family in families(clients[door]):
        if family.name.endswith("_created"):  # of this process alone: the library's, and off across processes
            continue
        metric = SHOWN_BY_DOORS[name_of(family)]
        assert (family.type, family.documentation) == (metric.kind, metric.text)
        for sample in family.samples:
            assert sample.name.removeprefix(metric.name) in ("", *ADDED)
            assert set(sample.labels) - {"le"} == set(metric.labels)


def test_every_metric_of_the_catalogue_is_shown_by_somebody(clients: dict[str, TestClient]) -> None:
    by_doors = {name_of(family) for client in clients.values() for family in families(client)}

    assert {each.name for each in CATALOGUE} - {each.name for each in EXPORTED} <= by_doors


def sample(client: TestClient, name: str, **labels: str) -> float:
    """Return one series' value; 0 when it is not there yet."""
    for family in families(client):
        for each in family.samples:
            if each.name == name and each.labels == labels:
                return float(each.value)
    return 0.0


@pytest.mark.parametrize("door", DOORS)
def test_recommended_offers_are_counted_by_name_from_zero(
    clients: dict[str, TestClient], telco: Contract, door: str
) -> None:
    names = [offer.name for offer in telco.offers]
    client = clients[door]
    counted = {
        each.labels["offer"]
        for family in families(client)
        for each in family.samples
        if each.name == "churn_offers_recommended_total" and each.labels["door"] == door
    }
    assert counted == set(names)

    def count() -> dict[str, float]:
        return {name: sample(client, "churn_offers_recommended_total", door=door, offer=name) for name in names}

    before = count()
    answer = client.post("/predict", json=telco.example).json()
    client.post("/predict?explain=false", json=telco.example)
    rise = {name: times - before[name] for name, times in count().items() if times > before[name]}

    assert rise == {action["offer"]: 1 for action in answer["actions"]}


def test_offers_of_a_batch_with_reasons_are_counted_too(clients: dict[str, TestClient], telco: Contract) -> None:
    client = clients["fastapi"]
    rows = [{**telco.example, "PaymentMethod": "Electronic check", "tenure": month} for month in (1, 2)]

    def count() -> float:
        return sum(
            sample(client, "churn_offers_recommended_total", door="fastapi", offer=offer.name) for offer in telco.offers
        )

    before = count()
    answer = client.post("/api/v1/batch_predict?explain=true", json={"customers": rows})
    assert answer.status_code == 200, answer.text
    recommended = sum(len(row["actions"]) for row in answer.json()["predictions"])

    assert recommended > 0
    assert count() - before == recommended


@pytest.mark.parametrize("reason", REASONS)
def test_refusals_are_counted_by_reason(
    settings: ServiceSettings, bundle_folder: Path, reason: str, fill: Callable[[Worker], None]
) -> None:
    changed = settings.model_copy(update={"predict_per_minute": 1} if reason == "limit" else {})
    if reason != "not_ready":
        promote_on_disk(changed, bundle_folder, version=1)
    worker = Worker("fastapi", changed).open()
    with TestClient(create_app(worker, owns_worker=False)) as client:
        if reason == "limit":
            client.post("/predict", json=CUSTOMER)
        if reason == "full":
            fill(worker)
        before = {
            one: sample(client, "churn_http_requests_refused_total", door="fastapi", reason=one) for one in REASONS
        }

        assert client.post("/predict", json=CUSTOMER).status_code == (429 if reason == "limit" else 503)
        client.get("/readyz")

        after = {
            one: sample(client, "churn_http_requests_refused_total", door="fastapi", reason=one) for one in REASONS
        }
    worker.close()
    assert {one: after[one] - before[one] for one in REASONS} == {**dict.fromkeys(REASONS, 0.0), reason: 1.0}


@pytest.fixture
def fill() -> Callable[[Worker], None]:
    """Give a worker as much to do as it may have in hand."""

    def give(worker: Worker) -> None:
        for _ in range(worker.load.most):
            worker.load.begin()

    return give


def test_saturation_is_what_is_in_hand_of_what_may_be(
    settings: ServiceSettings, bundle_folder: Path, fill: Callable[[Worker], None]
) -> None:
    promote_on_disk(settings, bundle_folder, version=1)
    worker = Worker("bento", settings.model_copy(update={"max_in_flight": 3, "follow_seconds": 0.01})).open()
    fill(worker)
    with TestClient(create_app(worker, owns_worker=False)) as client:
        wait_until(lambda: sample(client, "churn_http_requests_in_flight", door="bento") >= 3, "the keeper has looked")
        assert sample(client, "churn_http_requests_in_flight_limit", door="bento") == 3
    worker.close()


HOSTILE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=6, max_size=40)
CANARY = "Xq7canary"
TEXT = HOSTILE.map(lambda text: f"{CANARY}{text}")
ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map(lambda text: f"{CANARY}{text}")
CLOSED = {
    "door": set(DOORS),
    "method": {*METHODS, "OTHER"},
    "route": {rule.path for rule in RULES} | {"unmatched"},
    "risk_level": {"LOW", "MEDIUM", "HIGH"},
    "reason": set(REASONS),
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.tuples(TEXT, ASCII), method=st.sampled_from(["GET", "POST", "PUT", "BREW", "X" * 30]))
def test_nothing_that_a_client_sends_is_ever_a_label(
    clients: dict[str, TestClient], telco: Contract, sent: tuple[str, str], method: str
) -> None:
    for client in clients.values():
        send_everywhere(client, *sent, method=method)

        assert CANARY.lower() not in client.get("/metrics").text.lower()
    shown = {
        label: {each.labels[label] for client in clients.values() for family in families(client)
                for each in family.samples if label in each.labels}
        for label in (*CLOSED, "column")
    }  # fmt: skip
    assert {label for label, values in CLOSED.items() if not shown[label] <= values} == set()
    assert shown["column"] <= set(telco.columns)


def send_everywhere(client: TestClient, value: str, word: str, *, method: str) -> None:
    """Send a text as each part of a request that there is."""
    headers = {"x-request-id": word, "user-agent": word, "idempotency-key": word, "x-api-key": word}
    client.post("/predict", json={**CUSTOMER, "PaymentMethod": value, "customerID": value, value: value})
    client.post("/predict", json={**CUSTOMER, "PaymentMethod": value, "customerID": value})
    client.post("/predict", json={**CUSTOMER, "customerID": value}, headers=headers)
    client.post("/api/v1/batch_predict", json={"customers": [{**CUSTOMER, "Contract": value}]})
    client.request(method, f"/{word}/predict", headers=headers)
    client.get("/api/v1/explain", params={"customer_id": value, word: word})
    client.get(f"/api/v1/models/{word.replace('/', '')}")


def test_hostile_paths_and_methods_make_no_series_of_their_own(clients: dict[str, TestClient]) -> None:
    client = clients["fastapi"]

    def count() -> int:
        return sum(len(family.samples) for family in families(client))

    for method in ("GET", "BREW"):
        client.request(method, "/scanner")
    before = count()
    for number in range(100):
        client.get(f"/scanner/{number}?{number}")
        client.request(f"BREW{number}", f"/predict/{number}")

    assert count() == before
