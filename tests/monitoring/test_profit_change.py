"""What a drift would cost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.retention.profit import expected_profit
from monitoring.profit_change import compare_profits, measure_profit_change
from monitoring.windows import Window
from tests.bundles import random_columns


def test_only_those_at_risk_earn_and_worth_and_probability_both_move_it(telco: Contract, bundle_folder: Path) -> None:
    """The small bundle's threshold is 0.3; each customer below it is not contacted, and earns nothing."""
    reference = window(random_columns(telco, 400, seed=0), 0.2)
    live = window(random_columns(telco, 300, seed=1), 0.5)

    found = measure_profit_change(bundle_folder, telco, live, reference)

    assert found is not None
    worth = live.columns["MonthlyCharges"].astype(float) * 12 * 0.6
    assert telco.economics is not None
    assert found.before == 0
    assert found.now == pytest.approx(expected_profit(0.5, worth, telco.economics).mean(), rel=1e-6)
    assert found.change == pytest.approx(found.now)
    assert found.low < found.change < found.high
    assert found.is_sure
    assert found.currency == "USD"


def test_without_economics_nobody_knows_what_a_drift_costs(telco: Contract, bundle_folder: Path) -> None:
    plain = telco.model_copy(update={"economics": None, "offers": ()})
    customers = window(random_columns(telco, 20, seed=0), 0.5)

    assert measure_profit_change(bundle_folder, plain, customers, customers) is None


def test_the_interval_covers_no_change_as_often_as_it_says() -> None:
    """Most customers earn nothing, a few much: 200 of them are enough for the normal interval."""
    rng = np.random.default_rng(0)
    pairs = (tuple(rng.exponential(30, rows) * (rng.random(rows) < 0.25) for rows in (200, 5000)) for _ in range(2000))

    covered = np.mean([not compare_profits(now, before, "USD").is_sure for now, before in pairs])

    assert 0.93 < covered < 0.97


def test_the_same_customers_change_nothing() -> None:
    earned = np.array([0.0, 1.0, 5.0])

    found = compare_profits(earned, earned, "EUR")

    assert (found.change, found.is_sure) == (0.0, False)
    assert replace(found, low=0.1).is_sure


def window(columns: Columns, probability: float) -> Window:
    return Window(columns, np.full(len(columns["tenure"]), probability))
