"""How a probability becomes a decision."""

from pydantic import Field

from churn.contract.part import Part

RECALL_WITHOUT_ECONOMICS = 0.8


class Policy(Part):
    """How a probability becomes a decision."""

    recall_at_least: float | None = Field(default=None, gt=0, le=1)
    """The threshold finds at least this share of those who leave. Unset: the threshold with the highest expected profit
    when `economics` are given, else the one that finds 80 %."""

    high_risk_from: float = Field(default=0.6, gt=0, lt=1)
    """Probability from which a customer counts as HIGH risk."""
