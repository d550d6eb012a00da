"""`churn canary` on a real registry and store."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.settings import Settings
from churn.stores.database import open_database
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry, RegisteredBundle
from cli.main import run
from tests.bundles import small_bundle
from tests.churn.stores.records import prediction
from tests.postgres import free_port
from tests.registered import promoted
from tests.tracking import own_tracking

Churn = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("canary") / "home")


@pytest.fixture(scope="module")
def registry(
    settings: Settings, telco: Contract, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> ModelRegistry:
    """Version 1 in production, and versions 2 and 3 of another bundle."""
    from pipelines.logged_model import log_bundle

    other = tmp_path_factory.mktemp("other") / "bundle"
    small_bundle(other, telco, seed=1)
    first = promoted(bundle_folder, telco, settings, settings.home.parent)
    registry = ModelRegistry(settings.tracking_uri)
    with own_tracking():
        mlflow.set_tracking_uri(settings.tracking_uri)
        with mlflow.start_run(run_id=first.run_id):
            logged = log_bundle(other, telco)
        for _ in range(2):
            registry.register("churn", logged, run_id=first.run_id, digest=digest_of(other), tags={})
    return registry


@pytest.fixture
def churn(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Churn]:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["churn", "canary", *words])
        with pytest.raises(SystemExit) as ended:
            run()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    with own_tracking():
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CHURN_HOME", str(settings.home))
        monkeypatch.setenv("CHURN_ACTOR", "tester")
        monkeypatch.setenv("CHURN_DOORS", f"http://127.0.0.1:{free_port()}")
        yield call


def canary_in(registry: ModelRegistry) -> RegisteredBundle | None:
    return registry.aliased("churn", "canary")


def test_a_canary_is_set_changed_reported_and_cleared(
    churn: Churn, registry: ModelRegistry, settings: Settings
) -> None:
    code, said = churn("set", "2", "--share", "0.1", "--reason", "we dare")
    assert (code, "answers 10.0% of the customers" in said) == (0, True)
    first = canary_in(registry)
    assert first is not None
    assert (first.version, first.tags["canary_share"], first.tags["canary_reason"]) == (2, "0.1", "we dare")

    churn("set", "2", "--share", "0.5")
    second = canary_in(registry)
    assert second is not None
    assert second.tags["canary_share"] == "0.5"
    assert second.tags["canary_salt"] == first.tags["canary_salt"], "who was in it stays in it"

    assert "answered nobody" in churn("report")[1]
    record(settings)
    code, said = churn("report", "--since", "2026-01-01")
    assert code == 0, said
    assert "version 2 answers 50.0% of the customers, version 1 the others" in said
    assert "30 against 60" in said
    assert "does not tell its metrics" in said
    found = json.loads(churn("report", "--json", "--since", "2026-01-01")[1])
    assert (found["comparison"]["canary_customers"], found["comparison"]["p_value"] < 1e-6) == (30, True)

    assert "version 2 is no canary any more" in churn("clear", "--reason", "enough")[1]
    assert canary_in(registry) is None
    assert "there is no canary" in churn("clear")[1]
    moves = PromotionLog(open_database(settings.database_url)).history("churn")
    noted = [(each.action, each.alias, each.reason) for each in moves if each.status == "done"]
    assert noted == [("take", "canary", "enough"), ("give", "canary", "not given"), ("give", "canary", "we dare")]


def record(settings: Settings) -> None:
    """Store what an attendant would: 30 customers of the canary, 60 of production."""
    of_canary = {"role": "canary", "model_version": 2, "probability": 0.9}
    PredictionStore(open_database(settings.database_url)).add(
        [
            *(prediction(n, customer_id=f"c-{n}", **of_canary) for n in range(30)),
            *(prediction(n, customer_id=f"c-{n}", model_version=1) for n in range(30, 90)),
        ]
    )


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["1", "--share", "0.1"], "is in production"),
        (["2", "--share", "0"], "is none"),
        (["2", "--share", "-0.5"], "is none"),
        (["2", "--share", "nan"], "is none"),
        (["9", "--share", "0.1"], "has no version 9"),
        (["2", "--share", "0.1", "--salt", "x" * 65], "a salt has"),
    ],
)
def test_what_can_not_be_a_canary_is_refused(churn: Churn, words: list[str], said: str) -> None:
    code, found = churn("set", *words)

    assert code == 1
    assert said in found


def test_another_version_has_another_salt_so_that_not_the_same_customers_are_tried_on(
    churn: Churn, registry: ModelRegistry
) -> None:
    salts = set()
    for version in ("2", "3"):
        churn("set", version, "--share", "0.1")
        found = canary_in(registry)
        assert found is not None
        salts.add(found.tags["canary_salt"])
    churn("clear")

    assert len(salts) == 2
