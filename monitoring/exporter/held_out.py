"""Held-out measures of versions, asked of the registry once for each: what an evaluated run says does not change."""

from collections.abc import Mapping

from churn.errors import NotFoundError
from churn.settings import Settings

PREFIX = "holdout_"
NOT_MEASURES = ("threshold",)
ENDS = ("_low", "_high")


class HeldOutMeasures:
    """Returns what versions were worth on customers that their training never saw."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[int, Mapping[str, float]] = {}

    def of(self, version: int) -> Mapping[str, float]:
        """Return measures by name; none when the version was not evaluated.

        Raises:
            StoreError: the registry did not answer.
        """
        if not self._known.get(version):
            self._known[version] = self._ask(version)
        return self._known[version]

    def _ask(self, version: int) -> Mapping[str, float]:
        from churn.stores.registry import ModelRegistry  # noqa: PLC0415  imports mlflow

        registry = ModelRegistry(self._settings.tracking_uri)
        try:
            found = registry.version(self._settings.model, version)
            return measures_of(registry.training(found.run_id).metrics) if found.run_id else {}
        except NotFoundError:  # its run was deleted
            return {}


def measures_of(logged: Mapping[str, float]) -> dict[str, float]:
    """Return the held-out measures among what a run logged, without the ends of their intervals."""
    own = {name.removeprefix(PREFIX): value for name, value in logged.items() if name.startswith(PREFIX)}
    return {name: value for name, value in own.items() if name not in NOT_MEASURES and not name.endswith(ENDS)}
