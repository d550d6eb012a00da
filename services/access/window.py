"""Windows: how many requests of one subject were let through in the last minute, in this process."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

STEP_SECONDS = 2
STEPS = 30
"""A minute. Requests are counted by steps, and a step leaves the window as a whole: a steady client that sends exactly
its limit loses a thirtieth at most, and no sliding minute ever holds more than the limit."""

MOST_SUBJECTS = 4096


class Window:
    """Counts what was let through; what was refused does not count. Call it in one thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, _Counts] = OrderedDict()

    def take(self, subject: str, limit: int) -> float:
        """Let one request through, if that is within the limit.

        Returns:
            0: it may go on. Otherwise seconds until the next one may.
        """
        now = self._clock()
        counts = self._of(subject)
        counts.leave_before(int(now // STEP_SECONDS) - STEPS)
        if counts.total >= limit:
            return (counts.oldest + STEPS + 1) * STEP_SECONDS - now
        counts.add(int(now // STEP_SECONDS))
        return 0.0

    def give_back(self, subject: str) -> None:
        """Take the last request of a subject back: somebody else refused it."""
        self._of(subject).take_back()

    def _of(self, subject: str) -> "_Counts":
        counts = self._counts.get(subject)
        if counts is None:
            counts = self._counts[subject] = _Counts()
            if len(self._counts) > MOST_SUBJECTS:
                self._counts.popitem(last=False)
        else:
            self._counts.move_to_end(subject)
        return counts


class _Counts:
    __slots__ = ("_steps", "total")

    def __init__(self) -> None:
        self.total = 0
        self._steps: deque[list[int]] = deque()

    @property
    def oldest(self) -> int:
        return self._steps[0][0]

    def leave_before(self, step: int) -> None:
        while self._steps and self._steps[0][0] < step:
            self.total -= self._steps.popleft()[1]

    def add(self, step: int) -> None:
        if not self._steps or self._steps[-1][0] != step:
            self._steps.append([step, 0])
        self._steps[-1][1] += 1
        self.total += 1

    def take_back(self) -> None:
        if self._steps and self._steps[-1][1]:
            self._steps[-1][1] -= 1
            self.total -= 1
