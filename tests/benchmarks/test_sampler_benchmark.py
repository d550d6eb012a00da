from pathlib import Path

import numpy as np

from benchmarks.learn_sampler import FEWEST_CUSTOMERS, smoothed_shares
from benchmarks.sampler import DISTANCES, FLOOR_ROC_AUC, Row, logistic, markdown, read_customers, roc_auc
from benchmarks.sampler import synthetic_customers as synthetic


def test_a_model_of_synthetic_customers_tells_real_ones_apart(telco_file: Path) -> None:
    real = read_customers(telco_file)

    assert roc_auc(logistic(0), synthetic(len(real), 0), real) >= FLOOR_ROC_AUC


def test_synthetic_customers_are_like_the_real_ones(telco_file: Path) -> None:
    real = read_customers(telco_file)
    sample = synthetic(20_000, 0)

    assert DISTANCES["max abs Δ share of a category"](real, sample) < 0.02
    assert DISTANCES["max abs Δ share of a pair of categories"](real, sample) < 0.035
    assert DISTANCES["max abs Δ churn rate in a category"](real, sample) < 0.04


def test_a_cell_of_few_customers_is_not_kept() -> None:
    codes = np.array([0] * 1000 + [1] * (FEWEST_CUSTOMERS - 1))
    parents = codes.copy()

    shares = smoothed_shares(codes, [parents], [2, 2])

    assert np.allclose(shares[1], np.bincount(codes) / len(codes))
    assert shares[0, 0] > 0.99


def test_a_table_names_mean_range_and_goal() -> None:
    assert markdown([Row("speed", (1.0, 3.0), "≥ 1", decimals=0)]).splitlines()[-1] == "| speed | 2 | 1 … 3 | ≥ 1 |"
