"""The live model: the one reference that requests read, replaced as a whole when production or the canary moves."""

import gc
import logging
import time
from dataclasses import replace
from pathlib import Path

from churn.errors import BundleError, ModelNotReadyError
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from services import telemetry
from services.exchange import CanaryPointer, Pointer, read_note
from services.served import Canary, Served
from services.settings import Door, ServiceSettings

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 60.0


class LiveModel:
    """What this worker serves now.

    Attributes:
        served: None until the first bundle is loaded; never None after that.
        failures: how many times a bundle was refused.
        problem: why the last one of production was refused; empty when it was not.
        canary_problem: the same of the canary's, which answers nobody then.
    """

    def __init__(self, door: Door, settings: ServiceSettings) -> None:
        self.served: Served | None = None
        self.loaded_at = 0.0
        self.failures = 0
        self.problem = ""
        self.canary_problem = ""
        self._door = door
        self._settings = settings
        self._production = _Watched(settings.pointer_file)
        self._beside = _Watched(settings.canary_file)
        self._canary: tuple[Served, CanaryPointer] | None = None

    @property
    def version(self) -> int | None:
        """The version that is served; None before the first."""
        return self.served.scorer.version if self.served else None

    def require(self) -> Served:
        """Return what is served.

        Raises:
            ModelNotReadyError: nothing is, yet.
        """
        if self.served is None:
            raise ModelNotReadyError(
                "no model is in production yet: `churn ring` trains and promotes one, and this worker takes it"
            )
        return self.served

    def follow(self) -> None:
        """Load what the pointers name, if they have changed. Whatever fails, the version that is served stays."""
        if self._production.is_due():
            self._follow_production()
        if self._beside.is_due():
            self._follow_canary()

    def use(self, scorer: Scorer) -> None:
        """Serve a scorer from the next request on; when it is the canary's version, there is no canary any more."""
        before = self.served.scorer if self.served else None
        self.loaded_at = time.time()
        self._show(self._served(scorer, self._settings.alias))
        self.problem = ""
        telemetry.show_model(self._door, scorer, loaded_at=self.loaded_at, before=before)
        log.info("model live", extra={"version": scorer.version, "digest": scorer.digest[:12]})

    def _follow_production(self) -> None:
        pointer = read_note(Pointer, self._settings.pointer_file)
        if pointer is None or pointer.name != self._settings.model or _is_of(pointer, self.served):
            return
        try:
            self.use(self._load(pointer))
        except BundleError as error:
            self.failures += 1
            self.problem = str(error)
            self._refuse(pointer, error)
            self._production.look_again(min(2.0**self.failures, LONGEST_PAUSE_SECONDS))

    def _follow_canary(self) -> None:
        """A canary that does not hold is nobody's loss: it answers nobody, and that is all."""
        pointer = read_note(CanaryPointer, self._settings.canary_file)
        self.canary_problem = ""
        try:
            self._canary = (self._canary_of(pointer), pointer) if pointer else None
        except BundleError as error:
            self._canary, self.canary_problem = None, str(error)
            self._refuse(pointer, error) if pointer else None
            self._beside.look_again(LONGEST_PAUSE_SECONDS)
        if self.served is not None:
            self._show(self.served)

    def _show(self, production: Served) -> None:
        """Let requests see production with the canary, if there is one and it is another version."""
        canary = None
        if self._canary is not None and self._canary[1].version != production.scorer.version:
            served, pointer = self._canary
            canary = Canary.beside(production.scorer.contract, served, share=pointer.share, salt=pointer.salt)
        self.served = replace(production, canary=canary)
        telemetry.show_canary(self._door, canary.share if canary else 0.0)

    def _served(self, scorer: Scorer, role: str) -> Served:
        headers = {"x-served-by": self._door, "x-model-version": str(scorer.version)}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        json_headers = [*raw, (b"content-type", b"application/json")]
        return Served(scorer, telemetry.VersionMeters(self._door, scorer), headers, json_headers, role)

    def _canary_of(self, pointer: CanaryPointer) -> Served:
        """Return the canary that is loaded already, when only its share has changed; else load it."""
        if self._canary is not None and _is_of(pointer, self._canary[0]):
            return self._canary[0]
        if pointer.name != self._settings.model:
            raise BundleError(
                f"the canary is of the model {pointer.name}, and these doors serve {self._settings.model}"
            )
        served = self._served(self._load(pointer), "canary")
        log.info("canary live", extra={"canary_version": pointer.version, "share": pointer.share})
        return served

    def _load(self, pointer: Pointer) -> Scorer:
        """Return a version's scorer: the canary's own when it is promoted, so that nothing is loaded then."""
        if self._canary is not None and _is_of(pointer, self._canary[0]):
            return self._canary[0].scorer
        folder = self._settings.bundle_folder / pointer.digest
        scorer = load_scorer(folder, name=pointer.name, version=pointer.version, digest=pointer.digest)
        gc.collect()
        gc.freeze()  # what a model and its libraries are made of lives on: full collections need not walk it
        return scorer

    def _refuse(self, pointer: Pointer, error: BundleError) -> None:
        telemetry.LOAD_FAILURES.labels(self._door).inc()
        log.error("bundle refused: what is served stays", extra={"version": pointer.version, "reason": str(error)})


class _Watched:
    """A file that is read again when it has changed, or when it is time to try again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._again_at = 0.0

    def is_due(self) -> bool:
        """Say whether to read it; the first time it is."""
        stamp = self._stamp()
        if stamp == self._seen and time.monotonic() < self._again_at:
            return False
        self._seen, self._again_at = stamp, float("inf")
        return True

    def look_again(self, seconds: float) -> None:
        """Have it read again after a time, changed or not."""
        self._again_at = time.monotonic() + seconds

    def _stamp(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return (found.st_ino, found.st_mtime_ns, found.st_size)


def _is_of(pointer: Pointer, served: Served | None) -> bool:
    if served is None:
        return False
    scorer = served.scorer
    return (scorer.name, scorer.version, scorer.digest) == (pointer.name, pointer.version, pointer.digest)
