"""MLflow tracking for the stages: one experiment per model, one run per training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import mlflow
from mlflow import ActiveRun
from mlflow.entities import Experiment, Run
from mlflow.exceptions import MlflowException

from churn.errors import NotFoundError, StoreError, UsageError
from churn.stores.object_store import in_words, object_store_errors
from pipelines.settings import PipelineSettings

STAGE_TAG = "stage"
TRAINING = "train"
TRAINING_TAGS = (STAGE_TAG, "model", "model_uri", "bundle_digest", "candidate", "dataset_digest")
"""What a training run carries when it is complete."""

Say = Callable[[str], None]
"""How a stage tells of its progress; the command line prints it."""


def silent(text: str) -> None:
    """Say nothing."""
    del text


def open_tracking(settings: PipelineSettings) -> None:
    """Point mlflow at the tracking server and at the model's experiment, which is made when absent.

    Raises:
        StoreError: the server does not answer.
        UsageError: `CHURN_ARTIFACTS` is set, and the server or the experiment keeps artifacts elsewhere.
    """
    _require_no_server(settings)
    with _translated(settings):
        mlflow.set_tracking_uri(settings.tracking_uri)
        mlflow.set_registry_uri(settings.tracking_uri)
        if settings.given_run_id:
            return
        found = mlflow.get_experiment_by_name(settings.model)
        if found is None:
            _create_experiment(settings)
        elif settings.artifacts:
            _require_location(settings, found)
        mlflow.set_experiment(settings.model)


def _create_experiment(settings: PipelineSettings) -> None:
    try:
        mlflow.create_experiment(settings.model, artifact_location=_artifact_location(settings))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":  # somebody who began at the same moment was quicker
            raise


def _require_no_server(settings: PipelineSettings) -> None:
    if settings.artifacts and settings.tracking_uri.startswith("http"):
        raise UsageError(
            f"CHURN_ARTIFACTS is for a local MLflow database: the server {settings.tracking_uri} keeps artifacts where "
            "its --artifacts-destination says; unset it"
        )


def _require_location(settings: PipelineSettings, found: Experiment) -> None:
    if found.artifact_location.rstrip("/") != settings.artifact_url:
        raise UsageError(
            f"CHURN_ARTIFACTS is {settings.artifact_url}, and the experiment {found.name} keeps its artifacts in "
            f"{found.artifact_location}, for good: unset it, or begin anew with another CHURN_MODEL or CHURN_HOME"
        )


@contextmanager
def _translated(settings: PipelineSettings) -> Iterator[None]:
    """Turn mlflow's errors into ours, with the address."""
    try:
        yield
    except (MlflowException, OSError) as error:
        text = str(error).splitlines()[0][:300]
        raise StoreError(f"MLflow at {settings.tracking_uri} can't be used: {text}") from error


def _artifact_location(settings: PipelineSettings) -> str | None:
    """A tracking server has its own place for artifacts; a local file has a bucket, or the folder beside it."""
    return settings.artifact_url if settings.artifacts or settings.tracking_uri.startswith("sqlite") else None


@contextmanager
def training_run(settings: PipelineSettings, name: str) -> Iterator[ActiveRun]:
    """Open the run of a training, or enter the one that `mlflow run` opened.

    Raises:
        StoreError: the object store does not take artifacts.
    """
    # Without an id mlflow takes MLFLOW_RUN_ID and forgets it; with one, each nested run would take it once more.
    with _kept(settings), mlflow.start_run(run_name=None if settings.given_run_id else name) as run:
        mlflow.set_tag(STAGE_TAG, TRAINING)
        yield run


@contextmanager
def _kept(settings: PipelineSettings) -> Iterator[None]:
    """Turn the object store's errors into ours."""
    try:
        yield
    except object_store_errors() as error:
        raise StoreError(f"MLflow at {settings.tracking_uri} can't keep artifacts: {in_words(error)}") from error


def find_training(settings: PipelineSettings, run_id: str | None) -> Run:
    """Return a training run: the named one, else the newest that finished.

    Raises:
        NotFoundError: there is none.
        UsageError: the named run is not a training, or did not finish.
        StoreError: MLflow does not answer.
    """
    with _translated(settings):
        return _named(settings, run_id) if run_id else _newest(settings)


def _named(settings: PipelineSettings, run_id: str) -> Run:
    try:
        run = mlflow.MlflowClient().get_run(run_id)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise NotFoundError(f"there is no run {run_id} in {settings.tracking_uri}") from error
        raise
    if missing := [tag for tag in TRAINING_TAGS if tag not in run.data.tags]:
        raise UsageError(
            f"run {run_id} is not a training that finished (it has no {missing[0]}): `churn train` prints the id of one"
        )
    return run


def _newest(settings: PipelineSettings) -> Run:
    client = mlflow.MlflowClient()
    experiments = [one.experiment_id for one in client.search_experiments()]
    query = f"tags.{STAGE_TAG} = '{TRAINING}' and tags.model = '{settings.model}' and attributes.status = 'FINISHED'"
    found = client.search_runs(experiments, query, max_results=1, order_by=["attributes.start_time DESC"])
    if not found:
        raise NotFoundError(
            f"{settings.tracking_uri} holds no finished training of {settings.model}: run `churn train`"
        )
    return found[0]
