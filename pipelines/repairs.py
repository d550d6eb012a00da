"""Repairs: what a reconciliation is asked for, what it found, and what it did about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pipelines.moves import Order

Kind = Literal["unfinished", "foreign", "stage", "tags", "unknown", "busy"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a reconciliation.

    Attributes:
        is_dry: only say what would be done.
        adopt: why versions that our log does not know are taken in; None: they are not.
    """

    order: Order
    is_dry: bool = False
    adopt: str | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that did not agree.

    Attributes:
        alias: "" for a version that no alias is about.
        is_mended: False: nothing was done; when nobody asked only to look, `words` say what a person may do.
    """

    kind: Kind
    alias: str
    words: str
    is_mended: bool


@dataclass(frozen=True, slots=True)
class Repairs:
    """Those of one reconciliation, in their order."""

    wish: Wish
    found: list[Repair] = field(default_factory=list)

    def mend(self, kind: Kind, alias: str, words: str, act: Callable[[], object]) -> None:
        """Keep what was found and mend it, unless only a look is wanted."""
        if not self.wish.is_dry:
            act()
        self.found.append(Repair(kind, alias, words, is_mended=not self.wish.is_dry))

    def leave(self, kind: Kind, alias: str, words: str) -> None:
        """Keep what was found and is not ours to mend."""
        self.found.append(Repair(kind, alias, words, is_mended=False))
