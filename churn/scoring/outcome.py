"""An outcome: what became of a customer, as it is sent, stored and joined to predictions."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from churn.scoring.prediction import utc_text

DAY = re.compile(r"^\d{4}-\d{2}-\d{2}\Z")
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
FLAGS = {"1": True, "0": False, "true": True, "false": False, "yes": True, "no": False}
SKEW = timedelta(minutes=5)
"""How far clocks of other machines may be ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Whether one customer had left, when somebody looked.

    Attributes:
        churned: 1 or 0.
        observed_at: UTC, as `utc_text` writes it.
        prediction_id: the prediction that it answers, when the sender knows.
        source: who brought it.
    """

    model_name: str
    customer_id: str
    churned: int
    observed_at: str
    prediction_id: str | None = None
    source: str

    @property
    def outcome_id(self) -> str:
        """Return the same id for the same fact: who sends it, and how often, is of no matter."""
        facts = (self.model_name, self.customer_id, self.observed_at, str(self.churned))
        return hashlib.sha256("\x1f".join(facts).encode()).hexdigest()


def read_moment(value: object) -> datetime:
    """Read ISO-8601 with a time zone, or a plain day, which means its first moment in UTC.

    Raises:
        ValueError: it is something else, before 1970, or in the future.
    """
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None:
        raise ValueError("must be a day like 2026-10-01, or a moment like 2026-10-01T12:00:00Z")
    if found.tzinfo is None:
        if not DAY.match(str(value)):
            raise ValueError("the moment lacks its time zone: write Z at its end, or +01:00")
        found = found.replace(tzinfo=UTC)
    if found < EARLIEST:
        raise ValueError("must not be before 1970")
    if found > datetime.now(UTC) + SKEW:
        raise ValueError("is in the future: an outcome is what was seen")
    return found


def _flag(value: object) -> bool:
    found = FLAGS.get(str(value).strip().lower())
    if found is None:
        raise ValueError("must be true or false, 1 or 0, yes or no")
    return found


class OutcomeIn(BaseModel):
    """One outcome as it is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_id: str = Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")
    churned: Annotated[bool, BeforeValidator(_flag)] = Field(description="true: the customer had left.")
    observed_at: Annotated[datetime, BeforeValidator(read_moment)] = Field(
        description="When that was seen: a moment with its time zone, or a day."
    )
    prediction_id: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")

    def outcome(self, model_name: str, source: str) -> Outcome:
        """Return it as it is stored."""
        return Outcome(
            model_name=model_name,
            customer_id=self.customer_id,
            churned=int(self.churned),
            observed_at=utc_text(self.observed_at),
            prediction_id=self.prediction_id,
            source=source,
        )
