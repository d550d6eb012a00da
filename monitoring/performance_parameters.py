"""The parameters of the performance job, from `parameters/performance.yaml`."""

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from churn.labels.sightings import Silence
from churn.parameters import read_parameter_file

FILE = Path(__file__).parent / "parameters" / "performance.yaml"
COMPARABLE = ("roc_auc", "pr_auc", "brier", "log_loss")


class PerformanceParameters(BaseModel):
    """What is measured, on how many, and what counts as worse. The file explains each value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    delay_days: float = Field(ge=0)
    silence: Silence
    window_days: float = Field(gt=0)
    weeks: int = Field(ge=0, le=104)
    max_rows: int = Field(ge=1)
    min_rows: int = Field(ge=2)
    min_of_each: int = Field(ge=1)
    part_min_rows: int = Field(ge=2)
    part_min_of_each: int = Field(ge=1)
    max_parts: int = Field(ge=0)
    degraded_by: tuple[str, ...]
    false_alarm_probability: float = Field(gt=0, lt=1)
    resamples: int = Field(ge=100)
    part_resamples: int = Field(ge=100)
    kept_reports: int = Field(ge=1)

    @property
    def delay(self) -> timedelta:
        """How late outcomes may come in."""
        return timedelta(days=self.delay_days)

    @field_validator("degraded_by")
    @classmethod
    def _can_be_compared(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted({*names} - {*COMPARABLE}):
            raise ValueError(f"{', '.join(unknown)} can't be compared; there are {', '.join(COMPARABLE)}")
        return names


def read_performance_parameters(path: Path = FILE) -> PerformanceParameters:
    """Read the parameters.

    Raises:
        UsageError: a value does not fit, with its name.
    """
    return read_parameter_file(path, PerformanceParameters)
