"""A registry on a shelf and a log by hand: what the mirror asks, without a server."""

import shutil
from pathlib import Path

from churn.bundle.files import digest_of
from churn.errors import StoreError
from churn.stores.registry import RegisteredBundle
from services.exchange import Pointer, read_note


class ShelfRegistry:
    """A registry on a shelf: the port that the mirror needs, and a count of what was fetched."""

    def __init__(self) -> None:
        self.folders: dict[int, Path] = {}
        self.digests: dict[int, str] = {}
        self.alias: int | None = None
        self.shadow_alias: int | None = None
        self.canary_alias: int | None = None
        self.tags = {"canary_share": "0.2", "canary_salt": "pepper"}
        self.others: dict[str, int] = {}
        self.is_away = False
        self.fetched: list[int] = []

    def put(self, version: int, folder: Path, *, digest: str | None = None) -> None:
        self.folders[version], self.alias = folder, version
        self.digests[version] = digest_of(folder) if digest is None else digest

    def aliased(self, name: str, alias: str) -> RegisteredBundle | None:
        if self.is_away:
            raise StoreError("the registry is away")
        versions = {"production": self.alias, "shadow": self.shadow_alias, "canary": self.canary_alias, **self.others}
        version = versions.get(alias)
        return None if version is None else self._registered(name, version)

    def _registered(self, name: str, version: int) -> RegisteredBundle:
        return RegisteredBundle(
            name=name, version=version, digest=self.digests[version], run_id="", created_at=0.0, tags=self.tags
        )

    def fetch_bundle(self, bundle: RegisteredBundle, folder: Path) -> Path:
        self.fetched.append(bundle.version)
        shutil.copytree(self.folders[bundle.version], folder)
        return folder


class Ledger:
    """Our own log, by hand: what it says of each version."""

    def __init__(self) -> None:
        self.answers: dict[int, Exception] = {}

    def require(self, name: str, version: int, digest: str) -> None:
        del name, digest
        if version in self.answers:
            raise self.answers[version]


def version_in(file: Path) -> int | None:
    pointer = read_note(Pointer, file)
    return pointer.version if pointer else None
