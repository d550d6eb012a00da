"""The parameters of the drift job, from `parameters/drift.yaml`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from churn.parameters import read_parameter_file

FILE = Path(__file__).parent / "parameters" / "drift.yaml"


class DriftParameters(BaseModel):
    """What counts as drift, and how much data it takes to say so. The file explains each value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_hours: float = Field(gt=0)
    max_rows: int = Field(ge=1)
    min_rows: int = Field(ge=1)
    number_bins: int = Field(ge=2, le=50)
    max_categories: int = Field(ge=2, le=200)
    psi_threshold: float = Field(gt=0)
    false_alarm_probability: float = Field(gt=0, lt=1)
    jensenshannon_threshold: float = Field(gt=0, lt=1)
    missing_share_threshold: float = Field(gt=0, le=1)
    unknown_share_threshold: float = Field(gt=0, le=1)
    drifted_share_threshold: float = Field(gt=0, le=1)
    kept_reports: int = Field(ge=1)


def read_drift_parameters(path: Path = FILE) -> DriftParameters:
    """Read the parameters.

    Raises:
        UsageError: a value does not fit, with its name.
    """
    return read_parameter_file(path, DriftParameters)
