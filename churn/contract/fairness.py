"""How different the model may be for groups of people."""

from pydantic import Field

from churn.contract.part import Part


class Fairness(Part):
    """Largest gaps between the groups of a protected column that the gate lets pass."""

    max_recall_gap: float = Field(default=0.1, gt=0, le=1)
    """Leavers found in one group and not in another (equal opportunity, Hardt et al., 2016)."""

    smallest_group: int = Field(default=50, ge=1)
    """Groups with fewer leavers are reported, and not judged."""
