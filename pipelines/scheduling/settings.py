"""Settings of the scheduler: how often each stage runs, and how long it may take."""

from pydantic import Field

from churn.settings import Settings

DAY = 24 * 60.0


class ScheduleSettings(Settings):
    """Minutes between the beginnings of two runs of a stage; 0: it is not run."""

    drift_minutes: float = Field(default=DAY, ge=0)
    performance_minutes: float = Field(default=DAY, ge=0)
    retrain_minutes: float = Field(default=DAY, ge=0)
    """How often it is decided whether to train anew; that is seldom the case."""

    reports_minutes: float = Field(default=DAY, ge=0)

    audit_minutes: float = Field(default=DAY, ge=0)
    """How often the whole log of predictions and moves is verified."""

    stage_limit_minutes: float = Field(default=60, gt=0)
    """A stage that takes longer hangs, and is ended."""

    retrain_limit_minutes: float = Field(default=12 * 60, gt=0)
    """The same for a retraining, which searches."""
