"""How customers are held out: rows that belong together stay together, and the future is not used for the past."""

from churn.contract.part import ColumnName, Part


class Validation(Part):
    """Columns of the table that say how to hold rows out; they are no inputs of the model."""

    group: ColumnName | None = None
    """Rows with the same value (one household, one person seen twice) are never in training and test at once."""

    time: ColumnName | None = None
    """Date of the row, ISO-8601: the newest rows are held out, and no fold is tested on older rows."""
