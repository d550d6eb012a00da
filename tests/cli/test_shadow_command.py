"""`churn shadow` on a real registry and store."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shutil import copytree

import mlflow
import pytest

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.settings import Settings
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.registry import ModelRegistry
from cli.main import run
from services.exchange import Pointer, write_note
from services.settings import ServiceSettings
from services.shadow import Shadow, ShadowedStore
from tests.bundles import small_bundle
from tests.churn.stores.records import prediction
from tests.registered import promoted
from tests.tracking import own_tracking

CUSTOMER = {"Contract": "Month-to-month", "MonthlyCharges": 85.5}
Churn = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("shadow") / "home")


@pytest.fixture(scope="module")
def other(telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("other") / "bundle"
    small_bundle(folder, telco, seed=1)
    return folder


@pytest.fixture(scope="module")
def registry(settings: Settings, telco: Contract, bundle_folder: Path, other: Path) -> ModelRegistry:
    """Version 1 in production, and version 2 of another bundle."""
    from pipelines.logged_model import log_bundle

    first = promoted(bundle_folder, telco, settings, settings.home.parent)
    registry, digest = ModelRegistry(settings.tracking_uri), digest_of(other)
    with own_tracking():
        mlflow.set_tracking_uri(settings.tracking_uri)
        with mlflow.start_run(run_id=first.run_id):
            logged = log_bundle(other, telco)
        registry.register("churn", logged, run_id=first.run_id, digest=digest, tags={})
    return registry


@pytest.fixture
def churn(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Churn]:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["churn", "shadow", *words])
        with pytest.raises(SystemExit) as ended:
            run()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    with own_tracking():
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CHURN_HOME", str(settings.home))
        monkeypatch.setenv("CHURN_ACTOR", "tester")
        yield call


def score_some(settings: Settings, customer: Mapping[str, object], folder: Path) -> None:
    """Do what an attendant does with thirty predictions of version 1."""
    serving = ServiceSettings(home=settings.home)
    copytree(folder, serving.bundle_folder / digest_of(folder), dirs_exist_ok=True)
    write_note(Pointer(name="churn", version=2, digest=digest_of(folder)), serving.shadow_file)
    engine = open_migrated(settings.database_url)
    ShadowedStore(PredictionStore(engine), Shadow(serving)).add(
        [prediction(n, customer_id=f"c-{n}", model_version=1, inputs={**customer, "tenure": n}) for n in range(30)]
    )
    engine.dispose()


def test_a_shadow_is_set_reported_and_cleared(
    churn: Churn, registry: ModelRegistry, settings: Settings, other: Path
) -> None:
    assert churn("set", "2", "--reason", "we wonder")[0] == 0
    shadow = registry.aliased("churn", "shadow")
    assert shadow is not None
    assert (shadow.version, shadow.tags["shadow_actor"], shadow.tags["shadow_reason"]) == (2, "tester", "we wonder")

    code, said = churn("report")
    assert code == 1
    assert "scored no customer" in said

    score_some(settings, CUSTOMER, other)
    code, said = churn("report")
    assert code == 0
    assert "version 2 in the shadow of version 1" in said
    assert "30 predictions of 30 customers" in said
    assert said.count("USD per customer") == 4

    found = json.loads(churn("report", "--json", "--since", "2026-01-01")[1])
    assert (found["version"], found["comparison"]["rows"]) == (2, 30)

    assert "no shadow any more" in churn("clear")[1]
    assert registry.aliased("churn", "shadow") is None
    assert churn("clear") == (0, "there is no shadow\n")
    code, said = churn("report")
    assert (code, "churn shadow set" in said) == (1, True)


def test_what_can_be_no_shadow_gets_no_alias(
    churn: Churn, registry: ModelRegistry, settings: Settings, other: Path
) -> None:
    assert "it can't be its own shadow" in churn("set", "1")[1]
    code, said = churn("set", "7")
    assert (code, "has no version 7" in said) == (1, True)

    # Last, because it can't be undone.
    graphs = settings.home.rglob("model.onnx")
    for graph in [graph for graph in graphs if digest_of(graph.parent) == digest_of(other)]:
        graph.write_bytes(b"not a graph")
    code, said = churn("set", "2")
    assert (code, "model.onnx" in said) == (1, True)
    assert registry.aliased("churn", "shadow") is None
