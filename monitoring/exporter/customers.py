"""Customers: how many there are, what is at stake, and what is known of them; sums over all predictions."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from churn import metrics
from churn.stores.business import BusinessStore
from churn.stores.counts import CountStore
from monitoring.exporter.facts import Facts, alone, from_zero

SEEN_WITHIN = timedelta(days=30)
CHURNED = from_zero([("0",), ("1",)])


def customer_facts(engine: Engine, model: str) -> Facts:
    """Return sums that take seconds over a million predictions: not for every scrape."""
    now = datetime.now(UTC)
    counts = CountStore(engine, model)
    customers, loss, profit = (defaultdict[tuple[str, ...], float](float) for _ in range(3))
    for group in BusinessStore(engine).groups(model, since=now - SEEN_WITHIN):
        segment = group.segment or ""
        customers[segment, group.risk_level] += group.customers
        loss[segment,] += group.expected_loss
        profit[segment,] += group.expected_profit
    return {
        metrics.CUSTOMERS: customers,
        metrics.REVENUE_AT_RISK: loss,
        metrics.EXPECTED_PROFIT: profit,
        metrics.PREDICTIONS_STORED: counts.predictions(),
        metrics.OUTCOMES_STORED: {**CHURNED, **counts.outcomes()},
        metrics.CUSTOMERS_COUNTED: alone(now.timestamp()),
    }
