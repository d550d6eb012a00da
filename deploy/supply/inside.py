"""Runs inside an image with its Python alone: prints its Python and Debian packages as JSON.

Python packages are name, version and licence; Debian's have their source package too: advisories name that one.
"""

import json
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

FIELDS = ("Package", "Version", "Architecture", "source:Package", "source:Version", "db:Status-Status")


def python_packages() -> list[dict[str, str]]:
    """Return every installed distribution once."""
    found = {one.name.lower(): one for one in distributions() if one.name}
    return [
        {"name": one.name, "version": version_of(one), "licence": licence_of(one)}
        for _, one in sorted(found.items())
    ]  # fmt: skip


def version_of(found: Distribution) -> str:
    """Return the version as indexes write it: some packages say `v1.0`."""
    return found.version.removeprefix("v")


def licence_of(found: Distribution) -> str:
    """Return what the package says of its licence, in as few words as it has for it; empty: nothing."""
    said = found.metadata
    short = " ".join(said.get_all("License-Expression") or said.get_all("License") or ()).strip()
    if short and "\n" not in short and len(short) <= 300:
        return short
    classes = (one for one in said.get_all("Classifier") or () if one.startswith("License ::"))
    return " AND ".join(one.rpartition(" :: ")[2] for one in classes)


def debian_packages() -> list[dict[str, str]]:
    """Return every installed package; none where there is no dpkg."""
    form = "\t".join(f"${{{field}}}" for field in FIELDS) + "\n"
    try:
        told = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True).stdout  # noqa: S607
    except FileNotFoundError:
        return []
    rows = [line.split("\t") for line in told.splitlines()]
    return [
        {"name": name, "version": version, "architecture": architecture, "source": source, "source_version": made_of,
         "licence": copyright_of(name)}
        for name, version, architecture, source, made_of, status in rows
        if status == "installed"
    ]  # fmt: skip


def copyright_of(package: str) -> str:
    """Return the licences that a package's copyright file names, each once."""
    path = Path("/usr/share/doc") / package / "copyright"
    if not path.is_file():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("License:"))
    return ", ".join(sorted({name for name in names if name}))[:500]


def release() -> dict[str, str]:
    """Return which Debian it is."""
    path = Path("/etc/os-release")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"python": python_packages(), "debian": debian_packages(), "release": release()}))
