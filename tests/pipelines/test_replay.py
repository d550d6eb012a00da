"""Predictions of two registered versions, recorded and computed again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree, rmtree

import mlflow
import pytest
from sqlalchemy import Engine, delete, update

from churn.bundle.files import MODEL, digest_of
from churn.contract.contract import Contract
from churn.errors import NotFoundError
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Move, PromotionLog
from churn.stores.registry import ModelRegistry
from churn.stores.tables import predictions
from churn.stores.transactions import writing
from pipelines.replay import PAGE_ROWS, Question, replay, replay_one
from pipelines.settings import PipelineSettings
from tests.bundles import random_columns, small_bundle
from tests.recorded import recorded_alone
from tests.registered import promoted
from tests.tracking import own_tracking

MORNING = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings(telco: Contract, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> PipelineSettings:
    """Version 1 and version 2, another model, in one registry."""
    from pipelines.logged_model import log_bundle

    settings = PipelineSettings(home=tmp_path_factory.mktemp("replay") / "home")
    first = promoted(bundle_folder, telco, settings, settings.home.parent)
    other = settings.home.parent / "other" / "bundle"
    small_bundle(other, telco, seed=1)
    with own_tracking():
        mlflow.set_tracking_uri(settings.tracking_uri)
        with mlflow.start_run(run_id=first.run_id):
            logged = log_bundle(other, telco)
        ModelRegistry(settings.tracking_uri).register(
            "churn", logged, run_id=first.run_id, digest=digest_of(other), tags={}
        )
    return settings


@pytest.fixture(scope="module")
def answers(settings: PipelineSettings, telco: Contract, bundle_folder: Path) -> list[Prediction]:
    """Thirty predictions of each version, those of version 2 as a shadow's."""
    folders = {1: bundle_folder, 2: settings.home.parent / "other" / "bundle"}
    columns = random_columns(telco, 30, seed=3)
    return [
        replace(each, prediction_id=f"v{version}-{number}", role="production" if version == 1 else "shadow")
        for version, folder in folders.items()
        for number, each in enumerate(recorded_alone(load_scorer(folder, name="churn", version=version), columns))
    ]


@pytest.fixture
def engine(settings: PipelineSettings, answers: Sequence[Prediction]) -> Engine:
    engine = open_migrated(settings.database_url)
    with writing(engine) as connection:
        connection.execute(delete(predictions))
    PredictionStore(engine).add(answers)
    return engine


@pytest.mark.usefixtures("engine")
def test_all_that_was_recorded_comes_out_as_it_was(settings: PipelineSettings) -> None:
    found = replay(Question(since=MORNING), settings=settings)

    assert [(each.version, each.asked, each.identical) for each in found.versions] == [(2, 30, 30), (1, 30, 30)]
    assert (found.identical, found.different, found.gone) == (60, 0, 0)


@pytest.mark.usefixtures("engine")
def test_one_version_one_window_or_so_many_are_replayed(settings: PipelineSettings) -> None:
    assert replay(Question(version=1), settings=settings).identical == 30
    assert replay(Question(limit=40), settings=settings).identical == 40
    assert [each.version for each in replay(Question(limit=30), settings=settings).versions] == [2]
    assert replay(Question(until=MORNING), settings=settings).versions == ()
    assert replay(Question(version=7), settings=settings).versions == ()


def test_edited_rows_are_found_counted_by_kind_and_named(
    settings: PipelineSettings, engine: Engine, answers: Sequence[Prediction]
) -> None:
    edit(engine, "v1-3", probability=answers[3].probability + 1e-3)
    edit(engine, "v1-4", probability=answers[4].probability + 5e-8)
    edit(engine, "v1-5", risk_level="NONE")
    edit(engine, "v1-6", inputs='{"tenure":1}')

    found = replay(Question(since=MORNING), settings=settings)

    (seen,) = [each for each in found.versions if each.version == 1]
    assert (seen.changed, seen.last_bits, seen.other_fields, seen.unreadable) == (1, 1, 1, 1)
    assert (seen.identical, found.different) == (26, 4)
    assert seen.largest == pytest.approx(1e-3)
    assert {each.prediction_id for each in seen.first} == {"v1-3", "v1-4", "v1-5", "v1-6"}


@pytest.mark.usefixtures("engine")
def test_one_prediction_is_replayed_by_its_id(settings: PipelineSettings) -> None:
    prediction, found = replay_one("v2-0", settings=settings)

    assert (prediction.model_version, found.identical, found.different) == (2, 1, 0)
    with pytest.raises(NotFoundError, match="no prediction nobody is on record"):
        replay_one("nobody", settings=settings)


def test_predictions_of_a_version_that_is_gone_are_counted_and_said(
    settings: PipelineSettings, engine: Engine, answers: Sequence[Prediction]
) -> None:
    PredictionStore(engine).add([replace(answers[0], prediction_id="old", model_version=9)])

    found = replay(Question(since=MORNING), settings=settings)

    assert (found.identical, found.different, found.gone) == (60, 0, 1)
    assert found.versions[0].gone == "churn has no version 9; `churn status` lists the versions"


def test_a_version_that_is_not_what_was_registered_replays_nothing(settings: PipelineSettings, engine: Engine) -> None:
    log = PromotionLog(engine)
    log.note(Move("churn", "register", None, 2, "somebody", alias=""), reason="r", details={"digest": "0" * 64})

    found = replay(Question(version=2), settings=settings)

    with writing(engine) as connection:
        connection.exec_driver_sql("delete from promotions")
    assert (found.identical, found.gone) == (0, 30)
    assert "in our log" in found.versions[0].gone


@pytest.mark.usefixtures("engine")
def test_a_bundle_that_was_changed_on_disk_is_fetched_anew(settings: PipelineSettings, bundle_folder: Path) -> None:
    cached = settings.bundle_folder / digest_of(bundle_folder)
    rmtree(cached, ignore_errors=True)
    copytree(bundle_folder, cached)
    (cached / MODEL).write_bytes(b"another model")

    assert replay(Question(version=1), settings=settings).identical == 30


def test_thousands_are_read_page_by_page_and_told_of(
    settings: PipelineSettings, engine: Engine, answers: Sequence[Prediction]
) -> None:
    many = [replace(answers[number % 30], prediction_id=f"m-{number}") for number in range(PAGE_ROWS + 500)]
    PredictionStore(engine).add(many)
    said: list[str] = []

    found = replay(Question(version=1, limit=PAGE_ROWS + 100), settings=settings, say=said.append)

    assert found.identical == PAGE_ROWS + 100
    assert said == ["version 1: 2,000 of 2,100 predictions", "version 1: 2,100 of 2,100 predictions"]


def edit(engine: Engine, prediction_id: str, **values: object) -> None:
    with writing(engine) as connection:
        connection.execute(update(predictions).where(predictions.c.prediction_id == prediction_id).values(**values))
