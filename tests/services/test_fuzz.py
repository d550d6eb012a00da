import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from schemathesis.checks import CHECKS
from starlette.testclient import TestClient

from churn.contract.reading import load_contract
from services.api.app import create_app
from services.settings import ServiceSettings
from services.worker import Worker
from tests.faults.conftest import home, logged, on_disk, open_door, shop
from tests.faults.doors import OpenDoor
from tests.services.conftest import promote_on_disk
from tests.services.fuzzing import Sent, requests

__all__ = ["home", "logged", "on_disk", "open_door", "shop"]

EXAMPLE = load_contract(Path(__file__).parent.parent.parent / "contracts" / "telco.yaml").example
EACH_DOOR = 5_000


@pytest.fixture(scope="module")
def tough_worker(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    settings = ServiceSettings(home=tmp_path_factory.mktemp("home"), attended=False)
    promote_on_disk(settings, bundle_folder, version=1)
    worker = Worker("fastapi", settings).open()
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def tough_client(tough_worker: Worker) -> Iterator[TestClient]:
    with TestClient(create_app(tough_worker, owns_worker=False), raise_server_exceptions=False) as client:
        yield client


@hypothesis.settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(sent=requests(EXAMPLE))
def test_no_request_makes_a_failure(tough_client: TestClient, sent: Sent) -> None:
    answer = tough_client.request(
        sent.method, sent.path, content=sent.body, headers=sent.headers, follow_redirects=False
    )

    assert answer.status_code < 500
    if answer.status_code >= 400 and sent.method != "HEAD":
        assert answer.json()["status"] == answer.status_code


def test_every_answer_is_as_documented(tough_worker: Worker) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(tough_worker, owns_worker=False))
    names = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 7

    for operation in operations:

        @hypothesis.settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def is_as_documented(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS.get_by_names(names))

        is_as_documented()


@pytest.mark.slow
@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize("kind", ["bento", "fastapi"])
def test_no_request_makes_a_real_door_fail(open_door: object, kind: str) -> None:
    door: OpenDoor = open_door(kind).ready()
    counts: dict[int, int] = {}
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)

    @hypothesis.settings(max_examples=EACH_DOOR, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(sent=requests(EXAMPLE))
    def send(sent: Sent) -> None:
        status, content = exchange(connection, sent)
        counts[status] = counts.get(status, 0) + 1
        assert status < 500
        if status >= 400 and sent.method != "HEAD" and content[:1] == b"{":
            assert json.loads(content)["status"] == status

    with contextlib.closing(connection):
        send()
    assert sum(counts.values()) >= EACH_DOOR
    assert set(counts) >= {200, 404, 405, 422}
    assert len(door.worker_processes()) == 1
    assert door.predict(EXAMPLE)[0] == 200
    assert door.worker_processes()[0].memory_info().rss < 350 << 20


def exchange(connection: http.client.HTTPConnection, sent: Sent) -> tuple[int, bytes]:
    """Send it over one connection, which is opened again when the server closed it."""
    for _ in range(2):
        try:
            connection.request(sent.method, sent.path, sent.body, sent.headers)
            with connection.getresponse() as answer:
                return answer.status, answer.read()
        except (http.client.HTTPException, ConnectionError, BrokenPipeError):
            connection.close()
    raise AssertionError(f"the connection was closed twice without an answer: {sent}")
