"""Sightings: what the company saw of a customer after a prediction, and the label that it makes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Silence = Literal["unknown", "stayed"]
"""What it means that nothing was ever heard of a customer; 'stayed' where a company reports leavers only."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Whether a customer had left, when somebody looked.

    Attributes:
        observed_at: UTC, 24 characters that sort as time does; so are all moments here.
        churned: 1 or 0.
        prediction_id: the one prediction that it answers; None: all of the customer's.
    """

    observed_at: str
    churned: int
    prediction_id: str | None = None


@dataclass(frozen=True, slots=True)
class Horizon:
    """The time after one prediction in which leaving counts.

    Attributes:
        begins_at: when it was predicted.
        ends_at: a horizon later.
        settled_at: one horizon later still. Who comes back until then had not left; who comes back later had.
    """

    begins_at: str
    ends_at: str
    settled_at: str


@dataclass(frozen=True, slots=True)
class Label:
    """What became of a customer within the horizon.

    Attributes:
        churned: 1, 0, or None when it is not known.
        is_contradicted: somebody saw the customer leave, and somebody saw him there later: the later one is believed.
    """

    churned: int | None
    is_contradicted: bool = False


UNKNOWN = Label(None)


def label_of(prediction_id: str, horizon: Horizon, sightings: Sequence[Sighting], silence: Silence) -> Label:
    """Label one prediction whose outcome is due.

    Args:
        prediction_id: of the prediction.
        horizon: its times.
        sightings: of its customer, all that are known, in the order of time.
        silence: what it means that nothing was heard since.
    """
    mine = [one for one in sightings if one.prediction_id in (None, prediction_id)]
    if _had_left(mine, horizon):
        return UNKNOWN
    since = [one for one in mine if one.observed_at > horizon.begins_at]
    place = next((n for n, one in _backwards(since) if one.churned and one.observed_at <= horizon.ends_at), None)
    if place is None:
        return Label(_when_not_seen_leaving(since, horizon, _assumed(sightings, mine, silence)))
    is_back = any(not one.churned and one.observed_at <= horizon.settled_at for one in since[place + 1 :])
    if not is_back:
        return Label(1)
    return Label(_when_not_seen_leaving(since[place + 1 :], horizon, None), is_contradicted=True)


def _backwards(sightings: Sequence[Sighting]) -> Iterator[tuple[int, Sighting]]:
    return reversed(list(enumerate(sightings)))


def _had_left(sightings: Sequence[Sighting], horizon: Horizon) -> bool:
    """Say whether the customer was gone already when the prediction was made: it has nothing to be right about."""
    before = [one for one in sightings if one.observed_at <= horizon.begins_at]
    return bool(before and before[-1].churned)


def _when_not_seen_leaving(sightings: Sequence[Sighting], horizon: Horizon, assumed: int | None) -> int | None:
    """Whoever is seen at the end of the horizon, or leaves after it, stayed through it."""
    return 0 if any(one.observed_at >= horizon.ends_at for one in sightings) else assumed


def _assumed(sightings: Sequence[Sighting], mine: Sequence[Sighting], silence: Silence) -> int | None:
    """What was said of another prediction of this customer is no silence."""
    return 0 if silence == "stayed" and len(mine) == len(sightings) else None
