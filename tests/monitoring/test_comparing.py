"""Two windows side by side."""

import numpy as np
import pytest

from churn.bundle.files import OUTPUT
from churn.contract.contract import Contract
from churn.contract.table import Columns
from monitoring.comparing import Compared, label_windows, measure_drift
from monitoring.drift_parameters import read_drift_parameters
from monitoring.measures import MISSING_CHANGE, NEW_SHARE, PSI, UNKNOWN_CHANGE, Measure
from monitoring.windows import Window
from tests.bundles import random_columns


def test_a_small_window_needs_more_and_a_large_one_the_parameter(telco: Contract) -> None:
    small = compared(telco, window(telco, 200), window(telco, 2000))
    large = compared(telco, window(telco, 3000), window(telco, 2000))

    psi = read_drift_parameters().psi_threshold
    assert measure_of(small, OUTPUT, PSI).threshold > 1.2 * psi
    assert measure_of(large, OUTPUT, PSI).threshold == psi


def test_one_outlier_hides_no_drift(telco: Contract) -> None:
    """Bins are the reference's: with bins over both windows, one large value would put all others into the first."""
    reference, live = window(telco, 1000), window(telco, 1000)
    live.columns["MonthlyCharges"][:500] += 50
    live.columns["MonthlyCharges"][0] = 1e6

    of_live, of_reference = label_windows(telco, live, reference, read_drift_parameters())

    top = max(of_reference["MonthlyCharges"])
    assert np.mean(of_live["MonthlyCharges"] == top) > 2 * np.mean(of_reference["MonthlyCharges"] == top)


def test_a_new_category_is_counted_apart_from_those_that_the_reference_has_too(telco: Contract) -> None:
    live, reference = window(telco, 500), window(telco, 1000)
    reference.columns["PaymentMethod"][:300] = "PayPal"
    live.columns["PaymentMethod"][:150] = "PayPal"
    live.columns["PaymentMethod"][150:250] = "crypto"
    live.columns["PaymentMethod"][250:253] = "a customer's own words"

    found = compared(telco, live, reference)

    assert measure_of(found, "PaymentMethod", UNKNOWN_CHANGE).value == pytest.approx(253 / 500 - 0.3)
    assert measure_of(found, "PaymentMethod", NEW_SHARE).value == pytest.approx(103 / 500)
    assert measure_of(found, "PaymentMethod", NEW_SHARE).is_drifted
    (novelty,) = found.novelties
    assert (novelty.categories, novelty.rows, novelty.named) == (2, 103, (("crypto", 100),))


def test_a_column_that_can_not_tell_anything_is_named_with_the_reason(telco: Contract) -> None:
    live, reference = window(telco, 300), window(telco, 1000)
    for one in (live, reference):
        one.columns["TotalCharges"][:] = np.nan
        one.columns["gender"][:] = "Female"
    live.columns["Partner"][:] = ""
    reference.columns["Dependents"][:] = ""

    found = compared(telco, live, reference)

    assert found.remarks == {
        "TotalCharges": "has no value in either window: nothing can be compared",
        "gender": "has one and the same value in both windows: nothing can be compared",
        "Partner": "has no value in the live window",
        "Dependents": "has no value in the reference",
    }
    assert not any(one.is_drifted for one in found.measures if one.column in {"TotalCharges", "gender"})
    assert measure_of(found, "Partner", MISSING_CHANGE).is_drifted
    assert measure_of(found, "Dependents", MISSING_CHANGE).value < -0.9


def test_empty_constant_and_one_sided_columns_are_compared_like_any_other(telco: Contract) -> None:
    live, reference = window(telco, 300), window(telco, 1000)
    live.columns["TotalCharges"][:] = np.nan
    live.columns["PaymentMethod"][:] = "cheque by pigeon"
    live.columns["tenure"][:] = 1

    found = compared(telco, live, reference)

    assert measure_of(found, "TotalCharges", MISSING_CHANGE).value > 0.9
    assert measure_of(found, "PaymentMethod", UNKNOWN_CHANGE).value == 1
    assert all(measure_of(found, name, PSI).is_drifted for name in ("TotalCharges", "PaymentMethod", "tenure"))
    assert all(np.isfinite(one.value) for one in found.measures)


def compared(contract: Contract, live: Window, reference: Window) -> Compared:
    return measure_drift(contract, live, reference, read_drift_parameters())


def measure_of(found: Compared, column: str, method: str) -> Measure:
    (measure,) = (one for one in found.measures if (one.column, one.method) == (column, method))
    return measure


def window(contract: Contract, rows: int) -> Window:
    columns: Columns = random_columns(contract, rows, seed=rows)
    return Window(columns, np.random.default_rng(rows).uniform(size=rows))
