"""Asks a service that speaks OSV (https://google.github.io/osv.dev/api) what is known against packages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from churn.errors import UnreachableError

BATCH = 500
"""Packages in one question; the service takes a thousand."""

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """What advisories are about: a name in an ecosystem (`PyPI`, `Debian:12`), at a version."""

    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Advisory:
    """One entry of the service.

    Attributes:
        names: all by which it is known, its own first.
        fixed: versions of the package that mend it; empty: there is none yet.
        is_minor: Debian itself calls it unimportant.
    """

    names: tuple[str, ...]
    summary: str
    fixed: tuple[str, ...]
    is_minor: bool


class Osv:
    """A service at an address. Every method raises UnreachableError when it does not answer, or answers otherwise."""

    def __init__(self, client: httpx.Client, address: str) -> None:
        self._client, self._address = client, address.rstrip("/")
        self._entries: dict[str, dict[str, Any]] = {}

    def known(self, packages: Sequence[Package]) -> dict[Package, list[Advisory]]:
        """Return the advisories of those packages that have some."""
        ids: dict[Package, list[str]] = {}
        for start in range(0, len(packages), BATCH):
            ids |= self._ids(packages[start : start + BATCH])
        return {one: [self._advisory(name, one) for name in dict.fromkeys(names)] for one, names in ids.items()}

    def _ids(self, packages: Sequence[Package]) -> dict[Package, list[str]]:
        found: dict[Package, list[str]] = {}
        asked = [(one, _query(one)) for one in packages]
        while asked:
            answers = self._answer("POST", "/v1/querybatch", {"queries": [query for _, query in asked]}).get("results")
            if not isinstance(answers, list) or len(answers) != len(asked):
                raise UnreachableError(
                    f"{self._address} was asked of {len(asked)} packages and did not answer for each"
                )
            again = []
            for (package, query), answer in zip(asked, answers, strict=True):
                if names := [str(one["id"]) for one in (answer or {}).get("vulns", ())]:
                    found.setdefault(package, []).extend(names)
                if token := (answer or {}).get("next_page_token"):
                    again.append((package, {**query, "page_token": token}))
            asked = again
        return found

    def _advisory(self, name: str, package: Package) -> Advisory:
        if name not in self._entries:
            self._entries[name] = self._answer("GET", f"/v1/vulns/{name}", None)
        entry = self._entries[name]
        about = [one for one in entry.get("affected", ()) if _is_about(one.get("package", {}), package)]
        events = (
            event
            for one in about
            for span in one.get("ranges", ())
            if span.get("type") != "GIT"
            for event in span.get("events", ())
        )
        urgencies = [str((one.get("ecosystem_specific") or {}).get("urgency", "")) for one in about]
        return Advisory(
            names=(name, *(str(alias) for alias in (*entry.get("aliases", ()), *entry.get("upstream", ())))),
            summary=str(entry.get("summary") or entry.get("details") or "")[:120],
            fixed=tuple(str(event["fixed"]) for event in events if "fixed" in event),
            is_minor=bool(urgencies) and all(one == "unimportant" for one in urgencies),
        )

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            answer = self._client.request(method, f"{self._address}{path}", json=body, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            told = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise UnreachableError(
                f"{self._address} did not tell what is known ({type(error).__name__}: {error}): nothing was found out; "
                "try again, or name a mirror: make scan OSV_URL=https://…"
            ) from error
        if not isinstance(told, dict):
            raise UnreachableError(f"what answers at {self._address} is no OSV service: nothing was found out")
        return told


def _query(package: Package) -> dict[str, Any]:
    return {"package": {"name": package.name, "ecosystem": package.ecosystem}, "version": package.version}


def _is_about(named: dict[str, Any], package: Package) -> bool:
    return (named.get("ecosystem"), named.get("name")) == (package.ecosystem, package.name)


def each_once(packages: Iterable[Package]) -> list[Package]:
    """Return packages in order, each once."""
    return sorted(set(packages))
