"""What the gate said of versions, as it is kept in the store."""

from sqlalchemy import Engine

from churn import metrics
from churn.stores.gate_verdicts import GateVerdictStore
from monitoring.exporter.facts import Facts, Series


def verdict_facts(engine: Engine, model: str) -> Facts:
    """Return how often the gate said what, and what the version that it judged last would earn."""
    store = GateVerdictStore(engine)
    return {
        metrics.GATE_VERDICTS: {(decision,): float(count) for decision, count in store.counts(model).items()},
        metrics.GATE_PROFIT: _last_difference(store, model),
    }


def _last_difference(store: GateVerdictStore, model: str) -> Series:
    """Nothing, when that version was not held against another."""
    last = store.latest(model)
    if last is None:
        return {}
    bounds = {"value": last.profit_difference, "low": last.profit_low, "high": last.profit_high}
    return {(bound,): amount for bound, amount in bounds.items() if amount is not None}
