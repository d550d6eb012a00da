"""A month: the customers who are there, what is recorded of them, and the truth that nobody else knows."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from churn.data.simulation.chance import MONTH_DAYS
from churn.data.simulation.people import Flags, Floats


@dataclass(frozen=True, slots=True)
class Month:
    """One month; each array has the shape (rows,), and days count from `start`.

    Attributes:
        number: from 1.
        start: its first moment.
        customer_ids: str objects.
        columns: what is recorded: float64 with NaN for missing, or str objects with "" for missing.
        seen_days: when each customer is looked at; 0 for those who are followed.
        hazard: true chance of leaving within 30 days from then, with what campaigns do.
        hazard_without: the same without any campaign.
        probability: true probability of leaving within the horizon from then, without any campaign.
        left_days: when each leaves; NaN: not within 30 days.
        would_leave: whether each would leave within 30 days without any campaign.
        is_contacted: whether a campaign's contact has its effect now.
        reported_days: when it becomes known who left or stayed; NaN: never.
    """

    number: int
    start: datetime
    customer_ids: np.ndarray
    columns: dict[str, np.ndarray]
    seen_days: Floats
    hazard: Floats
    hazard_without: Floats
    probability: Floats
    left_days: Floats
    would_leave: Flags
    is_contacted: Flags
    reported_days: Floats

    @property
    def rows(self) -> int:
        """How many customers."""
        return len(self.hazard)

    @property
    def left(self) -> Flags:
        """Who leaves."""
        return ~np.isnan(self.left_days)

    @property
    def observed_days(self) -> Floats:
        """When it happened: leaving, or having stayed for 30 days."""
        return np.where(self.left, self.left_days, self.seen_days + MONTH_DAYS)

    @property
    def seen_at(self) -> list[datetime]:
        """When each customer is looked at."""
        return [self._moment(days) for days in self.seen_days.tolist()]

    @property
    def left_at(self) -> list[datetime | None]:
        """When each leaves; None: not within 30 days."""
        return self._moments(self.left_days)

    @property
    def observed_at(self) -> list[datetime]:
        """When leaving or staying is a fact."""
        return [self._moment(days) for days in self.observed_days.tolist()]

    @property
    def reported_at(self) -> list[datetime | None]:
        """When that becomes known; None: never."""
        return self._moments(self.reported_days)

    def _moments(self, days: Floats) -> list[datetime | None]:
        return [None if day != day else self._moment(day) for day in days.tolist()]  # noqa: PLR0124  NaN

    def _moment(self, days: float) -> datetime:
        return self.start + timedelta(days=days)
