"""Artifacts in a bucket of a real S3-compatible server: behind MLflow's server, and without one."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.reading import load_contract
from churn.data.sampler_file import write_sample
from churn.errors import BundleError, NotFoundError, StoreError
from churn.evaluation.gate import Gate
from churn.settings import environment_for_children, set_library_defaults
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.evaluate import evaluate
from pipelines.holdout import read_holdout
from pipelines.ingest import ingest
from pipelines.moves import Order
from pipelines.parameters import read_parameters
from pipelines.promote import promote
from pipelines.register import register
from pipelines.replay import Question, replay
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking, silent, training_run
from pipelines.train import train
from pipelines.training import TrainParameters
from tests.faults.doors import Home, OpenDoor, wait_until
from tests.object_store import SECRET, ObjectStore, require_object_store
from tests.postgres import free_port
from tests.registered import promoted
from tests.tracking import own_tracking

pytestmark = pytest.mark.slow

BUCKET = "artifacts"
PART_BYTES = 8 << 20
"""boto3 sends what is larger in parts of this size."""


@pytest.fixture(autouse=True)
def tracking() -> Iterator[None]:
    with own_tracking():
        set_library_defaults()
        yield


@pytest.fixture(scope="module")
def opened_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    require_object_store()
    opened = ObjectStore(tmp_path_factory.mktemp("store")).start()
    opened.make_bucket(BUCKET)
    yield opened
    opened.stop()


@pytest.fixture
def store(opened_store: ObjectStore) -> Iterator[ObjectStore]:
    """A test may take it away."""
    yield opened_store
    opened_store.start()


@pytest.fixture(scope="module")
def server(opened_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's server, which alone knows where the bucket is and what opens it."""
    port, folder = free_port(), tmp_path_factory.mktemp("server")
    words = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    places = ["--backend-store-uri", f"sqlite:///{folder / 'server.db'}", "--artifacts-destination"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words, *places, f"s3://{BUCKET}/holdfast"],
        cwd=folder,
        env=environment_for_children(
            **opened_store.environment, AWS_DEFAULTS_MODE="standard", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"
        ),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _has_answered(address), "MLflow answers", seconds=120)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _has_answered(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def client_environment(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Tell this process where the bucket is, some of it wrongly."""
    import boto3
    from mlflow.store.artifact.s3_artifact_repo import _cached_get_s3_client

    def tell(**wrong: str) -> None:
        for name, value in {**store.environment, **wrong}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # a process keeps the credentials that it read first
        _cached_get_s3_client.cache_clear()

    tell()
    return tell


@dataclass
class Laptop:
    """No server: MLflow's database is a file, its artifacts are in the bucket, and a version is in production."""

    settings: PipelineSettings
    made: RegisteredBundle
    folder: Path
    tell: Callable[..., None]

    def fetch(self) -> Path:
        return ModelRegistry(self.settings.tracking_uri).fetch_bundle(self.made, self.folder)


@pytest.fixture
def settings(tmp_path: Path) -> PipelineSettings:
    return PipelineSettings(home=tmp_path / "home", artifacts=f"s3://{BUCKET}/laptop", actor="a test")


@pytest.fixture
def laptop(
    settings: PipelineSettings, client_environment: Callable[..., None], bundle_folder: Path, tmp_path: Path
) -> Laptop:
    contract = load_contract(bundle_folder / "contract.yaml")
    made = promoted(bundle_folder, contract, settings, tmp_path)
    return Laptop(settings, made, tmp_path / "fetched", client_environment)


def test_behind_a_server_a_version_goes_through_the_bucket_to_the_doors_and_back_to_replay(
    store: ObjectStore, server: str, telco: Contract, tmp_path: Path
) -> None:
    settings = PipelineSettings.model_validate({"home": tmp_path / "home", "tracking": server, "actor": "a test"})
    run_id = _train(telco, settings)
    registry = ModelRegistry(server)

    store.stop()
    began = time.monotonic()
    with pytest.raises(StoreError, match=server):
        register(run_id, settings=settings)
    assert time.monotonic() - began < 60
    assert registry.versions("churn") == []

    store.start()
    made = register(run_id, settings=settings)
    moved = promote(made.version, Order("a test", "it is the first"), read_parameters("gate", Gate), settings=settings)
    assert moved.has_moved
    assert [key for key in store.keys(BUCKET) if key.endswith("bundle/model.onnx")]

    since = datetime.now(UTC)
    _serve(Home(tmp_path / "home", {"CHURN_TRACKING_URI": server}), telco, store)
    store.start()
    elsewhere = settings.model_copy(update={"home": tmp_path / "elsewhere", "database": settings.database_url})
    told = replay(Question(since=since), settings=elsewhere)
    assert (told.identical, told.different, told.gone) == (21, 0, 0)


def _serve(home: Home, contract: Contract, store: ObjectStore) -> None:
    """Serve from the bucket, then, started anew, without it."""
    door = OpenDoor("fastapi", home)
    try:
        door.ready()
        assert [door.predict(contract.example)[0] for _ in range(20)] == [200] * 20
        store.stop()
        door.stop()
        door.open()
        status, found = door.ready().predict(contract.example)
        assert (status, found["model_version"]) == (200, "1")
        wait_until(lambda: len(home.stored_ids()) == 21, "all predictions are stored", seconds=60)
    finally:
        door.kill()


def _train(contract: Contract, settings: PipelineSettings) -> str:
    """Train and evaluate; nothing in this process's environment opens the bucket."""
    table = settings.home.parent / "customers.csv"
    write_sample(table, 900, seed=11)
    ingested = ingest(table, contract, settings)
    open_tracking(settings)
    parameters = read_parameters("train", TrainParameters, trials=1, candidates=("logistic",))
    run_id = train(ingested, contract, parameters, settings=settings, say=silent).run_id
    evaluate(run_id, settings=settings)
    return run_id


def test_without_a_server_a_version_is_kept_in_the_bucket_and_a_changed_object_is_refused(
    store: ObjectStore, laptop: Laptop
) -> None:
    rmtree(laptop.fetch())

    (model,) = [key for key in store.keys(BUCKET) if key.startswith("laptop/") and key.endswith("bundle/model.onnx")]
    content = store.client().get_object(Bucket=BUCKET, Key=model)["Body"].read()
    store.client().put_object(Bucket=BUCKET, Key=model, Body=content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(BundleError, match=r"model\.onnx"):
        laptop.fetch()
    assert not laptop.folder.exists()


def test_a_bucket_that_does_not_open_is_told_with_what_to_check(store: ObjectStore, laptop: Laptop) -> None:
    laptop.tell(AWS_SECRET_ACCESS_KEY="not the secret")
    with pytest.raises(StoreError, match=r"signature.*AWS_SECRET_ACCESS_KEY") as refused:
        laptop.fetch()
    assert SECRET not in str(refused.value)

    laptop.tell()
    run = ModelRegistry(laptop.settings.tracking_uri)._client.get_run(laptop.made.run_id)
    with own_tracking():
        open_tracking(laptop.settings)
        with pytest.raises(NotFoundError, match="train again"):
            read_holdout(run)
        store.stop()
        with pytest.raises(StoreError, match=r"did not answer.*MLFLOW_S3"):
            read_holdout(run)
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"connect.*MLFLOW_S3_ENDPOINT_URL"):
        laptop.fetch()
    assert time.monotonic() - began < 60
    assert not laptop.folder.exists()


@pytest.mark.usefixtures("client_environment")
def test_a_training_into_a_bucket_that_is_not_there_ends_at_once(settings: PipelineSettings) -> None:
    import mlflow

    astray = settings.model_copy(update={"artifacts": "s3://no-such-bucket/laptop"})
    settings.home.mkdir()
    open_tracking(astray)

    refused = pytest.raises(StoreError, match=r"NoSuchBucket.*AWS_ACCESS_KEY_ID")
    with refused, training_run(astray, "train"):
        mlflow.log_text("what a training writes first", "contract.yaml")


@pytest.mark.parametrize("is_served", [False, True], ids=["without a server", "through the server"])
def test_what_is_sent_in_parts_comes_back_as_it_was(
    is_served: bool, store: ObjectStore, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    import mlflow

    if is_served:
        mlflow.set_tracking_uri(request.getfixturevalue("server"))
    else:
        request.getfixturevalue("client_environment")
        mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    place = None if is_served else f"s3://{BUCKET}/parts"
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("parts", artifact_location=place))
    large = tmp_path / "large.bin"
    large.write_bytes(np.random.default_rng(7).bytes(2 * PART_BYTES + 4321))

    with mlflow.start_run() as run:
        mlflow.log_artifact(str(large))
    found = mlflow.artifacts.download_artifacts(
        run_id=run.info.run_id, artifact_path="large.bin", dst_path=tmp_path / "back"
    )

    assert sha256(Path(found).read_bytes()).digest() == sha256(large.read_bytes()).digest()
    (key,) = [one for one in store.keys(BUCKET) if run.info.run_id in one]
    assert store.client().head_object(Bucket=BUCKET, Key=key)["ETag"].strip('"').endswith("-3")
