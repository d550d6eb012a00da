"""What `make sbom` writes, held against CycloneDX's own schema."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from churn.errors import UsageError
from deploy.supply import sbom
from deploy.supply.document import debian_component, document, image_component, python_component
from deploy.supply.inside import python_packages
from deploy.supply.scan import Package, package_of

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = "cyclonedx-python-lib==11.6.0"
VALIDATOR = f"jsonschema-rs=={version('jsonschema-rs')}"
VALIDATE = """
import json, sys
from pathlib import Path
import cyclonedx.schema, jsonschema_rs
folder = Path(cyclonedx.schema.__file__).parent / "_res"
names = "spdx", "jsf-0.82", "bom-1.5"
schemas = {name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text()) for name in names}
named = [(f"http://cyclonedx.org/schema/{name}.SNAPSHOT.schema.json", schema) for name, schema in schemas.items()]
known = jsonschema_rs.Registry(named)
validator = jsonschema_rs.validator_for(schemas["bom-1.5"], registry=known, validate_formats=True)
for path in sys.argv[1:]:
    for fault in validator.iter_errors(json.loads(Path(path).read_text())):
        sys.exit(f"{path}: {fault}")
"""
"""The library's own validator is pure Python and takes minutes for a lock."""

DEBIAN = {
    "name": "libc6",
    "version": "2.36-9+deb12u4",
    "architecture": "amd64",
    "source": "glibc",
    "source_version": "2.36-9+deb12u4",
    "licence": "LGPL-2.1, GPL-2",
}


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def lock() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as moved:
        moved.chdir(ROOT)
        return sbom.of_lock()


def test_the_lock_s_document_has_every_package_with_its_version_and_hashes(lock: dict[str, Any]) -> None:
    found = {one["name"]: one for one in lock["components"]}
    assert len({one["bom-ref"] for one in lock["components"]}) == len(lock["components"])
    assert {"onnxruntime", "mlflow", "boto3", "ruff"} <= set(found)
    hashes = [each["hashes"][0]["alg"] for each in found["onnxruntime"]["externalReferences"]]
    assert set(hashes) == {"SHA-256"}
    assert found["fastapi"]["licenses"] == [{"expression": "MIT"}]
    without = [name for name, one in found.items() if "licenses" not in one]
    assert len(without) < len(found) / 10


def test_an_image_s_python_packages_carry_the_hashes_of_the_lock(lock: dict[str, Any]) -> None:
    (typer,) = [one for one in python_packages() if one["name"] == "typer"]
    locked = {one["purl"]: one for one in lock["components"]}

    assert python_component(typer, locked)["externalReferences"]
    assert "externalReferences" not in python_component({**typer, "version": "0.0.1"}, locked)


def test_a_version_that_is_written_with_a_letter_is_found_in_the_lock(lock: dict[str, Any]) -> None:
    (lettered,) = [one for one in python_packages() if one["name"] == "grafana_foundation_sdk"]

    assert {one["purl"] for one in lock["components"]} > {python_component(lettered, {})["purl"]}


def test_a_debian_package_is_looked_up_by_its_source_package() -> None:
    made = debian_component(DEBIAN, {"ID": "debian", "VERSION_ID": "12"})

    assert made["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12"
    assert package_of(made) == Package("Debian:12", "glibc", "2.36-9+deb12u4")


def test_our_own_package_is_not_taken_for_one_of_that_name_on_pypi() -> None:
    own = python_component({"name": "holdfast", "version": "0.1.0", "licence": "Apache-2.0"}, {})

    assert package_of(own) is None


def test_an_image_that_is_not_there_is_an_error_with_what_makes_it() -> None:
    with pytest.raises(UsageError, match=r"make images|docker is not here"):
        sbom.of_image("holdfast/no-such-image", "none", {})


@pytest.mark.slow
def test_the_documents_hold_by_cyclonedx_s_own_schema(tmp_path: Path) -> None:
    (lock,) = sbom.write_all(tmp_path, tag=None)
    image = tmp_path / "image.cdx.json"
    components = [python_component(one, {}) for one in python_packages()]
    components.append(debian_component(DEBIAN, {"ID": "debian", "VERSION_ID": "12"}))
    image.write_text(json.dumps(document(image_component("holdfast/serving", "local", "sha256:0"), components)))

    assert _faults(lock, image) == ""
    image.write_text(image.read_text().replace('"type": "container"', '"type": "barrel"'))
    assert "barrel" in _faults(image)


@pytest.mark.slow
def test_an_image_tells_what_it_holds(tmp_path: Path) -> None:
    made = _of_first_image()
    path = tmp_path / "image.cdx.json"
    path.write_text(json.dumps(made))

    kinds = {one["purl"].partition("/")[0] for one in made["components"]}
    assert {"pkg:pypi", "pkg:deb"} <= kinds
    assert _faults(path) == ""


def _of_first_image() -> dict[str, Any]:
    """Of one that somebody built here; the images themselves are tested elsewhere."""
    if not shutil.which("docker"):
        pytest.skip("there is no engine")
    for name in sbom.IMAGES:
        try:
            return sbom.of_image(name, "local", {})
        except UsageError:
            continue
    pytest.skip("no image is built: make images")


def _faults(*paths: Path) -> str:
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable]
    command += ["--with", SCHEMAS, "--with", VALIDATOR]
    told = subprocess.run(
        [*command, "python", "-c", VALIDATE, *map(str, paths)], capture_output=True, text=True, check=False
    )
    return told.stderr if told.returncode else ""
