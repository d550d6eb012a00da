"""Holds the documents of `sbom` against what an OSV service knows, and against the findings that were judged."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from churn.errors import UsageError
from deploy.supply.document import Component, facts_of
from deploy.supply.ignored import Ignored, read_ignored
from deploy.supply.osv import Advisory, Osv, Package, each_once

PUBLIC_SERVICE = "https://api.osv.dev"


@dataclass(frozen=True, slots=True)
class Finding:
    """An advisory about a package, and the documents that hold it."""

    package: Package
    advisory: Advisory
    documents: tuple[str, ...]

    @property
    def is_mendable(self) -> bool:
        """Somebody here can act: raise the version, or judge it. Debian's without a fix wait for Debian."""
        return not self.package.ecosystem.startswith("Debian") or (
            bool(self.advisory.fixed) and not self.advisory.is_minor
        )

    @property
    def words(self) -> str:
        """One line for people."""
        named, said = self.package, self.advisory
        fixed = f"mended in {', '.join(said.fixed)}" if said.fixed else "not mended yet"
        return f"{named.ecosystem} {named.name} {named.version}: {' '.join(said.names)}: {said.summary} ({fixed})"


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found out.

    Attributes:
        asked: different packages.
        findings: that can be mended and were not judged.
        waiting: how many of Debian's nobody has mended yet.
        ignored: judgements that apply.
        expired: judgements whose day has passed, whether or not they would apply.
        unused: judgements that apply to nothing.
    """

    asked: int
    findings: tuple[Finding, ...]
    waiting: int
    ignored: tuple[Ignored, ...]
    expired: tuple[Ignored, ...]
    unused: tuple[Ignored, ...]

    @property
    def has_failed(self) -> bool:
        """Something is to be done."""
        return bool(self.findings or self.expired)

    @property
    def summary(self) -> str:
        """The last line."""
        told = f"{self.asked} packages: {len(self.findings)} findings to mend, {len(self.ignored)} ignored"
        return f"{told}, {len(self.expired)} no longer ignored; {self.waiting} of Debian's wait for Debian"


def scan(folder: Path, ignored: Path, *, service: str, today: date) -> Scan:
    """Ask about everything that the documents of a folder name.

    Raises:
        UnreachableError: the service is away: that is not the same as no findings.
        UsageError: there are no documents, or the judgements can't be read.
    """
    judged, held = read_ignored(ignored), holdings(folder)
    with httpx.Client() as client:
        known = Osv(client, service).known(each_once(held))
    found = [Finding(package, one, held[package]) for package, several in known.items() for one in several]
    valid = [one for one in judged if one.until >= today]
    return Scan(
        asked=len(held),
        findings=tuple(one for one in found if one.is_mendable and not _judgement(one, valid)),
        waiting=sum(not one.is_mendable for one in found),
        ignored=tuple(one for one in valid if any(_applies(one, each) for each in found)),
        expired=tuple(one for one in judged if one.until < today),
        unused=tuple(one for one in valid if not any(_applies(one, each) for each in found)),
    )


def holdings(folder: Path) -> dict[Package, tuple[str, ...]]:
    """Return every package that a document names, with the documents' names.

    Raises:
        UsageError: there is no document, or one is none.
    """
    paths = sorted(folder.glob("*.cdx.json"))
    if not paths:
        raise UsageError(f"there is no document in {folder}: run `make sbom` first")
    held: dict[Package, tuple[str, ...]] = {}
    for path in paths:
        for package in _packages(_read(path)):
            held[package] = (*held.get(package, ()), path.name.removesuffix(".cdx.json"))
    return held


def _read(path: Path) -> Mapping[str, Any]:
    try:
        told = json.loads(path.read_bytes())
        return {"components": list(told["components"])}
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no CycloneDX document: run `make sbom` again") from error


def _packages(document: Mapping[str, Any]) -> Iterator[Package]:
    for component in document["components"]:
        if (package := package_of(component)) is not None:
            yield package


def package_of(component: Component) -> Package | None:
    """Return what advisories would name; None: they name nothing of this kind."""
    purl = str(component.get("purl", ""))
    if purl.startswith("pkg:pypi/"):
        name, _, version = purl.removeprefix("pkg:pypi/").partition("@")
        return Package("PyPI", unquote(name), unquote(version))
    if purl.startswith("pkg:deb/debian/"):
        facts = facts_of(component)
        release = facts["debian:release"]
        return Package(f"Debian:{release}", facts["debian:source"], facts["debian:source-version"])
    return None


def _judgement(finding: Finding, judged: Sequence[Ignored]) -> Ignored | None:
    return next((one for one in judged if _applies(one, finding)), None)


def _applies(judgement: Ignored, finding: Finding) -> bool:
    return judgement.package == finding.package.name and judgement.id in finding.advisory.names
