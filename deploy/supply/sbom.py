"""Writes what the lock and each image consist of: uv tells of the lock, each image tells of itself."""

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from churn.errors import UsageError
from deploy.supply import inside
from deploy.supply.document import (
    Component,
    by_purl,
    debian_component,
    document,
    image_component,
    python_component,
)

IMAGES = ("holdfast/serving", "holdfast/bento", "holdfast/pipelines", "holdfast/mlflow")
LONGEST_SECONDS = 300


def write_all(folder: Path, *, tag: str | None) -> dict[Path, int]:
    """Write one document for the lock and one for each image of a tag; None: for no image.

    Returns:
        the number of components in each file.

    Raises:
        UsageError: there is no engine, or it has no such image.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = of_lock()
    documents = {"lock": lock}
    for name in IMAGES if tag else ():
        documents[name.rpartition("/")[2]] = of_image(name, str(tag), by_purl(lock["components"]))
    return {_write(folder / f"{name}.cdx.json", made): len(made["components"]) for name, made in documents.items()}


def of_lock() -> dict[str, Any]:
    """Return what uv.lock holds, all groups: versions and hashes as uv tells, licences as installed packages do."""
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "export", "--frozen", "--quiet", "--all-groups", "--format", "cyclonedx1.5"]
    told = json.loads(
        _ask(command, "uv can't tell what is in uv.lock: run it in the project's folder, after `make setup`")
    )
    components = [one | _licensed(one) for one in told["components"] if "purl" in one]
    return document(told["metadata"]["component"], components)


def of_image(name: str, tag: str, locked: dict[str, Component]) -> dict[str, Any]:
    """Return what an image holds, told by a container of it that has no network and writes nothing."""
    image = f"{name}:{tag}"
    remedy = f"{image} can't be looked into: `make images` builds it, --no-images leaves images out"
    image_id = _ask(["docker", "image", "inspect", "--format", "{{.Id}}", image], remedy).strip()
    shut = ["--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--entrypoint", "python"]
    code = Path(inside.__file__).read_text(encoding="utf-8")
    told = json.loads(_ask(["docker", "run", *shut, image_id, "-I", "-c", code], remedy))
    components = [python_component(one, locked) for one in told["python"]]
    components += [debian_component(one, told["release"]) for one in told["debian"]]
    return document(image_component(name, tag, image_id), components)


def _licensed(component: Component) -> Component:
    """Ask the package as it is installed here; another version, or none, says nothing."""
    try:
        found = distribution(component["name"])
    except PackageNotFoundError:
        return {}
    if inside.version_of(found) != component["version"]:
        return {}
    package = {"name": component["name"], "version": component["version"], "licence": inside.licence_of(found)}
    return {key: value for key, value in python_component(package, {}).items() if key == "licenses"}


def _ask(command: list[str], remedy: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONGEST_SECONDS).stdout
    except FileNotFoundError as error:
        raise UsageError(f"{command[0]} is not here: {remedy}") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = " ".join(str(error.stderr or error).split())[-300:]
        raise UsageError(f"{remedy} ({said})") from error


def _write(path: Path, made: dict[str, Any]) -> Path:
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    return path
