"""`churn replay` on a real registry and store."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction
from churn.settings import Settings
from churn.stores.database import migrate, open_database
from churn.stores.predictions import PredictionStore
from cli.main import run
from tests.bundles import random_columns
from tests.recorded import recorded_alone
from tests.registered import promoted
from tests.tracking import own_tracking

Churn = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def registered(telco: Contract, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Version 1 in production."""
    settings = Settings(home=tmp_path_factory.mktemp("replay-command") / "home")
    promoted(bundle_folder, telco, settings, settings.home.parent)
    return settings


@pytest.fixture
def answers(telco: Contract, bundle_folder: Path) -> list[Prediction]:
    return recorded_alone(load_scorer(bundle_folder, name="churn", version=1), random_columns(telco, 12, seed=3))


@pytest.fixture
def settings(registered: Settings, tmp_path: Path) -> Settings:
    """An empty store beside the registry."""
    settings = registered.model_copy(update={"database": f"sqlite:///{tmp_path / 'churn.db'}"})
    migrate(open_database(settings.database_url))
    return settings


@pytest.fixture
def store(settings: Settings) -> PredictionStore:
    return PredictionStore(open_database(settings.database_url))


@pytest.fixture
def churn(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Churn]:
    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["churn", "replay", *words])
        with pytest.raises(SystemExit) as ended:
            run()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    with own_tracking():
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CHURN_HOME", str(settings.home))
        monkeypatch.setenv("CHURN_DATABASE_URL", settings.database_url)
        yield call


def test_one_prediction_is_the_same_in_every_bit(
    churn: Churn, store: PredictionStore, answers: list[Prediction]
) -> None:
    store.add(answers)

    status, said, _ = churn("--prediction", "p-3")

    assert status == 0
    assert f"prediction p-3: {answers[3].probability!r} by version 1 of churn" in said
    assert "the same in every bit, from its recorded inputs and bundle" in said


def test_all_since_a_moment_are_replayed_and_the_progress_is_no_result(
    churn: Churn, store: PredictionStore, answers: list[Prediction]
) -> None:
    store.add(answers)

    status, said, told = churn("--since", "2026-01-01")

    assert status == 0
    assert "12 of 12 predictions of churn came out as recorded, bit for bit" in said
    assert "version 1: 12 of 12 predictions" in told


def test_an_edited_prediction_is_named_and_ends_with_2(
    churn: Churn, store: PredictionStore, answers: list[Prediction]
) -> None:
    edited = replace(answers[5], inputs={**answers[5].inputs, "MonthlyCharges": 19.5})
    store.add([*answers[:5], edited, *answers[6:]])

    status, said, _ = churn("--since", "2026-01-01")
    of_one, said_of_one, _ = churn("--prediction", "p-5")

    assert (status, of_one) == (2, 2)
    assert "11 of 12 predictions" in said
    assert f"p-5: probability is recorded as {edited.probability!r} and comes out as " in said
    assert f"p-5: probability is recorded as {edited.probability!r} and comes out as " in said_of_one


def test_json_says_it_to_programs(churn: Churn, store: PredictionStore, answers: list[Prediction]) -> None:
    store.add([*answers[1:], replace(answers[0], probability=0.999)])

    status, said, _ = churn("--since", "2026-01-01", "--json")

    found = json.loads(said)
    assert status == 2
    assert (found["model"], found["identical"], found["different"], found["gone"]) == ("churn", 11, 1, 0)
    assert (found["versions"][0]["version"], found["versions"][0]["changed"]) == (1, 1)
    assert found["versions"][0]["first"][0]["prediction_id"] == "p-0"


def test_a_version_that_is_gone_ends_with_3(churn: Churn, store: PredictionStore, answers: list[Prediction]) -> None:
    store.add([replace(each, model_version=9) for each in answers[:2]])

    assert churn("--since", "2026-01-01", "--json")[0] == 3
    status, said, _ = churn("--prediction", "p-1")
    assert status == 3
    assert "can't be replayed: " in said


def test_nothing_on_record_is_said(churn: Churn) -> None:
    assert churn("--since", "2026-01-01")[:2] == (0, "no prediction of churn is on record in this time\n")


@pytest.mark.parametrize(
    ("words", "problem"),
    [((), "say what to replay"), (("--prediction", "p-1", "--since", "2026-01-01"), "say what to replay"),
     (("--prediction", "p-1", "--limit", "3"), "names one prediction"),
     (("--prediction", "nobody"), "no prediction nobody is on record")],
)  # fmt: skip
def test_what_can_t_be_asked_is_refused(churn: Churn, words: tuple[str, ...], problem: str) -> None:
    status, _, told = churn(*words)

    assert status == 1
    assert problem in told
