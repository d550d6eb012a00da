"""Live traffic: customers of a world's first month sent to running doors, and what becomes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from churn.client import Client
from churn.contract.contract import Contract
from churn.data.simulation.month import Month
from churn.data.simulation.simulation import simulate
from churn.data.simulation.world import World
from churn.scoring.prediction import utc_text
from cli.simulation.bodies import bodies
from cli.simulation.sending import ONCE_EACH, Pace, Sent, send

OUTCOMES_AT_ONCE = 1_000
OUTCOME_SECONDS = 30.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Doors:
    """Where to send, and with which API key."""

    urls: Sequence[str]
    api_key: str | None = None


def send_world(
    world: World, contract: Contract, doors: Doors, *, pace: Pace = ONCE_EACH, tell: Tell = lambda _: None
) -> tuple[Month, Sent]:
    """Send the customers of a world's first month.

    Returns:
        The month, whose rows `Sent.customers` counts; and what came back.
    """
    month = next(simulate(replace(world, months=1)))
    sent = send(
        bodies(contract, month.columns, month.customer_ids), doors.urls, pace=pace, api_key=doors.api_key, tell=tell
    )
    return month, sent


def require_right_to_tell(doors: Doors) -> None:
    """Tell the doors no outcome at all: better refused now than after everything was sent.

    Raises:
        ApiError: the key may not bring outcomes.
        UnreachableError: no door answered.
    """
    with _client(doors) as door:
        door.outcomes([])


def send_outcomes(month: Month, sent: Sent, doors: Doors) -> int:
    """Tell the doors now what becomes of everybody who was answered; return how many outcomes were new.

    They are observed now, so they count once the contract's horizon has passed.

    Raises:
        ApiError: a door refused them.
        UnreachableError: no door answered.
    """
    observed = utc_text(datetime.now(UTC))
    last = dict(zip(sent.customers, sent.prediction_ids, strict=True))
    found = [
        {
            "customer_id": str(month.customer_ids[row]),
            "churned": bool(month.left[row]),
            "observed_at": observed,
            "prediction_id": prediction_id,
        }
        for row, prediction_id in last.items()
    ]
    with _client(doors) as door:
        parts = (found[first : first + OUTCOMES_AT_ONCE] for first in range(0, len(found), OUTCOMES_AT_ONCE))
        return sum(door.outcomes(part).accepted for part in parts)


def _client(doors: Doors) -> Client:
    return Client(doors.urls, api_key=doors.api_key, timeout_seconds=OUTCOME_SECONDS, try_seconds=OUTCOME_SECONDS)
