"""Live customers whose outcome is known: one row for each in every snapshot, however often he was predicted."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from churn.stores.labelled import LabelledPrediction, LabelledStore

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def live_customers(
    store: LabelledStore, model: str, *, horizon: timedelta, after: timedelta, length: timedelta, since: datetime
) -> list[LabelledPrediction]:
    """Return each customer's first prediction of every snapshot, with its outcome, as far as that is due.

    Snapshots lie on a fixed grid, so that the same rows are found again later.

    Args:
        store: of labelled predictions.
        model: its name.
        horizon: the contract's.
        after: from a prediction until its outcome is due: the horizon, and the delay of reports.
        length: of a snapshot.
        since: older predictions are passed over.
    """
    now = datetime.now(UTC)
    found: list[LabelledPrediction] = []
    for begin in _snapshots(since, now - after, length):
        until = min(begin + length, now - after)
        found += store.labelled(model, horizon=horizon, since=begin + after, until=until + after)
    return found


def _snapshots(since: datetime, until: datetime, length: timedelta) -> Iterator[datetime]:
    begin = EPOCH + (since - EPOCH) // length * length
    while begin < until:
        yield begin
        begin += length
