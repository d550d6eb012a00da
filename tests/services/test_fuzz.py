from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, given
from schemathesis.checks import CHECKS
from starlette.testclient import TestClient

from churn.contract.reading import load_contract
from services.api.access import RULES
from services.api.app import create_app
from services.settings import ServiceSettings
from services.worker import Worker
from tests.services.conftest import promote_on_disk
from tests.services.fuzzing import Sent, requests
from tests.services.people import key_of, open_store

EXAMPLE = load_contract(Path(__file__).parent.parent.parent / "contracts" / "telco.yaml").example
OF_THE_PAGE = {("GET", path) for path in ("/", "/docs", "/docs/{asset}", "/openapi.json")}


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
    headers = {"x-api-key": key_of(open_store(tough_worker.settings), "client")}
    names = ["status_code_conformance", "content_type_conformance", "response_schema_conformance"]
    operations = [found.ok() for found in schema.get_all_operations()]
    described = {(each.method.upper(), each.path) for each in operations}
    assert described == {(rule.method, rule.path) for rule in RULES} - OF_THE_PAGE

    for operation in operations:

        @hypothesis.settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def is_as_documented(case: schemathesis.Case) -> None:
            answer = case.call_and_validate(checks=CHECKS.get_by_names(names), headers=headers)
            assert answer.status_code != 500

        is_as_documented()
