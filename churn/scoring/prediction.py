"""A prediction: one answer of one door, as it is spooled, stored and watched."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Annotated

import orjson
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from churn.errors import ContractError

# PostgreSQL can't store NUL in text; the lengths are those of the columns in churn/stores/tables.py.
Text = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
ShortText = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(allow_inf_nan=False)]
Percentage = Annotated[float, Field(ge=0, le=100)]


@dataclass(frozen=True, slots=True)
class Prediction:
    """One recorded answer. Construction checks nothing (the hot path); `from_json` checks everything."""

    prediction_id: ShortText
    """Key of the record: storing the same id twice stores it once."""

    customer_id: Text
    model_name: ShortText
    model_version: Annotated[int, Field(ge=0, lt=2**31)]
    role: ShortText
    """'production'; 'canary' when that answered, to a share of the customers; 'shadow': nobody heard it."""

    door: ShortText
    """Who answered: 'bento', 'fastapi' …"""

    inputs: Mapping[str, object]
    """The raw columns as they were received: a dict of JSON values."""

    probability: Share
    """Calibrated probability of churn, 0 … 1."""

    threshold: Share
    """Probability from which `churn_prediction` is 1."""

    churn_prediction: Annotated[int, Field(ge=0, le=1)]
    risk_level: ShortText
    predicted_at: Annotated[str, AfterValidator(lambda text: utc_text(_moment(text)))]
    """When it was answered: ISO-8601 in UTC, as `utc_text` writes it."""

    segment: Text | None = None
    """Name of the customer's segment. This and what follows are None in records of versions without it."""

    expected_loss: Amount | None = None
    """Revenue at risk, in the contract's currency."""

    expected_profit: Amount | None = None
    """Of contacting the customer, in the contract's currency."""

    priority_score: Percentage | None = None
    """Whom to call first."""

    def to_json(self) -> bytes:
        """Return the record as one line of JSON, without the line's end."""
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, line: bytes) -> "Prediction":
        """Read what `to_json` wrote.

        Raises:
            ContractError: the line is no prediction; the message names the fields, never their values.
        """
        try:
            return _adapter().validate_json(line, strict=True)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)
            faults = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'line'}: {each['msg']}" for each in problems)
            raise ContractError(f"not a prediction record: {faults}") from error


def utc_text(moment: datetime) -> str:
    """Write a moment in UTC with milliseconds: 24 characters that sort as time does.

    Args:
        moment: must know its time zone.
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_now() -> str:
    """Return the time now, as `utc_text` writes it."""
    return utc_text(datetime.now(UTC))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the moment lacks its time zone")
    return moment


@cache
def _adapter() -> TypeAdapter[Prediction]:
    return TypeAdapter(Prediction)
