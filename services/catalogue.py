"""The catalogue: the registry's versions with what is known of each, as a file that workers read without a network."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from churn.errors import NotFoundError, StoreError
from churn.scoring.prediction import utc_text
from churn.stores.registry import CANARY, DIGEST_TAG, PRODUCTION, SHADOW, RegisteredBundle, TrainingFacts
from services.exchange import read_note, write_note
from services.listed import Catalogue, Listed, Measure
from services.mirror import connect_registry
from services.settings import ServiceSettings

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
RUNS_AT_ONCE = 25
"""Runs that one look reads: an old registry with thousands of versions must not be asked for all at once."""

UNKNOWN = TrainingFacts({}, None, None)
HELD_OUT, CROSS_VALIDATED, MONEY = "holdout_", "cv_", "money_"
ENDS = ("_low", "_high")


class Registry(Protocol):
    """What the catalogue asks of the registry."""

    def versions(self, name: str) -> list[RegisteredBundle]:
        """Return all versions, the newest first."""

    def aliases(self, name: str) -> dict[str, int]:
        """Return the version of each alias."""

    def training(self, run_id: str) -> TrainingFacts:
        """Return what a run knows."""


class Cataloguer:
    """Keeps `<home>/catalogue.json` equal to the registry."""

    def __init__(self, settings: ServiceSettings, connect: Callable[[], Registry] | None = None) -> None:
        self._settings = settings
        self._connect = connect or (lambda: connect_registry(settings))
        self._registry: Registry | None = None
        self._facts: dict[str, TrainingFacts] = {}
        self._look_at = 0.0

    def look(self) -> None:
        """Look at the registry, about every five seconds, whenever it is called.

        Never raises: while the registry is away the file stays as it is, and the mirror tells of it.
        """
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        try:
            self._renew()
        except (StoreError, OSError) as error:
            log.warning("catalogue not renewed", extra={"reason": str(error)})

    def _renew(self) -> None:
        self._registry = self._registry or self._connect()
        versions = self._registry.versions(self._settings.model)
        self._learn(self._registry, versions)
        aliases = self._registry.aliases(self._settings.model)
        found = Catalogue(
            name=self._settings.model,
            production=aliases.get(PRODUCTION),
            canary=aliases.get(CANARY),
            shadow=aliases.get(SHADOW),
            versions=tuple(_listed(one, aliases, self._facts.get(one.run_id, UNKNOWN)) for one in versions),
        )
        if found != read_note(Catalogue, self._settings.catalogue_file):
            write_note(found, self._settings.catalogue_file)

    def _learn(self, registry: Registry, versions: list[RegisteredBundle]) -> None:
        """Read runs that are not known yet; what an evaluated run says does not change."""
        unknown = [one.run_id for one in versions if one.run_id not in self._facts]
        for run_id in list(dict.fromkeys(unknown))[:RUNS_AT_ONCE]:
            try:
                self._facts[run_id] = registry.training(run_id) if run_id else UNKNOWN
            except NotFoundError:
                self._facts[run_id] = UNKNOWN


def _listed(one: RegisteredBundle, aliases: Mapping[str, int], facts: TrainingFacts) -> Listed:
    names = sorted(alias for alias, version in aliases.items() if version == one.version)
    held_out = _measures(facts.metrics, HELD_OUT)
    threshold = held_out.pop("threshold", None)
    return Listed(
        version=one.version,
        aliases=tuple(names),
        stage=next((name for name in (PRODUCTION, CANARY, SHADOW) if name in names), "none"),
        status=one.tags.get("validation_status", ""),
        candidate=one.tags.get("candidate", ""),
        contract=one.tags.get("contract", ""),
        digest=one.digest,
        run_id=one.run_id,
        registered_at=_moment(one.created_at),
        tags={name: value for name, value in one.tags.items() if name != DIGEST_TAG},
        training_rows=facts.rows,
        evaluated_at=None if facts.evaluated_at is None else _moment(facts.evaluated_at),
        evaluation_rows=_whole(one.tags.get("parity_rows")),
        threshold=threshold.value if threshold else None,
        metrics=held_out,
        cross_validated=_measures(facts.metrics, CROSS_VALIDATED),
        money={name.removeprefix(MONEY): value for name, value in facts.metrics.items() if name.startswith(MONEY)},
    )


def _measures(metrics: Mapping[str, float], prefix: str) -> dict[str, Measure]:
    """Gather `<prefix>roc_auc`, `…_low` and `…_high` into one measure each."""
    own = {name.removeprefix(prefix): value for name, value in metrics.items() if name.startswith(prefix)}
    return {
        name: Measure(value=value, low=own.get(f"{name}_low"), high=own.get(f"{name}_high"))
        for name, value in sorted(own.items())
        if not name.endswith(ENDS)
    }


def _moment(seconds: float) -> str:
    return utc_text(datetime.fromtimestamp(seconds, UTC))


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
