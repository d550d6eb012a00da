"""A diary of what was seen of a version since it was let in: one entry a look."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from churn import metrics
from churn.metric_page import Page
from pipelines.watching.counts import Counts, read_counts, total
from pipelines.watching.doors import Pages

LEAST_BESIDE = 50
"""With fewer predictions of production beside a canary, production is judged by all that it did before."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the doors showed at one moment.

    Attributes:
        at: seconds since the diary was begun.
        counts: of the version, and of the doors, since then.
        answering: doors that showed their metrics.
        serving: of those, doors that serve the version, to all or as the canary.
        refusing: of those, doors whose home set a bundle aside.
        in_hand: requests that the doors had in hand.
    """

    at: float
    counts: Counts
    answering: frozenset[str]
    serving: frozenset[str]
    refusing: frozenset[str]
    in_hand: float


@dataclass(slots=True)
class Diary:
    """All looks at one version, and what there was before.

    Attributes:
        version: that is watched.
        rival: that it is held against: the one before, or production beside a canary.
        is_beside: the rival serves at the same time, and is counted from the beginning of the diary only.
    """

    version: int
    rival: int | None
    is_beside: bool = False
    clock: Callable[[], float] = time.monotonic
    looks: list[Look] = field(default_factory=list)
    _first: dict[str, Page] = field(default_factory=dict)
    _newest: dict[str, Page] = field(default_factory=dict)
    _doors: Counts | None = None
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    def begin(self, pages: Pages) -> None:
        """Take these pages, from before the version was let in, for the beginning."""
        self._first.update({url: page for url, page in pages.items() if page is not None})
        self._doors = None

    def note(self, pages: Pages) -> Look:
        """Write down a look."""
        seen = {url: page for url, page in pages.items() if page is not None}
        for url, page in seen.items():
            if url not in self._first:
                self._first[url], self._doors = page, None
        self._newest.update(seen)
        look = Look(
            at=self.clock() - self._began,
            counts=self._grown(self.version),
            answering=frozenset(seen),
            serving=frozenset(url for url, page in seen.items() if self._is_served(page)),
            refusing=frozenset(url for url, page in seen.items() if page.total(metrics.QUARANTINED)),
            in_hand=sum(page.total(metrics.HTTP_IN_FLIGHT) for page in seen.values()),
        )
        self.looks.append(look)
        return look

    @property
    def now(self) -> Counts:
        """What was counted of the version until the newest look."""
        return self.looks[-1].counts if self.looks else Counts()

    @property
    def before(self) -> Counts:
        """What there is to hold it against: the rival's counts, and the doors' own from before."""
        if self._doors is None:
            self._doors = total([read_counts(page, self.rival) for page in self._first.values()])
        doors = self._doors
        if self.rival is None:  # doors without a model say so at once: that is no pace to keep up with
            return replace(doors, answering={})
        if not self.is_beside:
            return doors
        beside = self._grown(self.rival)
        if beside.predictions < LEAST_BESIDE:  # the canary answers nearly everybody
            return replace(doors, answering={})
        return Counts(
            predictions=beside.predictions,
            failures=beside.failures,
            requests=doors.requests,
            broken=doors.broken,
            refused=doors.refused,
            scoring=beside.scoring,
        )

    def _grown(self, version: int | None) -> Counts:
        """Doors that are silent now still have what they showed last."""
        return total(
            [
                read_counts(page, version).since(read_counts(self._first[url], version))
                for url, page in self._newest.items()
            ]
        )

    def _is_served(self, page: Page) -> bool:
        if self.is_beside:
            return page.total(metrics.CANARY_SHARE) > 0
        return page.total(metrics.MODEL_INFO, version=str(self.version)) > 0
