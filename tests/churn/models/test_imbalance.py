from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from churn.models.imbalance import (
    IMBALANCES,
    MOST_LEAVERS,
    Oversampler,
    class_weight_of,
    resample_step,
    suggest_imbalance,
)


def rows(number: int, *, leavers: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers on very different scales, a tenth of them missing; leavers overlap with the others."""
    rng = np.random.default_rng(seed)
    target = np.zeros(number, np.int8)
    target[rng.choice(number, leavers, replace=False)] = 1
    small = (rng.normal(size=number) + target).astype(np.float32)
    large = (1e4 * rng.normal(size=number)).astype(np.float32)
    frame = pd.DataFrame({"small": small, "large": large, "encoded": rng.random(number)})
    return frame.mask(rng.random(frame.shape) < 0.1).astype({"small": np.float32, "large": np.float32}), target


@pytest.mark.parametrize("method", ["smote", "adasyn"])
def test_leavers_become_as_many_as_stayers(method: str) -> None:
    frame, target = rows(400, leavers=60)

    features, labels = Oversampler(method).fit_resample(frame, target)

    assert labels[400:].all()
    assert labels.mean() == pytest.approx(0.5, abs=0.05)
    assert list(features.dtypes) == list(frame.dtypes)


@pytest.mark.parametrize("method", ["smote", "adasyn"])
def test_real_rows_come_first_and_keep_their_missing_values(method: str) -> None:
    frame, target = rows(400, leavers=60)

    features, labels = Oversampler(method).fit_resample(frame, target)

    pd.testing.assert_frame_equal(features.iloc[:400], frame)
    assert np.array_equal(labels[:400], target)
    assert features.iloc[400:].notna().all().all()


def test_made_up_leavers_lie_among_real_ones() -> None:
    frame, target = rows(400, leavers=60)
    leavers = frame[target == 1]

    made_up = Oversampler("smote").fit_resample(frame, target)[0].iloc[400:]

    assert (made_up.min() >= np.minimum(leavers.min(), frame.median()) - 1e-3).all()
    assert (made_up.max() <= np.maximum(leavers.max(), frame.median()) + 1e-3).all()


def test_a_column_of_large_numbers_does_not_choose_the_neighbours_alone() -> None:
    """Two groups of leavers that only the small column tells apart: nothing is made up between them."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 80) * 10.0
    small = np.concatenate([group + rng.normal(scale=0.01, size=80), rng.normal(5, 5, 300)])
    frame = pd.DataFrame({"small": small, "large": rng.normal(scale=1e4, size=380)})
    target = (np.arange(380) < 80).astype(np.int8)

    made_up = Oversampler("smote").fit_resample(frame, target)[0].iloc[380:]

    between = made_up["small"].between(1, 9).mean()
    assert between < 0.2


@pytest.mark.parametrize("kind", [pd.DataFrame, np.asarray], ids=["frame", "array"])
def test_what_comes_out_is_of_the_kind_that_went_in(kind: Any) -> None:
    frame, target = rows(200, leavers=30)

    assert type(Oversampler("smote").fit_resample(kind(frame), target)[0]) is type(kind(frame))


def test_the_same_seed_makes_up_the_same_rows() -> None:
    frame, target = rows(200, leavers=30)
    one, same, other = (Oversampler("smote", seed=seed).fit_resample(frame, target)[0] for seed in (1, 1, 2))

    assert one.equals(same)
    assert not one.equals(other)


@pytest.mark.parametrize(
    ("leavers", "reason"), [(0, "only one class"), (5, "has 5 rows, and a row needs 5"), (100, "equally many")]
)
@pytest.mark.parametrize("method", ["smote", "adasyn"])
def test_where_nothing_can_be_made_up_the_rows_stay_and_the_reason_is_said(
    method: str, leavers: int, reason: str
) -> None:
    frame, target = rows(200, leavers=leavers)
    sampler = Oversampler(method)

    features, labels = sampler.fit_resample(frame, target)

    assert features.equals(frame)
    assert np.array_equal(labels, target)
    assert reason in (sampler.reason_ or "")


def test_where_leavers_are_plenty_none_are_made_up() -> None:
    frame, target = rows(50_000, leavers=MOST_LEAVERS + 1)
    sampler = Oversampler("adasyn")

    features, _ = sampler.fit_resample(frame, target)

    assert len(features) == 50_000
    assert "20001 rows already" in (sampler.reason_ or "")


def test_adasyn_with_leavers_far_from_all_others_has_nothing_to_do() -> None:
    frame, target = rows(200, leavers=30)
    frame["small"] = np.float32(1000) * target
    frame["large"] = np.float32(1000) * target
    frame["encoded"] = 1000.0 * target
    sampler = Oversampler("adasyn")

    features, _ = sampler.fit_resample(frame, target)

    assert len(features) == 200
    assert "adasyn has nothing to add" in (sampler.reason_ or "")


@pytest.mark.parametrize("name", IMBALANCES)
def test_a_pipeline_with_any_of_them_fits_and_scores_every_row_it_is_given(name: str) -> None:
    frame, target = rows(200, leavers=30)
    fill = FunctionTransformer(np.nan_to_num)
    model = LogisticRegression(class_weight=class_weight_of(name), max_iter=1000)
    pipeline = clone(Pipeline([("fill", fill), resample_step(name, 0), ("model", model)])).fit(frame, target)

    scores = pipeline.predict_proba(frame)[:, 1]

    assert len(scores) == 200
    assert (scores.mean() > 0.3) == (name != "none")


def test_the_search_knows_all_of_them() -> None:
    assert [suggest_imbalance(optuna.trial.FixedTrial({"imbalance": name})) for name in IMBALANCES] == list(IMBALANCES)
