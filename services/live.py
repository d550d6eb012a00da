"""The live model: the one reference that requests read, replaced as a whole when production moves."""

import gc
import logging
import time
from dataclasses import dataclass

from churn.errors import BundleError, ModelNotReadyError
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from services import telemetry
from services.exchange import Pointer, read_note
from services.settings import Door, ServiceSettings

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """One version at one door: a request takes it once, so that no answer mixes two versions."""

    scorer: Scorer
    meters: telemetry.VersionMeters
    headers: dict[str, str]
    """Headers of every answer of this version."""

    json_headers: list[tuple[bytes, bytes]]
    """The same, and the content type, as ASGI wants them."""


class LiveModel:
    """What this worker serves now.

    Attributes:
        served: None until the first bundle is loaded; never None after that.
        failures: how many times a bundle was refused.
        problem: why the last one was refused; empty when it was not.
    """

    def __init__(self, door: Door, settings: ServiceSettings) -> None:
        self.served: Served | None = None
        self.loaded_at = 0.0
        self.failures = 0
        self.problem = ""
        self._door = door
        self._settings = settings
        self._seen: tuple[int, ...] = ()
        self._retry_at = 0.0

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
        """Load what the pointer names, if it has changed. Whatever fails, the version that is served stays."""
        stamp = self._stamp()
        if stamp == self._seen and time.monotonic() < self._retry_at:
            return
        self._seen, self._retry_at = stamp, float("inf")
        pointer = read_note(Pointer, self._settings.pointer_file)
        if pointer is None or pointer.name != self._settings.model or self._is_served(pointer):
            return
        try:
            self.use(self._load(pointer))
        except BundleError as error:
            self._refuse(pointer, error)

    def use(self, scorer: Scorer) -> None:
        """Serve a scorer from the next request on."""
        before = self.served.scorer if self.served else None
        headers = {"x-served-by": self._door, "x-model-version": str(scorer.version)}
        self.loaded_at = time.time()
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        json_headers = [*raw, (b"content-type", b"application/json")]
        self.served = Served(scorer, telemetry.VersionMeters(self._door, scorer), headers, json_headers)
        self.problem = ""
        telemetry.show_model(self._door, scorer, loaded_at=self.loaded_at, before=before)
        log.info("model live", extra={"version": scorer.version, "digest": scorer.digest[:12]})

    def _stamp(self) -> tuple[int, ...]:
        try:
            found = self._settings.pointer_file.stat()
        except OSError:
            return ()
        return (found.st_ino, found.st_mtime_ns, found.st_size)

    def _is_served(self, pointer: Pointer) -> bool:
        if self.served is None:
            return False
        scorer = self.served.scorer
        return (scorer.name, scorer.version, scorer.digest) == (pointer.name, pointer.version, pointer.digest)

    def _load(self, pointer: Pointer) -> Scorer:
        folder = self._settings.bundle_folder / pointer.digest
        scorer = load_scorer(folder, name=pointer.name, version=pointer.version, digest=pointer.digest)
        gc.collect()
        gc.freeze()  # what a model and its libraries are made of lives on: full collections need not walk it
        return scorer

    def _refuse(self, pointer: Pointer, error: BundleError) -> None:
        self.failures += 1
        self.problem = str(error)
        self._retry_at = time.monotonic() + min(2.0**self.failures, LONGEST_PAUSE_SECONDS)
        telemetry.LOAD_FAILURES.labels(self._door).inc()
        log.error("bundle refused: the version before stays", extra={"version": pointer.version, "reason": str(error)})
