"""Whether the registry's aliases are where our log says that they were moved: MLflow lets anybody move them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from churn.stores.promotions import Promotion

ALIASES = ("production", "canary", "shadow", "staging")
"""Those that we move; others in the registry are their owners' business."""


class Aliases(Protocol):
    """What is asked of the registry."""

    def aliases(self, name: str) -> Mapping[str, int]:
        """Return the version of each alias."""


class Moves(Protocol):
    """What is asked of the log."""

    def last_of_each(self, model_name: str) -> Mapping[str, Promotion]:
        """Return the last move of each alias that was made."""

    def unfinished(self, model_name: str) -> list[Promotion]:
        """Return moves that were prepared and never ended."""


@dataclass(frozen=True, slots=True)
class Stray:
    """An alias that somebody moved behind our back.

    Attributes:
        version: that the alias names; None: there is no such alias.
        logged: that our last move gave it to; None: we never gave it, or took it away.
    """

    alias: str
    version: int | None
    logged: int | None

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.alias} is {_named(self.version)} in the registry and {_named(self.logged)} in our log"


def strays(registry: Aliases, log: Moves, model: str) -> list[Stray]:
    """Return the aliases that are not where our log says, leaving out those that we are moving now.

    The log is read before and after the registry: a move of ours that is made in between is no stray.

    Raises:
        StoreError: the registry or the log did not answer.
    """
    before = _logged(log, model)
    found = registry.aliases(model)
    moving, after = {move.alias for move in log.unfinished(model)}, _logged(log, model)
    return [
        Stray(alias, found.get(alias), after.get(alias))
        for alias in ALIASES
        if alias not in moving and before.get(alias) == after.get(alias) != found.get(alias)
    ]


def _logged(log: Moves, model: str) -> dict[str, int | None]:
    return {alias: move.to_version for alias, move in log.last_of_each(model).items()}


def _named(version: int | None) -> str:
    return "nothing" if version is None else f"version {version}"
