"""The mirror: brings the bundles that the aliases name to this disk, verified, and points at them."""

import logging
import re
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from churn.errors import BundleError, StoreError
from churn.scoring.loading import load_scorer
from churn.settings import Settings
from churn.stores.registry import CANARY, FETCHING, PRODUCTION, SHADOW, ModelRegistry, RegisteredBundle
from services.exchange import DIGEST, CanaryPointer, CanaryState, Pointer, read_note, write_note
from services.registrations import LoggedRegistrations, Registrations
from services.settings import ServiceSettings

log = logging.getLogger(__name__)

ABANDONED_SECONDS = 3600.0
"""A download that is so old is nobody's any more."""

QUARANTINE_SECONDS = 600.0
"""A broken download deserves another try some time; a broken bundle must not be fetched in a loop."""


SINCE = "canary_since"
"""Tag of a version: when it was made the canary, or its share was changed."""

NEVER = "never"
SPENT = "it was in production since it became the canary, and is not any more: `churn canary set` makes it one again"


class Registry(Protocol):
    """What the mirror asks of the registry."""

    def aliased(self, name: str, alias: str) -> RegisteredBundle | None:
        """Read an alias."""

    def fetch_bundle(self, bundle: RegisteredBundle, folder: Path) -> Path:
        """Download a version."""


class Mirror:
    """Keeps `<home>/bundles` equal to what is in production, the canary and the shadow.

    Attributes:
        quarantined: reason per version whose bundle does not hold.
        canary: the version with that alias, and why it answers nobody, if so; None: there is none.
        bad_shadow: version whose bundle does not hold, and why; None: it holds, or there is none.
        last_sync: when the registry last answered, in seconds since 1970; 0: not yet.
        problem: why it did not answer last time; empty when it did.
        waiting: why a version is not taken up yet: our own log does not answer.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        connect: Callable[[], Registry] | None = None,
        registrations: Registrations | None = None,
    ) -> None:
        self.quarantined: dict[str, str] = {}
        self.canary: CanaryState | None = None
        self.bad_shadow: tuple[int, str] | None = None
        self.last_sync = 0.0
        self.problem = "not asked yet"
        self.waiting = ""
        self._settings = settings
        self._connect = connect or (lambda: connect_registry(settings))
        self._registry: Registry | None = None
        self._registrations = registrations or LoggedRegistrations(settings)
        self._retry_at: dict[str, float] = {}
        self._bad: dict[int, str] = {}
        self._spent: dict[int, str | None] = {}

    def sync(self) -> None:
        """Look at each alias once, and follow it. Never raises: what went wrong is in the attributes."""
        try:
            self._registry = self._registry or self._connect()
            registered = self._registry.aliased(self._settings.model, self._settings.alias)
            self.last_sync, self.waiting = time.time(), ""
            if registered is not None:
                self._follow(self._registry, registered)
            if self._settings.alias == PRODUCTION:
                self._follow_canary(self._registry, registered)
                self._follow_shadow(self._registry)
            self.problem = ""
        except (StoreError, OSError) as error:
            if str(error) != self.problem:
                log.warning("registry away: serving what is on disk", extra={"reason": str(error)})
            self.problem = str(error)

    def _follow(self, registry: Registry, registered: RegisteredBundle) -> None:
        if self._is_followed(registered, self._settings.pointer_file) or self._is_quarantined(registered):
            return
        try:
            pointer = self._bring(registry, registered)
        except BundleError as error:
            self._quarantine(registered, error)
            return
        if pointer is None:
            return
        write_note(pointer, self._settings.pointer_file)
        self.quarantined.pop(str(registered.version), None)
        log.info("production followed", extra={"version": pointer.version, "digest": pointer.digest[:12]})
        self._prune(pointer.digest)

    def _follow_canary(self, registry: Registry, production: RegisteredBundle | None) -> None:
        """As `_follow`, but a canary that does not hold answers nobody, and that is all."""
        registered = registry.aliased(self._settings.model, CANARY)
        if registered is None or production is None or registered.version == production.version:
            if registered is not None and production is not None:
                self._spent[registered.version] = registered.tags.get(SINCE)
            self._end_canary(None)
            return
        if self._spent.get(registered.version, NEVER) == registered.tags.get(SINCE):
            self._end_canary(CanaryState(version=registered.version, problem=SPENT))
            return
        try:
            share, salt = share_of(registered)
            is_here = self._is_here(registry, registered)
        except BundleError as error:
            self._end_canary(CanaryState(version=registered.version, problem=str(error)))
            return
        if not is_here:
            self._end_canary(None)
            return
        self._point_at_canary(
            CanaryPointer(
                name=registered.name, version=registered.version, digest=registered.digest, share=share, salt=salt
            )
        )

    def _is_here(self, registry: Registry, registered: RegisteredBundle) -> bool:
        """Have the canary's bundle on disk; False: not before our log answers.

        Raises:
            BundleError: it does not hold.
        """
        if self._is_followed(registered, self._settings.canary_file):
            return True
        if self._is_quarantined(registered):
            raise BundleError(self._bad[registered.version])
        try:
            return self._bring(registry, registered) is not None
        except BundleError as error:
            self._hold_back(registered, error)
            raise

    def _point_at_canary(self, pointer: CanaryPointer) -> None:
        if read_note(CanaryPointer, self._settings.canary_file) != pointer:
            write_note(pointer, self._settings.canary_file)
            log.info("canary followed", extra={"version": pointer.version, "share": pointer.share})
        self.canary = CanaryState(version=pointer.version, share=pointer.share)

    def _end_canary(self, state: CanaryState | None) -> None:
        self._settings.canary_file.unlink(missing_ok=True)
        self.canary = state

    def _follow_shadow(self, registry: Registry) -> None:
        """As `_follow`, but a shadow that does not hold is nobody's loss: it is not scored, and that is all."""
        registered = registry.aliased(self._settings.model, SHADOW)
        if registered is not None and self._is_followed(registered, self._settings.shadow_file):
            return
        if registered is None or self._is_quarantined(registered):
            self._settings.shadow_file.unlink(missing_ok=True)
        if registered is None:
            self.bad_shadow = None
        elif self._is_quarantined(registered):
            self.bad_shadow = registered.version, self._bad[registered.version]
        else:
            self._take_shadow(registry, registered)

    def _take_shadow(self, registry: Registry, registered: RegisteredBundle) -> None:
        try:
            pointer = self._bring(registry, registered)
        except BundleError as error:
            self._settings.shadow_file.unlink(missing_ok=True)
            self.bad_shadow = registered.version, str(error)
            self._hold_back(registered, error)
            return
        if pointer is None:
            return
        write_note(pointer, self._settings.shadow_file)
        self.bad_shadow = None
        log.info("shadow followed", extra={"version": pointer.version, "digest": pointer.digest[:12]})

    def _is_followed(self, registered: RegisteredBundle, file: Path) -> bool:
        pointer = read_note(Pointer, file)
        wanted = (registered.name, registered.version, registered.digest)
        return pointer is not None and (pointer.name, pointer.version, pointer.digest) == wanted

    def _bring(self, registry: Registry, registered: RegisteredBundle) -> Pointer | None:
        """Have the bundle on disk, proven to load and to give its golden answers; None: not before our log answers."""
        if not re.match(DIGEST, registered.digest):
            raise BundleError(f"{registered.name} version {registered.version} was registered without its digest")
        if not self._is_registered(registered):
            return None
        folder = self._settings.bundle_folder / registered.digest
        if folder.exists() and not _holds(folder, registered):
            shutil.rmtree(folder)
        if not folder.exists():
            registry.fetch_bundle(registered, folder)
        load_scorer(folder, name=registered.name, version=registered.version, digest=registered.digest)
        folder.touch()
        return Pointer(name=registered.name, version=registered.version, digest=registered.digest)

    def _is_registered(self, registered: RegisteredBundle) -> bool:
        """Ask our own log whether this is what was registered; a home that serves nothing yet does not wait for it.

        Raises:
            BundleError: it is not.
        """
        try:
            self._registrations.require(registered.name, registered.version, registered.digest)
        except StoreError as error:
            if not self._settings.pointer_file.exists():
                return True
            if str(error) != self.waiting:
                log.warning("log away: a version waits", extra={"version": registered.version, "reason": str(error)})
            self.waiting = str(error)
            return False
        return True

    def _quarantine(self, registered: RegisteredBundle, error: BundleError) -> None:
        self.quarantined[str(registered.version)] = str(error)
        self._hold_back(registered, error)

    def _hold_back(self, registered: RegisteredBundle, error: BundleError) -> None:
        self._bad[registered.version] = str(error)
        self._retry_at[f"{registered.version}-{registered.digest}"] = time.monotonic() + QUARANTINE_SECONDS
        log.error("bundle quarantined", extra={"version": registered.version, "reason": str(error)})

    def _is_quarantined(self, registered: RegisteredBundle) -> bool:
        return time.monotonic() < self._retry_at.get(f"{registered.version}-{registered.digest}", 0.0)

    def _prune(self, current: str) -> None:
        """Delete all but the newest bundles; a worker may still be reading the one before."""
        beside = [read_note(Pointer, file) for file in (self._settings.canary_file, self._settings.shadow_file)]
        kept = {current, *(pointer.digest for pointer in beside if pointer)}
        folders = [path for path in self._settings.bundle_folder.iterdir() if re.match(DIGEST, path.name)]
        newest = sorted(folders, key=lambda path: (path.name not in kept, -path.stat().st_mtime))
        for path in (*newest[max(self._settings.kept_bundles, len(kept)) :], *self._abandoned()):
            shutil.rmtree(path, ignore_errors=True)

    def _abandoned(self) -> list[Path]:
        """Return what downloads left behind whose process was killed."""
        long_ago = time.time() - ABANDONED_SECONDS
        return [path for path in self._settings.bundle_folder.glob(f"{FETCHING}*") if path.stat().st_mtime < long_ago]


def share_of(registered: RegisteredBundle) -> tuple[float, str]:
    """Return the canary's share of the customers, and the salt, from the version's tags.

    Raises:
        BundleError: they name none.
    """
    text, salt = registered.tags.get("canary_share", ""), registered.tags.get("canary_salt", "")
    try:
        found = CanaryPointer(name="", version=0, digest="0" * 64, share=float(text), salt=salt)
    except ValueError as error:
        raise BundleError(
            f"version {registered.version} has the alias canary and the tag canary_share={text!r}: above 0, at most 1, "
            f"is a share. `churn canary set {registered.version} --share 0.1` sets one"
        ) from error
    return found.share, found.salt


def connect_registry(settings: Settings) -> ModelRegistry:
    """Open the registry, unless it is a local file that is not made yet: MLflow would make it, and race with training.

    Raises:
        StoreError: there is no such file, or its tables are not those of this MLflow (yet).
    """
    file = settings.tracking_uri.removeprefix("sqlite:///")
    if file != settings.tracking_uri:
        if not Path(file).exists():
            raise StoreError(f"there is no registry at {file} yet: `churn ring` makes one")
        if _revision_of(Path(file)) != _newest_revision():
            raise StoreError(f"the registry at {file} is being made, or was made by another version of MLflow")
    return ModelRegistry(settings.tracking_uri)


def _revision_of(file: Path) -> str | None:
    """Read which tables MLflow has made there; None: not even the first."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None


@cache
def _newest_revision() -> str | None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415  only for a local file

    spec = find_spec("mlflow")
    assert spec is not None  # noqa: S101  this module imports it
    assert spec.origin is not None  # noqa: S101  a package has one
    return ScriptDirectory(str(Path(spec.origin).parent / "store" / "db_migrations")).get_current_head()


def _holds(folder: Path, registered: RegisteredBundle) -> bool:
    try:
        load_scorer(folder, name=registered.name, version=registered.version, digest=registered.digest)
    except BundleError:
        return False
    return True
