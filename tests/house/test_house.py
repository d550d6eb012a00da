"""The rules of the house that no linter knows."""

import ast
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from cli.main import COMMANDS

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("churn", "pipelines", "services", "monitoring", "cli")
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc", "manager", "tools", "lib"}
STAGES = ("ingest", "label", "train", "evaluate", "register", "gate", "promote", "score", "retrain")
WITH_PARAMETERS = ("label", "train", "gate", "release", "retrain", "watch")
SECOND_PARAMETERS = {"guards": "gate"}
"""A file of its own for what a stage holds to beside the science of its word: file → stage."""

FLOORS = {
    "mlflow": "3.17",
    "mlflow-skinny": "3.17",
    "bentoml": "1.4.39",
    "starlette": "1.0.1",
    "python-multipart": "0.0.27",
    "pyjwt": "2.13",
    "evidently": "0.7.23",
}
CEILINGS = {"pandas": "3.1"}


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def entry_points() -> dict[str, dict[str, object]]:
    found = yaml.safe_load((ROOT / "MLproject").read_text(encoding="utf-8"))["entry_points"]
    assert isinstance(found, dict)
    return found


def word_of(name: str) -> str:
    """The command that an entry point calls; `mlflow run` may not have `churn` on its path, but has this python."""
    command = str(entry_points()[name]["command"]).removeprefix("python -m cli.main ").removeprefix("churn ")
    return command.split()[0]


def locked() -> dict[str, str]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package.get("version", "0") for package in lock["package"]}


def test_there_is_something_to_look_at() -> None:
    assert len(sources()) > 60


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = [name_of(path) for path in sources() if {path.stem, *path.relative_to(ROOT).parts} & BANNED_NAMES]

    assert named == []


def test_every_module_opens_with_a_sentence() -> None:
    silent = [name_of(path) for path in sources() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]

    assert [name for name in silent if "migrations/versions" not in name] == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_one_word_everywhere(stage: str) -> None:
    assert (ROOT / "pipelines" / f"{stage}.py").is_file()
    assert (ROOT / "cli" / f"{stage}.py").is_file()
    assert stage in COMMANDS
    assert word_of(stage) == stage
    docstring = ast.get_docstring(ast.parse((ROOT / "pipelines" / f"{stage}.py").read_text(encoding="utf-8")))
    assert docstring
    assert "Reads:" in docstring
    assert "Writes:" in docstring


@pytest.mark.parametrize("stage", WITH_PARAMETERS)
def test_a_stage_with_parameters_has_them_under_its_word(stage: str) -> None:
    assert yaml.safe_load((ROOT / "pipelines" / "parameters" / f"{stage}.yaml").read_text(encoding="utf-8"))


def test_no_parameters_are_left_without_a_stage() -> None:
    found = {path.stem for path in (ROOT / "pipelines" / "parameters").iterdir()}

    assert found == {*WITH_PARAMETERS, *SECOND_PARAMETERS}


@pytest.mark.parametrize("name", [name for name in entry_points() if name != "main"])
def test_an_entry_point_is_a_command_of_the_same_name(name: str) -> None:
    assert name in COMMANDS
    assert word_of(name) == name


@pytest.mark.parametrize("name", list(entry_points()))
def test_no_placeholder_of_an_entry_point_is_quoted_and_each_is_a_parameter(name: str) -> None:
    """Mlflow quotes values itself: quotes of ours would let a value run as a command."""
    entry = entry_points()[name]
    command, parameters = str(entry["command"]), entry.get("parameters", {})

    assert "'" not in command
    assert '"' not in command
    assert "`" not in command
    assert isinstance(parameters, dict)
    assert set(re.findall(r"\{(\w+)\}", command)) == set(parameters)


def test_the_project_runs_with_no_parameters() -> None:
    parameters = entry_points()["main"]["parameters"]

    assert isinstance(parameters, dict)
    assert all("default" in one for one in parameters.values())


def test_every_command_is_a_module_that_exists() -> None:
    missing = [module for module, _ in COMMANDS.values() if importlib.util.find_spec(module) is None]

    assert missing == []


def test_the_environment_is_read_in_settings_only() -> None:
    readers = [
        name_of(path)
        for path in sources()
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "putenv"}
    ]

    allowed = ("settings.py", "churn/stores/pyfunc_model.py")  # the latter is copied to where there are no settings
    assert [name for name in readers if not name.endswith(allowed)] == []


def test_nothing_pickles() -> None:
    banned = {"pickle", "joblib", "cloudpickle", "dill", "shelve", "marshal", "skops"}
    importers = {name_of(path) for path in sources() for name in imported(path) if name.split(".")[0] in banned}

    assert importers == set()


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_no_text_runs_in_a_shell() -> None:
    shells = [
        name_of(path)
        for path in sources()
        for node in nodes(path)
        if (isinstance(node, ast.keyword) and node.arg == "shell" and getattr(node.value, "value", True) is not False)
        or (isinstance(node, ast.Attribute) and node.attr in {"system", "popen", "getoutput"} and _is_os(node))
    ]

    assert shells == []


def _is_os(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"os", "subprocess"}


def test_no_yaml_is_read_with_a_loader_that_makes_objects() -> None:
    loaders = [
        (name_of(path), node.lineno)
        for path in sources()
        for node in nodes(path)
        if isinstance(node, ast.Attribute)
        and node.attr in {"unsafe_load", "full_load", "FullLoader", "UnsafeLoader", "Loader"}
    ]

    assert loaders == []


@pytest.mark.parametrize(("package", "floor"), FLOORS.items())
def test_no_locked_version_is_below_its_floor(package: str, floor: str) -> None:
    assert Version(locked()[package]) >= Version(floor)


@pytest.mark.parametrize(("package", "ceiling"), CEILINGS.items())
def test_no_locked_version_reaches_its_ceiling(package: str, ceiling: str) -> None:
    assert Version(locked()[package]) < Version(ceiling)


@pytest.mark.parametrize(("package", "floor"), {"pyjwt": "2.13", "skops": "0.13"}.items())
def test_what_came_along_is_not_below_its_floor_either(package: str, floor: str) -> None:
    found = locked().get(package)

    assert found is None or Version(found) >= Version(floor)


def test_the_serving_dependencies_hold_nothing_that_trains() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^\w-]", line)[0].lower() for line in project["dependencies"]}

    assert not names & {"mlflow", "scikit-learn", "pandas", "catboost", "onnx", "optuna", "matplotlib", "evidently"}


def test_every_import_contract_is_in_force() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]

    assert {one["type"] for one in contracts} >= {"layers", "forbidden"}
    assert any(one.get("exhaustive") for one in contracts)
    assert not any(one.get("ignore_imports") for one in contracts)
