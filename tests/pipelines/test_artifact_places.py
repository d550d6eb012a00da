"""Where a local MLflow database keeps artifacts; buckets themselves are in tests/deploy/test_object_storage.py."""

from pathlib import Path

import mlflow
import pytest
from pydantic import ValidationError

from churn.errors import UsageError
from churn.settings import Settings
from pipelines.tracking import open_tracking
from tests.pipelines.conftest import settings_of


def test_artifacts_are_in_a_folder_of_the_home_or_in_the_bucket_that_is_named(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).artifact_url == (tmp_path / "artifacts").as_uri()
    assert Settings(home=tmp_path, artifacts="s3://models/holdfast/").artifact_url == "s3://models/holdfast"


@pytest.mark.parametrize("place", ["/srv/artifacts", "gs://models", "s3://", "s3://Models", "s3://models/a b"])
def test_what_is_no_bucket_is_refused(place: str) -> None:
    with pytest.raises(ValidationError, match="artifacts"):
        Settings(artifacts=place)


def test_an_experiment_keeps_its_artifacts_in_the_bucket_from_its_beginning_or_never(tmp_path: Path) -> None:
    bucket = "s3://models/holdfast"
    open_tracking(settings_of(tmp_path, artifacts=bucket))
    open_tracking(settings_of(tmp_path, artifacts=bucket))
    assert mlflow.get_experiment_by_name("churn").artifact_location == bucket

    open_tracking(settings_of(tmp_path, model="older"))
    with pytest.raises(UsageError, match=r"s3://models.*for good.*CHURN_HOME"):
        open_tracking(settings_of(tmp_path, model="older", artifacts=bucket))


def test_a_server_has_a_place_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:9.*--artifacts-destination"):
        open_tracking(settings_of(tmp_path, artifacts="s3://models", tracking="http://127.0.0.1:9"))


def test_processes_that_begin_at_once_share_the_experiment_that_one_of_them_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, look = settings_of(tmp_path), mlflow.get_experiment_by_name
    open_tracking(settings)
    made = look(settings.model)
    assert made is not None

    monkeypatch.setattr(mlflow, "get_experiment_by_name", lambda _: None)  # as it was when both looked
    open_tracking(settings)

    assert mlflow.set_experiment(settings.model).experiment_id == made.experiment_id
