"""What chance alone does to a window, and what the thresholds make of it."""

import numpy as np
import pytest

from churn.bundle.files import OUTPUT
from churn.contract.contract import Contract
from churn.contract.table import Columns
from monitoring.comparing import _change, _psi_of_chance, _thresholds, label_windows
from monitoring.drift_parameters import read_drift_parameters
from monitoring.measures import PSI
from monitoring.windows import Window
from tests.bundles import random_columns

DRAWS = 4000
LIVE, REFERENCE = 200, 5000


def test_psi_exceeds_its_chance_as_often_as_it_says() -> None:
    rng, shares = np.random.default_rng(0), np.full(10, 0.1)
    live = rng.multinomial(LIVE, shares, DRAWS) / LIVE
    reference = rng.multinomial(REFERENCE, shares, DRAWS) / REFERENCE
    live = np.maximum(live, 1e-4)
    psi = ((live - reference) * np.log(live / reference)).sum(axis=1)
    labels = np.arange(10)

    limit = _psi_of_chance(np.resize(labels, LIVE), np.resize(labels, REFERENCE), 0.01)

    assert np.mean(psi >= limit) == pytest.approx(0.01, abs=0.006)


def test_a_share_changes_by_chance_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    labels = np.array(["(missing)", "known"], dtype=object)
    draws = [
        _change(labels[rng.binomial(1, 0.7, LIVE)], labels[rng.binomial(1, 0.7, REFERENCE)], "(missing)", 0.05)
        for _ in range(1000)
    ]

    assert np.mean([abs(change) >= limit for change, limit in draws]) == pytest.approx(0.05, abs=0.02)


def test_a_small_window_needs_more_and_a_large_one_the_parameter(telco: Contract) -> None:
    parameters = read_drift_parameters()

    small = _thresholds(*label_windows(telco, window(telco, 200), window(telco, 5000), parameters), parameters)
    large = _thresholds(*label_windows(telco, window(telco, 5000), window(telco, 5000), parameters), parameters)

    assert small[OUTPUT, PSI] > 1.5 * parameters.psi_threshold
    assert large[OUTPUT, PSI] == parameters.psi_threshold


def test_one_outlier_hides_no_drift(telco: Contract) -> None:
    """Bins are the reference's: with bins over both windows, one large value would put all others into the first."""
    reference, live = window(telco, 1000), window(telco, 1000)
    live.columns["MonthlyCharges"][:500] += 50
    live.columns["MonthlyCharges"][0] = 1e6

    of_live, of_reference = label_windows(telco, live, reference, read_drift_parameters())

    top = max(of_reference["MonthlyCharges"])
    assert np.mean(of_live["MonthlyCharges"] == top) > 2 * np.mean(of_reference["MonthlyCharges"] == top)


def window(contract: Contract, rows: int) -> Window:
    columns: Columns = random_columns(contract, rows, seed=rows)
    return Window(columns, np.random.default_rng(rows).uniform(size=rows))
