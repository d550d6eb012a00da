"""MLflow tracking for the stages: one experiment per model, one run per training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import mlflow
from mlflow import ActiveRun
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from churn.errors import NotFoundError, StoreError
from pipelines.settings import PipelineSettings

STAGE_TAG = "stage"
TRAINING = "train"

Say = Callable[[str], None]
"""How a stage tells of its progress; the command line prints it."""


def silent(text: str) -> None:
    """Say nothing."""
    del text


def open_tracking(settings: PipelineSettings) -> None:
    """Point mlflow at the tracking server and at the model's experiment, which is made when absent.

    Raises:
        StoreError: the server does not answer.
    """
    try:
        mlflow.set_tracking_uri(settings.tracking_uri)
        mlflow.set_registry_uri(settings.tracking_uri)
        if settings.given_run_id:
            return
        if mlflow.get_experiment_by_name(settings.model) is None:
            mlflow.create_experiment(settings.model, artifact_location=_artifact_location(settings))
        mlflow.set_experiment(settings.model)
    except (MlflowException, OSError) as error:
        text = str(error).splitlines()[0][:300]
        raise StoreError(f"MLflow at {settings.tracking_uri} can't be used: {text}") from error


def _artifact_location(settings: PipelineSettings) -> str | None:
    """A tracking server has its own place for artifacts; a local file has the folder beside it."""
    return settings.artifact_folder.as_uri() if settings.tracking_uri.startswith("sqlite") else None


@contextmanager
def training_run(settings: PipelineSettings, name: str) -> Iterator[ActiveRun]:
    """Open the run of a training, or enter the one that `mlflow run` opened."""
    with mlflow.start_run(run_id=settings.given_run_id, run_name=None if settings.given_run_id else name) as run:
        mlflow.set_tag(STAGE_TAG, TRAINING)
        yield run


def find_training(settings: PipelineSettings, run_id: str | None) -> Run:
    """Return a training run: the named one, else the newest that finished.

    Raises:
        NotFoundError: there is none.
    """
    client = mlflow.MlflowClient()
    if run_id:
        try:
            return client.get_run(run_id)
        except MlflowException as error:
            raise NotFoundError(f"there is no run {run_id} in {settings.tracking_uri}") from error
    experiments = [one.experiment_id for one in client.search_experiments()]
    query = f"tags.{STAGE_TAG} = '{TRAINING}' and tags.model = '{settings.model}' and attributes.status = 'FINISHED'"
    found = client.search_runs(experiments, query, max_results=1, order_by=["attributes.start_time DESC"])
    if not found:
        raise NotFoundError(
            f"{settings.tracking_uri} holds no finished training of {settings.model}: run `churn train`"
        )
    return found[0]
