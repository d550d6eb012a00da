"""Live customers later than both trainings: what the doors recorded of them, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import Engine

from churn.contract.contract import Contract
from churn.contract.table import Columns, check_table
from churn.stores.labelled import LabelledPrediction, LabelledStore
from pipelines.gating.sides import Side
from pipelines.parameters import read_parameters
from pipelines.retraining.live import live_customers
from pipelines.retraining.parameters import RetrainParameters


@dataclass(frozen=True, slots=True)
class Later:
    """Live customers whose outcome is due, and whom both contracts can read.

    Attributes:
        customers: whose rows they are; one may have several, a snapshot apart.
        churned: 1 or 0.
        columns: graph-ready, for the candidate's contract and for production's.
        since: when the first was predicted, as `churn.scoring.prediction.utc_text` writes it.
        until: when the last was.
    """

    customers: Sequence[str]
    churned: Sequence[int]
    columns: tuple[Columns, Columns]
    since: str
    until: str


def later_customers(candidate: Side, production: Side, engine: Engine) -> Later | None:
    """Return the live customers that were predicted after both trainings had begun; None: there are none.

    Raises:
        StoreError: the database does not answer.
    """
    found = _due(candidate, production, engine)
    contracts = [side.scorer.contract for side in (candidate, production)]
    if not found or not (kept := _readable(contracts, found)):
        return None
    ours, theirs = (_columns(contract, kept) for contract in contracts)
    moments = sorted(one.prediction.predicted_at for one in kept)
    return Later(
        customers=[one.prediction.customer_id for one in kept],
        churned=[one.churned for one in kept],
        columns=(ours, theirs),
        since=moments[0],
        until=moments[-1],
    )


def _due(candidate: Side, production: Side, engine: Engine) -> list[LabelledPrediction]:
    parameters, contract = read_parameters("retrain", RetrainParameters), candidate.scorer.contract
    oldest = datetime.now(UTC) - timedelta(days=parameters.history_days)
    since = max(candidate.trained_at, production.trained_at, oldest)
    store = LabelledStore(engine, silence=parameters.silence, delay=timedelta(days=parameters.delay_days))
    found = live_customers(
        store,
        candidate.bundle.name,
        horizon=timedelta(days=contract.target.horizon_days),
        after=parameters.after(contract),
        length=parameters.snapshot(contract),
        since=since,
    )
    # Snapshots lie on a fixed grid: the first may begin before.
    return [one for one in found if datetime.fromisoformat(one.prediction.predicted_at) >= since]


def _readable(contracts: Sequence[Contract], found: Sequence[LabelledPrediction]) -> list[LabelledPrediction]:
    """Leave out whom a contract does not hold for: both versions are judged on the same rows."""
    is_kept = np.ones(len(found), bool)
    for contract in contracts:
        accepted = np.zeros(len(found), bool)
        accepted[check_table(contract, _raw(contract, found)).accepted - 1] = True
        is_kept &= accepted
    return [one for one, kept in zip(found, is_kept, strict=True) if kept]


def _columns(contract: Contract, found: Sequence[LabelledPrediction]) -> Columns:
    return check_table(contract, _raw(contract, found)).columns


def _raw(contract: Contract, found: Sequence[LabelledPrediction]) -> dict[str, list[object]]:
    return {name: [one.prediction.inputs.get(name) for one in found] for name in contract.columns}
