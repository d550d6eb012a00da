import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from churn.contract.reading import parse_contract
from services.worker import Worker
from tests.bundles import small_bundle
from tests.services.conftest import promote_on_disk

SHOP = """
name: shop
target: {column: gone, positive: "1"}
columns:
  "Spend per month (€)": {type: number, minimum: 0, required: true, example: 12.5}
  plan: {type: category, categories: [basic, pro]}
"""


def test_the_documents_example_works_as_it_stands(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert client.post("/predict", json=content["example"]).status_code == 200
    assert content["schema"] == {"$ref": "#/components/schemas/Customer"}


def test_the_answer_matches_its_documented_schema(client: TestClient, telco: object) -> None:
    schema = client.get("/openapi.json").json()["components"]["schemas"]

    lean, explained = (client.post(f"/predict?explain={word}", json=telco.example).json() for word in ("false", "true"))

    assert set(lean) == set(schema["PredictionAnswer"]["required"])
    assert set(explained) == set(schema["PredictionAnswer"]["properties"]) - {"explanation_note"}
    assert set(client.get("/api/v1/health").json()) == set(schema["Health"]["properties"])


def test_every_reference_of_the_document_leads_somewhere(client: TestClient) -> None:
    answer = client.get("/openapi.json")

    names = set(re.findall(r'"#/components/schemas/(\w+)"', answer.text))
    assert names <= set(answer.json()["components"]["schemas"])


def test_another_companys_contract_changes_the_document_and_the_door_at_once(
    client: TestClient, worker: Worker, tmp_path: Path
) -> None:
    small_bundle(tmp_path / "shop", parse_contract(SHOP, "shop"))
    promote_on_disk(worker.settings, tmp_path / "shop", version=2)
    worker.live.follow()

    example = client.get("/openapi.json").json()["components"]["schemas"]["Customer"]["example"]

    assert example == {"Spend per month (€)": 12.5, "plan": "basic"}
    assert client.post("/predict", json=example).json()["model_version"] == "2"


def test_the_page_asks_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text

    assert "//" not in re.sub(r"//\s.*", "", page.replace("window.location.origin", ""))
    for asset in re.findall(r'(?:src|href)="(docs/[^"]+)"', page):
        assert client.get(f"/{asset}").status_code == 200


@pytest.mark.parametrize("path", ["/docs/../settings.py", "/docs/%2e%2e%2findex.css", "/docs/nothing.js"])
def test_only_the_pages_own_assets_are_given(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_root_leads_to_the_page(client: TestClient) -> None:
    assert client.get("/", follow_redirects=False).headers["location"] == "docs"


def test_without_a_model_there_is_a_document_too(empty_client: TestClient) -> None:
    assert "/predict" in empty_client.get("/openapi.json").json()["paths"]


def test_each_operation_has_a_command_line_for_the_address_that_the_client_sees(client: TestClient) -> None:
    headers = {"X-Forwarded-Prefix": "/churn", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "example.org"}
    document = client.get("/openapi.json", headers=headers).json()

    for item in document["paths"].values():
        for operation in item.values():
            assert "```bash\n" in operation["description"]
            assert "https://example.org/churn/" in operation["description"]
    assert document["servers"][0]["url"] == "./"
    assert {tag for item in document["paths"].values() for each in item.values() for tag in each["tags"]} == {
        tag["name"] for tag in document["tags"]
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": 'evil"; rm -rf /'},
        {"Host": "example.org", "X-Forwarded-Prefix": "/$(reboot)"},
        {"Host": "example.org", "X-Forwarded-Proto": "javascript"},
        {"Host": "example.org", "X-Forwarded-Host": "`id`"},
    ],
)
def test_what_a_client_wrote_strangely_is_not_repeated_in_an_example(
    client: TestClient, headers: dict[str, str]
) -> None:
    document = client.get("/openapi.json", headers=headers).json()

    assert "http://127.0.0.1:3000/livez" in document["paths"]["/livez"]["get"]["description"]
    assert "example.org" not in str(document)


def test_an_example_shows_a_key_where_one_is_needed(client: TestClient, worker: Worker) -> None:
    def example() -> str:
        document = client.get("/openapi.json").json()
        return str(document["paths"]["/predict"]["post"]["description"])

    assert "CHURN_API_KEY" not in example()
    worker.settings = worker.settings.model_copy(update={"predict_access": "key"})
    assert '-H "X-API-Key: $CHURN_API_KEY"' in example()
    assert 'api_key=os.environ["CHURN_API_KEY"]' in example()
