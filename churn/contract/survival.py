"""How long a customer has been one, for time-to-churn curves."""

from typing import Literal

from pydantic import Field

from churn.contract.part import ColumnName, Part


class Survival(Part):
    """Contractual setting: the table says how long each customer has stayed, and the target who has left since."""

    duration: ColumnName
    """Numeric input column: how long the customer has been one."""

    unit: Literal["days", "weeks", "months", "years"] = "months"

    watched_months: float | None = Field(default=None, gt=0)
    """Leavers of the last so many months are in the table, and none from before; unset: everybody who ever left is."""
