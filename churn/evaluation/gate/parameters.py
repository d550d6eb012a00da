"""What the gate holds versions to; section `gate` of the parameters."""

from pydantic import BaseModel, ConfigDict, Field


class Gate(BaseModel):
    """pipelines/parameters/gate.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaign_share: float | None = Field(default=0.2, gt=0, le=1)
    """Share of customers that a campaign can contact; None: as many as each version expects to earn with."""

    worth_percent: float = Field(default=1.0, ge=0)
    """The least gain worth a move, in percent of what production earns."""

    min_roc_auc: float = Field(default=0.7, ge=0, le=1)
    """Floor on the rows that are judged on."""

    max_roc_auc_drop: float = Field(default=0.01, ge=0)
    """How much worse than production it may rank the same rows."""

    max_errors_removed: float = Field(default=0.5, gt=0, le=1)
    """Of the pairs that production ranks wrongly, the share that a candidate may rank right (what it gains in ROC-AUC,
    of what was missing to 1); more is taken for a leak, until a person says otherwise."""

    max_brier_rise: float = Field(default=0.005, ge=0)
    """How much worse calibrated and resolved than production it may be on the same rows."""

    max_calibration_error: float = Field(default=0.03, gt=0, lt=1)
    """Mean gap between promised and observed shares (ECE)."""

    max_calibration_slope: float = Field(default=1.25, gt=1)
    """The slope of the outcome on the log-odds lies between its inverse and this; 1 is right."""

    smallest_part: int = Field(default=100, ge=1)
    """Parts with fewer rows are not judged; nor are those with fewer than 20 leavers or stayers."""

    max_part_roc_auc_drop: float = Field(default=0.03, ge=0)
    """How much worse than production it may rank the rows of one part."""

    max_part_profit_drop_percent: float = Field(default=10.0, ge=0)
    """How much less it may earn with one part, in percent of what production earns with it."""
