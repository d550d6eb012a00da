"""Which columns customers are grouped by."""

from typing import Literal

from pydantic import Field

from churn.contract.part import ColumnName, Part


class Segmentation(Part):
    """Groups of alike customers, found by KMeans on these columns."""

    columns: tuple[ColumnName, ...] = Field(min_length=1)
    """Input or derived columns; numbers are scaled, categories count as one column each."""

    count: int | Literal["auto"] = "auto"
    """Number of segments. auto: chosen between 2 and 8 by stability and silhouette; 4 when nothing is better."""
