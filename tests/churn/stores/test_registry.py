import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from churn.errors import BundleError, NotFoundError, StoreError
from churn.scoring.loading import load_scorer
from churn.stores.registry import LONGEST_DESCRIPTION, PRODUCTION, ModelRegistry, cut


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    """A file; mlflow's own code looks up logged models where the environment says, as `open_tracking` makes it say."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}")


@pytest.fixture
def model_uri(registry: ModelRegistry, tmp_path: Path) -> str:
    """A logged model without a bundle: versions need one to point at."""
    client = registry._client
    experiment = client.create_experiment("churn", artifact_location=(tmp_path / "artifacts").as_uri())
    model = client.create_logged_model(experiment, name="model")
    folder = Path(model.artifact_location.removeprefix("file://"))
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text(f"flavors: {{}}\nmodel_id: {model.model_id}\n")
    client.finalize_logged_model(model.model_id, "READY")
    return f"models:/{model.model_id}"


@pytest.fixture
def answering() -> Iterator[str]:
    """A web server that is no MLflow: it answers 404 to everything."""

    class NotMlflow(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404)
            self.end_headers()
            self.wfile.write(b"<html>Not Found</html>")

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), NotMlflow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_empty_registry_has_no_production_and_no_versions(registry: ModelRegistry) -> None:
    assert registry.production("churn") is None
    assert registry.versions("churn") == []
    with pytest.raises(NotFoundError, match="churn has no version 1; `churn status` lists"):
        registry.version("churn", 1)


def test_a_model_without_the_alias_has_no_production(registry: ModelRegistry, model_uri: str) -> None:
    registry.register("churn", model_uri, run_id="", digest="d", tags={})

    assert registry.production("churn") is None


def test_versions_are_newest_first_with_digest_and_tags(registry: ModelRegistry, model_uri: str) -> None:
    for digest in ("first", "second"):
        registry.register("churn", model_uri, run_id="", digest=digest, tags={"candidate": digest})

    assert [(one.version, one.digest, one.tags["candidate"]) for one in registry.versions("churn")] == [
        (2, "second", "second"),
        (1, "first", "first"),
    ]


def test_the_alias_moves_and_is_read_back(registry: ModelRegistry, model_uri: str) -> None:
    versions = [registry.register("churn", model_uri, run_id="", digest="d", tags={}) for _ in range(2)]

    for version in versions:
        registry.move_production(version)
        found = registry.production("churn")
        assert found is not None
        assert found.version == version.version


def test_a_server_that_is_no_mlflow_is_not_an_empty_registry(answering: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a wrong address would promote without asking production."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    with pytest.raises(StoreError, match=answering):
        ModelRegistry(answering).production("churn")


def test_a_server_that_is_away_is_a_store_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = ModelRegistry("http://127.0.0.1:9")

    for ask in (registry.production, registry.versions):
        with pytest.raises(StoreError, match=r"127\.0\.0\.1:9"):
            ask("churn")


@pytest.mark.parametrize("address", ["nonsense://x", "sqlite:////proc/nowhere/mlflow.db"])
def test_an_address_that_can_t_be_used_is_a_store_error(address: str) -> None:
    with pytest.raises(StoreError, match="registry"):
        ModelRegistry(address).versions("churn")


LOG = """
import sys
from pathlib import Path
import mlflow
from churn.contract.reading import load_contract
from pipelines.logged_model import log_bundle
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("churn")
with mlflow.start_run() as run:
    print(log_bundle(Path(sys.argv[2]), load_contract(Path(sys.argv[2]) / "contract.yaml")), run.info.run_id)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real tracking server, artifacts through it, that answers only to its own host name."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = ["--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"]
    artifacts = ["--serve-artifacts", "--artifacts-destination", str(tmp_path / "artifacts"), "--workers", "1"]
    hosts = ["--allowed-hosts", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words, *artifacts, *hosts],
        cwd=tmp_path,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2)  # noqa: S310
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"{address} did not answer within two minutes")


@pytest.mark.slow
def test_a_bundle_goes_through_a_real_server_and_comes_back_as_it_was(
    server: str, bundle_folder: Path, tmp_path: Path
) -> None:
    digest = load_scorer(bundle_folder, name="churn", version=1).digest
    logged = copytree(bundle_folder, tmp_path / "log" / "bundle")  # mlflow keeps the folder's name
    root = Path(__file__).parent.parent.parent.parent
    said = subprocess.run(
        [sys.executable, "-c", LOG, server, str(logged)],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},  # noqa: TID251
    )
    uri, run_id = _last_pair(said.stdout)
    registry = ModelRegistry(server)

    made = registry.register("churn", uri, run_id=run_id, digest=digest, tags={"candidate": "logistic"})
    registry.describe(made, "# A card")
    registry.move_production(made)
    registry.mirror_stage(made)
    found = registry.production("churn")

    assert found is not None
    assert (found.version, found.digest, found.run_id) == (1, digest, run_id)
    folder = registry.fetch_bundle(found, tmp_path / "here" / digest)
    scorer = load_scorer(folder, name="churn", version=1, digest=digest)
    assert scorer.digest == digest
    assert registry.fetch_logged(uri, tmp_path / "logged", digest).is_dir()
    with pytest.raises(BundleError, match="was registered"):
        registry.fetch_logged(uri, tmp_path / "other", "0" * 64)
    assert not (tmp_path / "other").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".fetching")]
    (folder / "model.onnx").write_bytes(b"broken")
    load_scorer(registry.fetch_bundle(found, folder), name="churn", version=1, digest=digest)
    assert _status_with_host(server, "evil.example") == 403


def _last_pair(text: str) -> tuple[str, str]:
    uri, run_id = next(line.split() for line in reversed(text.splitlines()) if line.startswith("models:/"))
    return uri, run_id


def _status_with_host(server: str, host: str) -> int:
    request = urllib.request.Request(  # noqa: S310
        f"{server}/api/2.0/mlflow/experiments/search",
        data=json.dumps({"max_results": 1}).encode(),
        headers={"Host": host, "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_alias_is_the_word_of_the_house() -> None:
    assert PRODUCTION == "production"


@pytest.mark.parametrize("text", ["short", "x" * LONGEST_DESCRIPTION])
def test_a_description_that_mlflow_keeps_is_left_as_it_is(text: str) -> None:
    assert cut(text) == text


@pytest.mark.parametrize("line", ["a line of the card\n", "a line without an end"])
def test_a_long_description_ends_with_the_word_that_there_is_more(line: str) -> None:
    found = cut(line * 1000)

    assert len(found) <= LONGEST_DESCRIPTION
    head, _, end = found.partition("\n\n*(cut here")
    assert (line * 1000).startswith(head)
    assert "model_card.md" in end


def test_a_long_card_is_kept_as_far_as_a_server_s_column_goes(registry: ModelRegistry, model_uri: str) -> None:
    bundle = registry.register("churn", model_uri, run_id="0" * 32, digest="d" * 64, tags={})

    registry.describe(bundle, "a line of the card\n" * 1000)

    described = registry._client.get_model_version("churn", str(bundle.version)).description
    assert described is not None
    assert LONGEST_DESCRIPTION - 200 < len(described) <= LONGEST_DESCRIPTION


def test_the_stage_follows_and_the_version_before_is_archived(registry: ModelRegistry, model_uri: str) -> None:
    first, second = (
        registry.register("churn", model_uri, run_id="0" * 32, digest=digit * 64, tags={}) for digit in "ab"
    )

    registry.mirror_stage(first)
    registry.mirror_stage(second)

    assert registry.staged("churn") == [second.version]
    assert registry._client.get_model_version("churn", str(first.version)).current_stage == "Archived"
