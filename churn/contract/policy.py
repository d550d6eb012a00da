"""How a probability becomes a decision, and what that decision is worth."""

from pydantic import Field

from churn.contract.part import ColumnName, Part


class Economics(Part):
    """What a customer is worth and what keeping one costs, in `currency`."""

    value_column: ColumnName
    """Numeric column with the customer's revenue per month."""

    currency: str = "USD"
    horizon_months: int = Field(default=12, ge=1)
    margin_ratio: float = Field(default=1.0, gt=0, le=1)
    contact_cost: float = Field(default=1.0, ge=0)
    offer_cost: float = Field(default=10.0, ge=0)
    offer_success_probability: float = Field(default=0.3, ge=0, le=1)


class Policy(Part):
    """How a probability becomes a decision."""

    recall_at_least: float = Field(default=0.8, gt=0, le=1)
    """The threshold is the highest one that finds this share of those who leave."""

    high_risk_from: float = Field(default=0.6, gt=0, lt=1)
    """Probability from which a customer counts as HIGH risk."""
