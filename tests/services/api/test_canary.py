"""A canary at a door: who is answered by it, always the same, and that nobody sees what it does wrong."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet
import pytest
from starlette.testclient import TestClient

from churn.contract.contract import Contract
from churn.scoring.draw import is_drawn
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction
from churn.scoring.scorer import Scorer
from services.api.app import create_app
from services.settings import ServiceSettings
from services.worker import Worker
from tests.bundles import Fault, faulty_bundle, small_bundle
from tests.services.conftest import CUSTOMER, await_canary, await_version, canary_on_disk, promote_on_disk

PEOPLE = [f"c-{number}" for number in range(60)]
CHECK = "Mailed check"


def drawn(share: float, salt: str = "salt") -> set[str]:
    return {name for name in PEOPLE if is_drawn(name.encode(), share, salt)}


def asked(client: TestClient, name: str, **more: object) -> dict[str, Any]:
    answer = client.post("/predict?explain=false", json={**CUSTOMER, "customerID": name, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-model-version"] == answer.json()["model_version"]
    return dict(answer.json())


def answered_by(client: TestClient, version: str) -> set[str]:
    return {name for name in PEOPLE if asked(client, name)["model_version"] == version}


def counted(client: TestClient, name: str) -> float:
    """Sum what a metric counts of version 2, in tests of one worker each from what was before."""
    lines = client.get("/metrics").text.splitlines()
    return sum(
        float(line.rpartition(" ")[2]) for line in lines if line.startswith(name) and 'model_version="2"' in line
    )


Begin = Callable[..., None]


@pytest.fixture
def begin(worker: Worker) -> Begin:
    """Let a bundle be version 2, and the canary of the one worker."""

    def give(folder: Path, *, share: float) -> None:
        canary_on_disk(worker.settings, folder, version=2, share=share)
        await_canary(worker, share)

    return give


@pytest.fixture(scope="session")
def failing(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Fault], Path]:
    made: dict[Fault, Path] = {}

    def make(fault: Fault) -> Path:
        if fault not in made:
            made[fault] = tmp_path_factory.mktemp("failing") / "sealed"
            faulty_bundle(made[fault], bundle_folder, column="PaymentMethod", category=CHECK, fault=fault)
        return made[fault]

    return make


@pytest.fixture
def begin_failing(begin: Begin, failing: Callable[[Fault], Path]) -> Callable[[Fault], None]:
    """The same with a bundle that fails on one category, for all customers."""
    return lambda fault: begin(failing(fault), share=1.0)


def test_the_canary_answers_its_share_and_always_the_same_customers(
    client: TestClient, begin: Begin, other_bundle: Path
) -> None:
    begin(other_bundle, share=0.3)
    first = answered_by(client, "2")

    assert first == drawn(0.3)
    assert 5 < len(first) < 35
    assert answered_by(client, "2") == first
    assert answered_by(client, "1") == set(PEOPLE) - first


def test_a_larger_share_keeps_who_was_in_the_smaller_and_loads_nothing_anew(
    client: TestClient, worker: Worker, begin: Begin, other_bundle: Path
) -> None:
    found = []
    scorers = []
    for share in (0.1, 0.4, 1.0, 0.4):
        begin(other_bundle, share=share)
        found.append(answered_by(client, "2"))
        canary = worker.live.require().canary
        assert canary is not None
        scorers.append(canary.served.scorer)

    assert found[0] < found[1] < found[2] == set(PEOPLE)
    assert found[3] == found[1]
    assert len(set(map(id, scorers))) == 1


def test_a_canary_is_let_go_and_one_that_is_promoted_is_production(
    client: TestClient, worker: Worker, begin: Begin, other_bundle: Path
) -> None:
    begin(other_bundle, share=1.0)
    before = worker.live.require().canary
    assert before is not None
    promote_on_disk(worker.settings, other_bundle, version=2)
    await_version(worker, 2)

    assert worker.live.require().canary is None
    assert worker.live.require().scorer is before.served.scorer, "what answered everybody is not loaded again"
    assert asked(client, "c-1")["model_version"] == "2"

    canary_on_disk(worker.settings, other_bundle, version=3, share=1.0)
    await_canary(worker, 1.0)
    worker.settings.canary_file.unlink()
    await_canary(worker, 0.0)
    assert answered_by(client, "2") == set(PEOPLE)


def test_what_the_canary_answers_is_recorded_as_such(
    client: TestClient, begin: Begin, other_bundle: Path, spooled: Callable[[], list[bytes]]
) -> None:
    begin(other_bundle, share=0.5)
    sent = {name: asked(client, name) for name in PEOPLE}
    scorer = load_scorer(other_bundle, name="churn", version=2)

    found = {one.customer_id: one for one in map(Prediction.from_json, spooled())}
    assert {name for name, one in found.items() if one.role == "canary"} == drawn(0.5)
    for name, one in found.items():
        assert (one.probability, str(one.model_version)) == (
            sent[name]["churn_probability"],
            sent[name]["model_version"],
        )
        if one.role == "canary":
            row = scorer.form.read(json.dumps(one.inputs).encode()).row
            assert one.probability == pytest.approx(scorer.score_row(row), abs=1e-6)
        else:
            assert one.role == "production"


def test_customers_without_an_id_are_drawn_by_their_row(client: TestClient, begin: Begin, other_bundle: Path) -> None:
    begin(other_bundle, share=0.5)

    def versions() -> list[str]:
        bodies = [{**CUSTOMER, "tenure": tenure} for tenure in range(40)]
        return [client.post("/predict?explain=false", json=body).json()["model_version"] for body in bodies]

    first = versions()
    assert set(first) == {"1", "2"}
    assert versions() == first
    rows = client.post("/predict/batch", json=[{**CUSTOMER, "tenure": tenure} for tenure in range(40)]).json()[
        "results"
    ]
    assert [row["model_version"] for row in rows] == first, "a batch draws as single requests do"


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("wanted", ["json", "x-ndjson", "csv", "vnd.apache.parquet"])
def test_each_row_of_a_batch_is_answered_by_the_version_of_its_customer(
    batched: Callable[..., tuple[Any, dict[str, Scorer]]], wanted: str, share: float
) -> None:
    rows = [{**CUSTOMER, "customerID": name, "tenure": place} for place, name in enumerate(PEOPLE)]
    rows[7]["tenure"] = -1
    answer, scorers = batched(rows, wanted, share)
    found = read_rows(answer.content, wanted)
    good = [place for place in range(60) if place != 7]

    assert answer.status_code == 200
    assert [row["customerID"] for row in found] == [PEOPLE[place] for place in good]
    for place, row in zip(good, found, strict=True):
        assert str(row["model_version"]) == ("2" if row["customerID"] in drawn(share) else "1")
        scorer = scorers[str(row["model_version"])]
        expected = scorer.score_row(scorer.form.read(orjson.dumps(rows[place])).row)
        assert float(row["churn_probability"]) == pytest.approx(expected, abs=1e-6)
        assert int(row["tenure"]) == place


@pytest.fixture
def batched(
    client: TestClient, begin: Begin, bundle_folder: Path, other_bundle: Path
) -> Callable[..., tuple[Any, dict[str, Scorer]]]:
    """Send a batch while version 2 answers a share, and return the answer with both versions."""

    def send(rows: list[dict[str, Any]], wanted: str, share: float) -> tuple[Any, dict[str, Scorer]]:
        if share:
            begin(other_bundle, share=share)
        media = "text/csv" if wanted == "csv" else f"application/{wanted}"
        folders = {"1": bundle_folder, "2": other_bundle}
        scorers = {name: load_scorer(folder, name="churn", version=int(name)) for name, folder in folders.items()}
        return client.post("/predict/batch", json=rows, headers={"accept": media}), scorers

    return send


def read_rows(content: bytes, wanted: str) -> list[dict[str, Any]]:
    """Return the scored rows of a batch's answer."""
    if wanted == "json":
        return list(json.loads(content)["results"])
    if wanted == "x-ndjson":
        return [row for line in content.splitlines() if "churn_probability" in (row := json.loads(line))]
    if wanted == "csv":
        head, *lines = content.decode().splitlines()
        rows = [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]
        return [row for row in rows if row["churn_probability"]]
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    return [row for row in table.to_pylist() if row["churn_probability"] is not None]


@pytest.mark.parametrize("fault", ["nan", "raise"])
def test_whom_the_canary_fails_on_production_answers_and_it_is_counted(
    client: TestClient, begin_failing: Callable[[Fault], None], fault: Fault, spooled: Callable[[], list[bytes]]
) -> None:
    begin_failing(fault)
    before = [counted(client, name) for name in ("churn_canary_fallbacks_total", "churn_version_failures_total")]

    for number, name in enumerate(PEOPLE[:10]):
        answer = asked(client, name, PaymentMethod=CHECK if number % 2 else "Electronic check")
        assert answer["model_version"] == ("1" if number % 2 else "2")
    explained = client.post("/api/v1/explain", json={**CUSTOMER, "PaymentMethod": CHECK})
    assert (explained.status_code, explained.json()["model_version"]) == (200, "1")

    after = [counted(client, name) for name in ("churn_canary_fallbacks_total", "churn_version_failures_total")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [6, 6]
    roles = [Prediction.from_json(line).role for line in spooled()]
    assert sorted(roles) == ["canary"] * 5 + ["production"] * 5, "each is recorded once"


@pytest.mark.parametrize(("fault", "lost"), [("nan", 30), ("raise", 60)])
def test_rows_of_a_batch_that_the_canary_fails_on_are_production_s(
    client: TestClient, begin_failing: Callable[[Fault], None], fault: Fault, lost: int
) -> None:
    """A run that raises is lost as a whole: the canary's rows of the chunk."""
    begin_failing(fault)
    before = counted(client, "churn_canary_fallbacks_total")
    rows = [{**CUSTOMER, "customerID": name, "PaymentMethod": CHECK if place % 2 else "Electronic check"}
            for place, name in enumerate(PEOPLE)]  # fmt: skip
    found = client.post("/predict/batch", json=rows).json()

    versions = [row["model_version"] for row in found["results"]]
    assert versions == (["2", "1"] * 30 if fault == "nan" else ["1"] * 60)
    assert found["rejected"] == []
    assert counted(client, "churn_canary_fallbacks_total") - before == lost


def test_production_that_gives_no_probability_is_an_error_and_counted(
    settings: ServiceSettings, failing: Callable[[Fault], Path]
) -> None:
    promote_on_disk(settings, failing("nan"), version=2)
    worker = Worker("fastapi", settings).open()
    with TestClient(create_app(worker, owns_worker=False), raise_server_exceptions=False) as client:
        before = counted(client, "churn_version_failures_total")
        bad = {**CUSTOMER, "PaymentMethod": CHECK}

        assert client.post("/predict", json=bad).status_code == 503
        found = client.post("/predict/batch", json=[CUSTOMER, bad]).json()
        assert [row["row"] for row in found["rejected"]] == [2]
        assert "gives no probability" in found["rejected"][0]["reasons"][0]
        assert counted(client, "churn_version_failures_total") - before == 2
    worker.close()


@pytest.fixture
def narrow(telco: Contract, tmp_path: Path) -> Path:
    """A bundle whose contract lacks a column, and allows no more than 24 months."""
    tenure = telco.columns["tenure"].model_copy(update={"maximum": 24})
    columns = {name: each for name, each in telco.columns.items() if name != "gender"} | {"tenure": tenure}
    small_bundle(tmp_path / "narrow", telco.model_copy(update={"columns": columns}))
    return tmp_path / "narrow"


def test_a_canary_with_another_contract_answers_whom_it_can_read(
    client: TestClient, begin: Begin, narrow: Path, spooled: Callable[[], list[bytes]]
) -> None:
    begin(narrow, share=1.0)

    assert asked(client, "c-1", gender="Male", tenure=10)["model_version"] == "2"
    assert asked(client, "c-1", gender="Male", tenure=30)["model_version"] == "1"
    rows = [{**CUSTOMER, "customerID": name, "gender": "Male", "tenure": place} for place, name in enumerate(PEOPLE)]
    found = client.post("/predict/batch", json=rows).json()["results"]
    assert [row["model_version"] for row in found] == ["2"] * 25 + ["1"] * 35
    assert {row["gender"] for row in found} == {"Male"}
    by_role = {one.role: set(one.inputs) for one in map(Prediction.from_json, spooled())}
    assert "gender" in by_role["production"]
    assert "gender" not in by_role["canary"], "what is recorded is what the version was given"


def test_what_production_refuses_is_refused_whoever_would_answer(
    client: TestClient, begin: Begin, other_bundle: Path
) -> None:
    begin(other_bundle, share=1.0)
    before = counted(client, "churn_canary_fallbacks_total")

    assert client.post("/predict", json={**CUSTOMER, "tenure": -1}).status_code == 422
    assert client.post("/predict", json={**CUSTOMER, "customerID": "x" * 300}).status_code == 422
    assert counted(client, "churn_canary_fallbacks_total") == before


def test_dialects_that_name_one_version_answer_by_production_alone(
    client: TestClient, begin: Begin, other_bundle: Path
) -> None:
    begin(other_bundle, share=1.0)
    answer = client.post("/invocations", json={"dataframe_records": [CUSTOMER]})

    assert answer.headers["x-model-version"] == "1"


def test_a_canary_whose_bundle_rotted_answers_nobody(
    client: TestClient, worker: Worker, begin: Begin, other_bundle: Path
) -> None:
    digest = load_scorer(other_bundle, name="churn", version=2).digest
    begin(other_bundle, share=1.0)
    (worker.settings.bundle_folder / digest / "model.onnx").write_bytes(b"rot")
    canary_on_disk(worker.settings, other_bundle, version=3, share=1.0)
    await_canary(worker, 0.0)

    assert "model.onnx" in worker.live.canary_problem
    assert worker.live.problem == ""
    assert answered_by(client, "1") == set(PEOPLE)
