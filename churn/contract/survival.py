"""How long a customer has been one, for time-to-churn curves."""

from typing import Literal

from churn.contract.part import ColumnName, Part


class Survival(Part):
    """Contractual setting: the table says how long each customer has stayed, and the target who has left since."""

    duration: ColumnName
    """Numeric input column: how long the customer has been one."""

    unit: Literal["days", "weeks", "months", "years"] = "months"
