"""Parameters of a watch."""

from pydantic import BaseModel, ConfigDict, Field


class WatchParameters(BaseModel):
    """What calls a version off; section `watch` of the parameters. Shares are of what was asked of the version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(default=300, gt=0)
    """How long it is watched."""

    every: float = Field(default=1, gt=0)
    """How often, in seconds."""

    false_alarms: float = Field(default=0.005, gt=0, lt=1)
    """Chance that a version as good as the one before is called off; shared among all looks and rules."""

    max_failed_share: float = Field(default=0.01, ge=0, lt=1)
    """Of the version's customers, so many may fail to be scored."""

    max_broken_share: float = Field(default=0.01, ge=0, lt=1)
    """Of the doors' answers, so many may be failures of ours (500 and more, but for 503)."""

    max_refused_share: float = Field(default=0.05, ge=0, lt=1)
    """Of the doors' answers, so many may be refusals of a customer by the contract (422)."""

    max_slow_ratio: float = Field(default=3, gt=1)
    """The slowest tenth may take so many times longer than before."""

    slow_seconds: float = Field(default=0.005, gt=0)
    """Faster than this nothing is slow, whatever it was before."""

    slow_looks: int = Field(default=8, ge=1)
    """In so many looks, and in half of all, it has to be slow: a machine that is busy now and then is no slow one."""

    taken_seconds: float = Field(default=15, gt=0)
    """By then a door has to serve the version."""

    silent_seconds: float = Field(default=10, gt=0)
    """Doors that answered, served the version and then say nothing for so long are down, and with it."""

    stalled_seconds: float = Field(default=10, gt=0)
    """Doors that have requests in hand and answer none for so long hang."""

    most_mismatched: int = Field(default=2, ge=0)
    """So many recorded predictions may differ from what the version's bundle says."""

    min_predictions: int = Field(default=1, ge=0)
    """Fewer than so many predictions of the version say nothing: the watch ends as not seen, which is no pass."""

    @property
    def looks(self) -> int:
        """How often the doors are looked at, at most."""
        return max(1, round(self.seconds / self.every))
