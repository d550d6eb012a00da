"""What the gate's stage holds versions to beside their scores."""

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """pipelines/parameters/guards.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_rows: int = Field(default=100, ge=1)
    """Customers whom neither version was made from; fewer can't be judged on."""

    min_of_each_kind: int = Field(default=20, ge=2)
    """Of them, so many left, and so many stayed."""

    max_latency_ratio: float = Field(default=2.0, ge=1)
    """The candidate's time beside production's."""

    free_row_milliseconds: float = Field(default=0.5, ge=0)
    """One customer in no more than this is quick enough, whatever production takes."""

    free_batch_milliseconds: float = Field(default=30.0, ge=0)
    """A thousand customers at once, likewise."""

    max_size_ratio: float = Field(default=5.0, ge=1)
    """The candidate's bundle beside production's."""

    free_megabytes: float = Field(default=20.0, ge=0)
    """A bundle of no more than this is small enough, whatever production's is."""

    max_megabytes: float = Field(default=500.0, gt=0)
    """No bundle is larger."""

    leak_alarm: float = Field(default=0.0001, gt=0, lt=0.5)
    """Probability of a false alarm per column and kind of check, when columns are looked at once more."""
