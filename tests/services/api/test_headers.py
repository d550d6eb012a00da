import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from services.api.app import create_app
from services.settings import ServiceSettings
from services.worker import Worker

ORIGIN = "https://console.firm.example"


@pytest.fixture
def shown(settings: ServiceSettings) -> Iterator[TestClient]:
    """A door whose answers a page of one origin may read."""
    allowing = settings.model_copy(update={"allowed_origins": (ORIGIN,)})
    with TestClient(create_app(Worker("fastapi", allowing), owns_worker=True)) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/livez"), ("GET", "/docs"), ("GET", "/docs/swagger-ui.css"), ("GET", "/nothing"), ("POST", "/docs"),
        ("POST", "/predict"), ("POST", "/api/v1/retrain"), ("GET", "/openapi.json"), ("GET", "/"),
    ],
)  # fmt: skip
def test_every_answer_tells_browsers_to_be_careful(empty_client: TestClient, method: str, path: str) -> None:
    headers = empty_client.request(method, path, follow_redirects=False).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert len(headers.get_list("content-security-policy")) == 1
    assert len(headers.get_list("cache-control")) == 1
    assert "server" not in headers


def test_answers_are_not_kept_but_the_pages_assets_are(client: TestClient) -> None:
    assert client.get("/openapi.json").headers["cache-control"] == "no-store"
    assert client.get("/docs").headers["cache-control"] == "no-store"
    assert client.get("/docs/swagger-ui.css").headers["cache-control"] == "max-age=86400"


def test_the_page_runs_its_own_script_and_no_other(client: TestClient) -> None:
    answer = client.get("/docs")

    scripts = re.search(r"script-src ([^;]*)", answer.headers["content-security-policy"])
    assert scripts is not None
    assert scripts[1].startswith("'self' 'sha256-")
    assert "unsafe" not in scripts[1]
    assert "http" not in answer.headers["content-security-policy"]


def test_without_origins_no_page_of_another_origin_is_answered(client: TestClient) -> None:
    answer = client.get("/livez", headers={"origin": ORIGIN})

    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_of_an_allowed_origin_may_ask_before_it_says_who_it_is(shown: TestClient) -> None:
    asking = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }

    answer = shown.options("/api/v1/retrain", headers=asking)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers
    refused = shown.post("/api/v1/retrain", headers={"origin": ORIGIN})
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"{ORIGIN}.evil.example", "null", "http://console.firm.example"]
)
def test_a_page_of_another_origin_may_not(shown: TestClient, origin: str) -> None:
    asking = {"origin": origin, "access-control-request-method": "POST"}

    assert shown.options("/predict", headers=asking).status_code == 400
    assert "access-control-allow-origin" not in shown.get("/livez", headers={"origin": origin}).headers


def test_the_document_says_which_route_needs_whom(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    assert set(document["components"]["securitySchemes"]) == {"password", "token", "key"}
    assert document["paths"]["/livez"]["get"]["security"] == []
    assert {} in document["paths"]["/predict"]["post"]["security"]
    assert document["paths"]["/api/v1/users/me"]["get"]["security"] == [{"password": []}, {"token": []}, {"key": []}]
    assert {"401", "403", "429"} <= set(document["paths"]["/api/v1/users/me"]["get"]["responses"])


def test_with_keys_alone_the_document_says_so(tmp_path: Path) -> None:
    settings = ServiceSettings(home=tmp_path, attended=False, predict_access="key")
    with TestClient(create_app(Worker("fastapi", settings), owns_worker=True)) as client:
        security = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["security"]

    assert {} not in security
    assert len(security) == 3
