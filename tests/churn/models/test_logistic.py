import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from churn.contract.contract import Contract
from churn.contract.table import check_table, check_target
from churn.features.frame import raw_frame
from churn.models.bounded_logistic import BoundedLogistic
from churn.models.candidate import Recipe
from churn.models.logistic import CANDIDATE, MOST_CATEGORIES
from churn.models.ramps import RAMPS, Ramps
from tests.churn.models.battery import Sample, check_parity, customers, fit, monotone


def test_on_the_real_table_splines_reach_what_a_straight_line_does_not(telco: Contract, telco_file: Path) -> None:
    with telco_file.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    raw = {name: [row[name] for row in rows] for name in rows[0]}
    checked = check_table(telco, raw)
    target = check_target(telco, raw)[0][checked.accepted - 1]
    folds = StratifiedKFold(10, shuffle=True, random_state=0)

    pipeline = CANDIDATE.build(Recipe(telco, CANDIDATE.defaults))
    frame = raw_frame(checked.columns)
    pooled = cross_val_predict(pipeline, frame, target, cv=folds, method="predict_proba")[:, 1]

    assert roc_auc_score(target, pooled) >= 0.847


def test_the_graph_equals_the_pipeline_to_the_sixth_place(telco: Contract) -> None:
    one = fit(CANDIDATE, telco, customers(telco, 600, seed=1))
    unseen = customers(telco, 5000, seed=2).columns

    assert np.abs(one.graph_scores(unseen) - one.scores(unseen)).max() <= 1e-6


@pytest.mark.parametrize(
    "column",
    [np.zeros(50), np.tile([0, 1], 25), np.r_[np.zeros(49), 1e30], np.arange(50), np.full(50, -0.0)],
    ids=["constant", "yes or no", "one outlier", "even", "minus zero"],
)
def test_ramps_are_made_of_any_column(column: np.ndarray) -> None:
    numbers = column.astype(np.float32)[:, None]

    risen = Ramps().fit(numbers).transform(numbers)

    assert risen.shape == (50, RAMPS)
    assert np.isfinite(risen).all()
    assert ((risen >= 0) & (risen <= 1)).all()


def test_a_column_of_yes_and_no_is_itself_and_a_constant_one_is_nothing() -> None:
    numbers = np.column_stack([np.tile([0, 1], 25), np.full(50, 7)]).astype(np.float32)

    risen = Ramps().fit(numbers).transform(numbers)

    np.testing.assert_array_equal(risen.sum(axis=1), numbers[:, 0])


@given(values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=60))
@settings(max_examples=60, deadline=None)
def test_a_ramp_never_falls_and_is_level_beyond_the_ends(values: list[float]) -> None:
    numbers = np.array(values, np.float32)[:, None]
    ramps = Ramps().fit(numbers)
    inside = np.sort(numbers, axis=0)
    beyond = np.array([[inside[0, 0] - 10], [inside[-1, 0] + 10]], np.float32)

    risen = ramps.transform(np.vstack([beyond[:1], inside, beyond[1:]]))

    assert (np.diff(risen, axis=0) >= 0).all()
    np.testing.assert_array_equal(risen[[0, -1]], risen[[1, -2]])


def test_without_bounds_the_bounded_fit_is_scikit_learn_s() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 5))
    target = (rng.random(400) < expit(features @ [1, -1, 0.5, 0, 2])).astype(int)

    for class_weight in (None, "balanced"):
        plain = LogisticRegression(C=0.7, class_weight=class_weight, tol=1e-8).fit(features, target)
        bounded = BoundedLogistic((0,), C=0.7, class_weight=class_weight).fit(features, target)
        np.testing.assert_allclose(bounded.coef_, plain.coef_, atol=1e-3)
        np.testing.assert_allclose(bounded.predict_proba(features), plain.predict_proba(features), atol=1e-3)


def test_a_weight_that_wants_to_cross_its_bound_stays_at_zero() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(500, 3))
    target = (rng.random(500) < expit(features @ [1.5, -1.5, 1])).astype(int)

    bounded = BoundedLogistic((-1, -1, 0)).fit(features, target)

    assert bounded.coef_[0, 0] == 0
    assert bounded.coef_[0, 1] < -1
    assert bounded.coef_[0, 2] > 0.5


def test_a_monotone_column_keeps_the_shape_that_the_data_show(telco: Contract) -> None:
    """The constraint forbids rising; it does not flatten what falls."""
    sample = customers(telco, 1500, seed=3)
    free, bound = (fit(CANDIDATE, contract, sample) for contract in (telco, monotone(telco)))
    unseen = customers(telco, 2000, seed=4)

    reached = [roc_auc_score(unseen.target, one.scores(unseen.columns)) for one in (free, bound)]

    assert abs(reached[0] - reached[1]) < 0.02


def test_hundreds_of_categories_share_a_weight_beyond_the_hundred_commonest(telco: Contract) -> None:
    columns = {name: column for name, column in telco.columns.items() if name in ("tenure", "PaymentMethod")}
    parts = dict.fromkeys(("economics", "segments", "survival")) | {"offers": ()}
    contract = Contract.model_validate(
        telco.model_dump() | {"columns": columns, "derived": {}, "relations": {}, **parts}
    )
    sample = customers(contract, 900, seed=5)
    named = np.random.default_rng(6).zipf(1.3, 900).clip(max=400).astype(str).astype(object)

    one = fit(CANDIDATE, contract, Sample({**sample.columns, "PaymentMethod": named}, sample.target))

    one_hot = one.fitted.pipeline_["encode"].named_transformers_["categories"]
    assert one_hot.transform(pd.DataFrame({"PaymentMethod": named})).shape[1] == MOST_CATEGORIES
    check_parity(one)
    unknown = {**sample.columns, "PaymentMethod": named.copy()}
    assert np.abs(one.graph_scores(unknown) - one.scores(unknown)).max() <= 1e-6


def test_contributions_are_what_a_feature_adds_to_the_average_customer(telco: Contract) -> None:
    """A customer whose contract alone is changed has another contribution there, and nowhere else."""
    one = fit(CANDIDATE, telco, customers(telco, 500, seed=7))
    few = {name: values[:20] for name, values in one.seen.columns.items()}
    monthly, yearly = ({**few, "Contract": np.full(20, text, dtype=object)} for text in ("Month-to-month", "Two year"))

    (first, base), (second, _) = one.contributions(monthly), one.contributions(yearly)

    moved = np.abs(first - second).max(axis=0) > 1e-6
    assert moved.sum() == 1
    assert (first[:, moved] > second[:, moved]).all()
    assert one.contributions(one.seen.columns)[0].mean(axis=0) == pytest.approx(0, abs=1e-5)
    assert base == pytest.approx(one.margins(one.seen.columns).mean(), abs=1e-4)
