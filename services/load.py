"""Load: how many requests a worker has in hand, and how many it may have."""

MOST_IN_FLIGHT = 256


class Load:
    """Counted by the front, shown by the keeper; the front's is the only thread that counts.

    Attributes:
        most: requests at a time. One more is told at once to come again, so that those in hand stay quick.
        now: in hand.
    """

    __slots__ = ("_peak", "most", "now")

    def __init__(self, most: int = MOST_IN_FLIGHT) -> None:
        self.most = most
        self.now = 0
        self._peak = 0

    def begin(self) -> None:
        """Take one request in hand."""
        self.now += 1
        if self.now > self._peak:  # noqa: PLR1730  a call of max() costs as much as all the rest of this
            self._peak = self.now

    def end(self) -> None:
        """Let go of one."""
        self.now -= 1

    def take_peak(self) -> int:
        """Return the most that were in hand at a time since this was asked last."""
        peak, self._peak = self._peak, self.now
        return peak
