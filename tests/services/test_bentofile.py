"""The Bento as others get it: built, and served from its own folder by an environment of its requirements alone."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.settings import Settings, environment_for_children
from tests.faults.doors import Home, wait_until
from tests.registered import promoted
from tests.services.conftest import CUSTOMER

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
UV = str(Path(sys.executable).with_name("uv"))
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Shelf:
    """A Bento store of the test's own, and an environment that knows nothing of this repository."""

    folder: Path

    @property
    def bento(self) -> Path:
        return self.folder / "bentos" / "churn" / "tested"

    @property
    def programs(self) -> Path:
        return self.folder / "environment" / "bin"

    def environment(self, **more: str) -> dict[str, str]:
        own = {"BENTOML_HOME": str(self.folder), "UV_PROJECT_ENVIRONMENT": str(self.programs.parent)}
        return environment_for_children(PATH=f"{self.programs}:/usr/bin:/bin", **own, **more)

    def run(self, *words: str, cwd: Path = ROOT) -> str:
        answer = subprocess.run(
            words, cwd=cwd, env=self.environment(), capture_output=True, text=True, timeout=300, check=False
        )
        assert answer.returncode == 0, f"{words}: {answer.stdout[-2000:]}{answer.stderr[-2000:]}"
        return answer.stdout


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    made = Shelf(tmp_path_factory.mktemp("shelf"))
    made.run(UV, "sync", "--quiet", "--frozen", "--no-default-groups", "--no-install-project")
    made.run(sys.executable, "-m", "bentoml", "build", "--version", "tested")
    return made


def test_a_bento_holds_the_service_and_nothing_that_trains(shelf: Shelf) -> None:
    assert {path.name for path in (shelf.bento / "src").iterdir()} == {
        "README.md",
        "bentofile.yaml",
        "churn",
        "contracts",
        "services",
    }
    assert [path.relative_to(shelf.bento) for path in shelf.bento.rglob("README.md")] == [
        Path("README.md"),
        Path("src/README.md"),
    ]
    assert _pins(shelf.bento / "env" / "python" / "requirements.txt") == _pins(ROOT / "services" / "requirements.txt")


def _pins(requirements: Path) -> set[str]:
    return {line.partition(";")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()}


def test_a_bento_s_environment_has_nothing_that_trains_or_that_is_ours(shelf: Shelf) -> None:
    names = ("churn", "services", "sklearn", "pandas", "catboost", "onnx")
    look = f"from importlib.util import find_spec; print([name for name in {names} if find_spec(name)])"

    assert shelf.run("python", "-c", look, cwd=shelf.folder).strip() == "[]"


@pytest.fixture
def home(telco: Contract, bundle_folder: Path, tmp_path: Path) -> Home:
    """A version in production that nothing has served yet."""
    promoted(bundle_folder, telco, Settings(home=tmp_path / "home"), tmp_path)
    return Home(tmp_path / "home", {})


@pytest.fixture
def served(shelf: Shelf, home: Home, tmp_path: Path) -> Iterator[str]:
    """`bentoml serve` of the tag, from a folder without code."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(shelf.programs / "bentoml"), "serve", "churn:tested", "--host", "127.0.0.1", "--port", str(port)],
        cwd=tmp_path,
        env=shelf.environment(CHURN_HOME=str(home.folder)),
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _is_ready(address, process), "the Bento is ready", seconds=READY_SECONDS)
        yield address
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def _is_ready(address: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, f"bentoml ended with {process.returncode}"
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_bento_fetches_production_gives_the_scorer_s_probability_and_stores_it(
    served: str, home: Home, bundle_folder: Path
) -> None:
    scorer = load_scorer(bundle_folder, name="churn", version=1)
    customer = json.dumps(CUSTOMER).encode()

    status, answer = _post(f"{served}/predict", customer)
    refused, problem = _post(f"{served}/predict", b"{}")

    assert status == 200
    assert (answer["model_version"], answer["served_by"], answer["recorded"]) == ("1", "bento", True)
    assert answer["churn_probability"] == pytest.approx(scorer.score_row(scorer.form.read(customer).row), abs=1e-6)
    assert (refused, problem["status"]) == (422, 422)
    wait_until(lambda: home.stored_ids() == [answer["prediction_id"]], "the prediction is in the SQL store")


def _post(address: str, body: bytes) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
