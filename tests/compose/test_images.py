"""The images as the engine has them: who runs in them, what is in them and what is not, how a door opens and closes."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploy.host.images import IMAGES

pytestmark = pytest.mark.slow

RESTRICTIONS = "--read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --network none"
HARDENED = RESTRICTIONS.split()
"""As docker-compose.yml runs them; the user is the image's own."""

DOORS = ("holdfast/serving", "holdfast/bento")
SERVERS = {
    **dict.fromkeys(DOORS, ()),
    "holdfast/mlflow": ("-e", "MLFLOW_BACKEND_STORE_URI=sqlite:////tmp/mlflow.db"),
}
"""What answers, and what it has to be told."""
BASE = "python:3.11-slim"
MEGABYTE = 10**6
SERVING_MEGABYTES = 700
READY_SECONDS = 300.0

TRAINING = (
    "sklearn",
    "pandas",
    "scipy",
    "catboost",
    "lightgbm",
    "xgboost",
    "optuna",
    "onnx",
    "evidently",
    "mlflow.sklearn",
)
IN_PIPELINES = (
    "catboost",
    "lightgbm",
    "xgboost",
    "optuna",
    "sklearn",
    "evidently",
    "matplotlib.pyplot",
    "mlflow.sklearn",
)
"""What a training and a report import: compiled parts need libraries of the system."""

ARROW = ("pyarrow.parquet", "pyarrow.csv", "pyarrow.compute", "pyarrow.dataset", "pyarrow.fs")
"""What is left of it has to find all that it is linked with."""


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest, images: str) -> str:
    return f"{request.param}:{images}"


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


def inside(image: str, program: str, *words: str) -> str:
    """Run a program of the image and return what it says."""
    return docker("run", "--rm", *HARDENED, "--entrypoint", program, image, *words)


def facts(image: str) -> dict[str, Any]:
    (found,) = json.loads(docker("image", "inspect", image))
    return dict(found)


def test_an_image_says_what_it_is_and_runs_as_nobody_in_particular(image: str) -> None:
    configuration = facts(image)["Config"]
    labels = {name.rpartition(".")[2]: value for name, value in configuration["Labels"].items()}

    assert configuration["User"] == "10001:10001"
    assert inside(image, "id", "-u") == "10001"
    assert {"title", "version", "revision", "created", "source", "licenses"} <= labels.keys()
    assert (labels["version"], labels["licenses"]) == ("0.1.0", "Apache-2.0")
    assert len(labels["revision"].partition("-")[0]) == 40
    assert isinstance(configuration["Entrypoint"], list)


def test_nothing_secret_is_in_an_image_s_history_or_environment(image: str) -> None:
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    told = "\n".join([history, *facts(image)["Config"]["Env"]]).upper()

    assert [word for word in ("PASSWORD", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE") if word in told] == []


def test_an_image_has_no_setuid_file_that_its_base_has_not(image: str) -> None:
    assert _setuid_files(image) <= _setuid_files(BASE)


def _setuid_files(image: str) -> set[str]:
    as_root = ("run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "find")
    return set(docker(*as_root, image, "/", "-xdev", "-type", "f", "-perm", "/6000").split())


def test_nothing_in_an_image_installs_or_compiles_packages(image: str) -> None:
    look = "import shutil; print([name for name in ('pip', 'pip3', 'uv', 'gcc', 'cc', 'g++') if shutil.which(name)])"
    find = (
        "from importlib.util import find_spec; print([name for name in ('pip', 'uv', 'setuptools') if find_spec(name)])"
    )

    assert inside(image, "python", "-c", look) == "[]"
    assert inside(image, "python", "-c", find) == "[]"
    assert inside(image, "/usr/bin/env", "python3", "-c", find) == "[]"


def test_its_user_can_change_nothing_but_its_home(image: str) -> None:
    own = ("/proc", "/dev", "/tmp", "/sys", "/var/lib/holdfast", "/var/lib/mlflow")  # noqa: S108
    look = ("find", "/", *_without(own), "(", "-type", "f", "-o", "-type", "d", ")", "-writable", "-print")
    program = f"import subprocess; print(subprocess.run({look}, capture_output=True, text=True, check=False).stdout)"
    found = docker("run", "--rm", "--network", "none", "--entrypoint", "python", image, "-c", program).split()

    assert set(found) <= {"/var/tmp", "/run/lock"}  # noqa: S108


def _without(folders: tuple[str, ...]) -> Iterator[str]:
    for folder in folders:
        yield from ("-path", folder, "-prune", "-o")


@pytest.mark.parametrize("name", DOORS)
def test_a_door_can_read_no_training_library_and_all_that_is_left_of_arrow(name: str, images: str) -> None:
    programs = f"""
import importlib, json
def lacks(name):
    try:
        importlib.import_module(name)
    except ImportError:
        return True
    return False
print(json.dumps([[name for name in names if lacks(name)] for names in ({TRAINING}, {ARROW})]))
"""
    missing_training, missing_arrow = json.loads(inside(f"{name}:{images}", "python", "-c", programs))

    assert missing_training == list(TRAINING)
    assert missing_arrow == []


@pytest.mark.parametrize("name", DOORS)
def test_a_door_s_image_is_small(name: str, images: str) -> None:
    whole, base = facts(f"{name}:{images}")["Size"], facts(BASE)["Size"]

    assert whole / MEGABYTE <= SERVING_MEGABYTES, f"{(whole - base) / MEGABYTE:.0f} MB of it are above the base"


def test_the_pipelines_find_every_library_that_trains_and_watches(images: str) -> None:
    load = f"import importlib\nfor name in {(*IN_PIPELINES, *ARROW)}: importlib.import_module(name)"

    inside(f"holdfast/pipelines:{images}", "python", "-W", "error::ImportWarning", "-c", load)
    assert inside(f"holdfast/pipelines:{images}", "churn", "contract", "check", "contracts/telco.yaml")


def test_a_bento_s_image_runs_the_bento_s_own_files(images: str) -> None:
    where = "import churn, services; from importlib.util import find_spec as find; "
    where += "print(churn.__file__, services.__file__, find('cli'))"
    found = inside(f"holdfast/bento:{images}", "python", "-c", where)

    assert found == "/srv/bento/src/churn/__init__.py /srv/bento/src/services/__init__.py None"


@pytest.fixture
def running() -> Iterator[Callable[..., str]]:
    """Start containers; they are removed in the end, with their volumes."""
    made: list[str] = []

    def start(image: str, *options: str) -> str:
        made.append(docker("run", "-d", "--init", *HARDENED, *options, image))
        return made[-1]

    yield start
    for container in made:
        subprocess.run(["docker", "rm", "--force", "--volumes", container], capture_output=True, check=False)


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_becomes_healthy_on_a_read_only_disk_and_ends_in_order(
    name: str, images: str, running: Callable[..., str]
) -> None:
    container = running(f"{name}:{images}", *SERVERS[name])

    deadline = time.monotonic() + READY_SECONDS
    while (state := _state(container))["Health"]["Status"] != "healthy":
        assert state["Running"], docker("logs", container)[-4000:]
        assert time.monotonic() < deadline, state["Health"]["Log"][-1:]
        time.sleep(1)
    docker("stop", "--time", "60", container)

    assert _state(container)["ExitCode"] in (0, 143), "it was killed: SIGTERM did not reach it"


def _state(container: str) -> dict[str, Any]:
    return dict(json.loads(docker("inspect", "--format", "{{json .State}}", container)))
