"""Looking on: at the doors and the records, look by look, until something speaks against the version or time is up."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.tracking import Say
from pipelines.watching.diary import Diary, Look
from pipelines.watching.doors import Watchtower
from pipelines.watching.parameters import WatchParameters
from pipelines.watching.recorded import Records
from pipelines.watching.rules import objections

TOLD_EVERY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What is looked at, from where, and by which bounds."""

    tower: Watchtower
    diary: Diary
    records: Records
    parameters: WatchParameters
    say: Say

    def looks(self) -> Iterator[tuple[Look, tuple[str, ...]]]:
        """Yield each look, and everything that speaks against the version by then; ends when the time is up."""
        began, told = time.monotonic(), 0.0
        while True:
            due = time.monotonic() + self.parameters.every
            look = self.diary.note(self.tower.look())
            self.records.read()
            against = self.against()
            if look.at - told >= TOLD_EVERY_SECONDS or len(self.diary.looks) == 1:
                told = look.at
                self.say(self.words(look))
            yield look, against
            if time.monotonic() - began >= self.parameters.seconds:
                return
            time.sleep(max(0.0, due - time.monotonic()))

    def against(self) -> tuple[str, ...]:
        """Return everything that speaks against the version by now."""
        return (*objections(self.diary, self.parameters), *self._mismatch())

    def words(self, look: Look) -> str:
        """Tell how it stands."""
        counts, asked = look.counts, len(self.tower.urls)
        away = "; the records are out of reach" if self.records.away else ""
        return (
            f"version {self.diary.version}: served by {len(look.serving)} of {asked} doors after {look.at:.0f} s; "
            f"{counts.predictions:,.0f} predictions, {counts.failures:,.0f} failed, {counts.broken:,.0f} broken "
            f"answers; {self.records.replayed:,} computed again, {self.records.mismatched:,} otherwise{away}"
        )

    def _mismatch(self) -> Iterator[str]:
        if self.records.mismatched > self.parameters.most_mismatched:
            yield (
                f"{self.records.mismatched:,} of {self.records.replayed:,} recorded predictions are not what its "
                "bundle says"
            )
