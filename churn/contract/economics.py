"""What a customer is worth, what keeping one costs, and how sure the company is that an offer works."""

from typing import Literal

from pydantic import Field, model_validator

from churn.contract.part import ColumnName, Part


class Beta(Part):
    """A Beta distribution: (6, 14) says 30 %, and that 12 % to 52 % would not surprise."""

    alpha: float = Field(gt=0)
    beta: float = Field(gt=0)

    @property
    def mean(self) -> float:
        """The expected share, 0 … 1."""
        return self.alpha / (self.alpha + self.beta)


class Economics(Part):
    """What a customer is worth and what keeping one costs, in `currency`."""

    value_column: ColumnName | None = None
    """Numeric column with the customer's revenue per month: worth = revenue · horizon · margin."""

    customer_value: float | None = Field(default=None, ge=0)
    """The worth of every customer, when no column says it; after margin, over the whole horizon."""

    value_from: Literal["horizon", "survival"] = "horizon"
    """survival: the months that count are those that the customer is expected to stay, at most the horizon."""

    currency: str = "USD"
    horizon_months: int = Field(default=12, ge=1)
    margin_ratio: float = Field(default=1.0, gt=0, le=1)
    contact_cost: float = Field(default=1.0, ge=0)
    offer_cost: float = Field(default=10.0, ge=0)
    offer_success: Beta = Beta(alpha=6, beta=14)
    """Share of leavers who stay when they get the offer."""

    @model_validator(mode="after")
    def _knows_one_value(self) -> "Economics":
        if (self.value_column is None) is (self.customer_value is None):
            raise ValueError("name either `value_column` or `customer_value`")
        if self.value_from == "survival" and self.value_column is None:
            raise ValueError("`value_from: survival` needs `value_column`: revenue per month")
        return self
