"""A CycloneDX document: what one thing consists of."""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]
"""As CycloneDX 1.5 has it."""

OWN = "holdfast"
EXPRESSION = re.compile(r"^[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*$")


def document(subject: Component, components: Sequence[Component]) -> dict[str, Any]:
    """Return the document of one subject; the components in the order of their names."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "tools": [{"name": "deploy.supply"}],
            "component": subject,
        },
        "components": sorted(components, key=lambda one: (str(one["purl"]), str(one["version"]))),
    }


def image_component(name: str, tag: str, image_id: str) -> Component:
    """Return an image as the subject of a document."""
    purl = f"pkg:oci/{name.rpartition('/')[2]}@{quote(image_id, safe='')}?tag={quote(tag)}"
    return {"type": "container", "bom-ref": purl, "name": name, "version": tag, "purl": purl}


def python_component(package: Mapping[str, str], locked: Mapping[str, Component]) -> Component:
    """Return a Python package; where the lock has it, with the files and hashes that it may have come from."""
    purl = python_purl(package["name"], package["version"])
    found = {"type": "library", "bom-ref": purl, "name": package["name"], "version": package["version"], "purl": purl}
    origin = locked.get(purl, {}).get("externalReferences")
    return found | _licensed(package["licence"]) | ({"externalReferences": origin} if origin else {})


def debian_component(package: Mapping[str, str], release: Mapping[str, str]) -> Component:
    """Return a Debian package, with the source package that advisories name."""
    distribution = f"{release.get('ID', 'debian')}-{release.get('VERSION_ID', '')}"
    place = f"arch={package['architecture']}&distro={distribution}"
    purl = f"pkg:deb/debian/{quote(package['name'])}@{quote(package['version'], safe='')}?{place}"
    source = {"debian:source": package["source"], "debian:source-version": package["source_version"]}
    facts = {**source, "debian:release": release.get("VERSION_ID", "")}
    found = {"type": "library", "bom-ref": purl, "name": package["name"], "version": package["version"], "purl": purl}
    return found | _licensed(package["licence"]) | {"properties": _properties(facts)}


def python_purl(name: str, version: str) -> str:
    """Return the address of a package on PyPI, by its normal name; ours is not there, and another may be."""
    if name == OWN:
        return f"pkg:generic/{name}@{quote(version)}"
    return f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{quote(version)}"


def facts_of(component: Component) -> dict[str, str]:
    """Return a component's properties by name."""
    return {one["name"]: one["value"] for one in component.get("properties", ())}


def _licensed(licence: str) -> Component:
    if not licence:
        return {}
    if EXPRESSION.match(licence):
        return {"licenses": [{"expression": licence}]}
    return {"licenses": [{"license": {"name": licence}}]}


def _properties(facts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in facts.items()]


def by_purl(components: Iterable[Component]) -> dict[str, Component]:
    """Return components by their address."""
    return {str(one["purl"]): one for one in components if "purl" in one}
