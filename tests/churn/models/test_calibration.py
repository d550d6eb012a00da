from collections import Counter
from functools import cache

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline

from churn.errors import TableError, UsageError
from churn.evaluation.metrics import calibration_slope
from churn.features.graph import GraphBuilder
from churn.models.calibration import CalibratedPipeline, probability_onnx
from churn.models.calibrators import METHODS, NARROWEST, Calibrator, Curve, Line, fit_isotonic
from churn.models.cross_fitting import SMALLEST, choose_method, cross_fit

DISTORTIONS = {
    "right": lambda margin: margin,
    "too sure": lambda margin: 2 * margin,
    "too shy": lambda margin: 0.5 * margin,
    "shifted": lambda margin: margin + 1,
    "s-shaped": lambda margin: 2.5 * np.tanh(margin / 1.2) + 0.25 * margin,
}
RIGHT_METHODS = {
    "right": "none",
    "too sure": "temperature",
    "too shy": "temperature",
    "shifted": "sigmoid",
    "s-shaped": "isotonic",
}


def judged(rows: int, distortion: str, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a distorted model says, who left, and the true probability; 27 % leave, ROC-AUC 0.84."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(-1.5, 1.6, rows)
    truth = expit(margin)
    return DISTORTIONS[distortion](margin), (rng.random(rows) < truth).astype(np.int8), truth


@cache
def chosen(rows: int, distortion: str, *, seed: int) -> str:
    said, target, _ = judged(rows, distortion, seed=seed)
    fold_of = np.random.default_rng(seed).integers(0, 5, rows)
    return choose_method({name: cross_fit(name, said, target, fold_of) for name in METHODS}, target)[0]


def by_graph(calibrator: Calibrator, margins: np.ndarray) -> np.ndarray:
    model = CalibratedPipeline(Pipeline([("model", LogisticRegression())]))
    model.calibrator_ = calibrator
    graph = GraphBuilder()
    made = graph.build(probability_onnx(model, graph, graph.number_input("margin")), "out").SerializeToString()
    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"margin": margins.astype(np.float32).reshape(-1, 1)})[0])


def customers(rows: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Five copies of one signal with a known true probability: naive Bayes counts it five times."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=rows)
    truth = expit(1.2 * signal - 0.8)
    noisy = {f"x{copy}": signal + rng.normal(scale=0.3, size=rows) for copy in range(5)}
    return pd.DataFrame(noisy), (rng.random(rows) < truth).astype(np.int8), truth


class Counting(ClassifierMixin, BaseEstimator):
    """Says how often it saw a row: 0.9 for a row that it was fitted on, else 0.1."""

    def fit(self, frame: pd.DataFrame, target: np.ndarray) -> "Counting":
        self.seen_ = set(frame["row"])
        self.classes_ = np.unique(target)
        return self

    def predict_proba(self, frame: pd.DataFrame) -> np.ndarray:
        leaving = np.where(frame["row"].isin(self.seen_), 0.9, 0.1)
        return np.column_stack([1 - leaving, leaving])


def counted(rows: int = 40) -> tuple[CalibratedPipeline, pd.DataFrame, np.ndarray]:
    model = CalibratedPipeline(Pipeline([("model", Counting())]), method="none", folds=4)
    return model, pd.DataFrame({"row": range(rows)}), np.tile([0, 1], rows // 2)


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_the_method_that_undoes_a_known_distortion_is_mostly_chosen(distortion: str) -> None:
    found = Counter(chosen(5000, distortion, seed=seed) for seed in range(7))

    assert found.most_common(1)[0][0] == RIGHT_METHODS[distortion]
    assert found[RIGHT_METHODS[distortion]] >= 4


@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_the_calibration_slope_of_a_known_distortion_is_repaired(distortion: str) -> None:
    slopes = []
    for seed in range(4):
        said, target, _ = judged(5000, distortion, seed=seed)
        unseen, outcome, _ = judged(20_000, distortion, seed=seed + 100)
        calibrator = METHODS[chosen(5000, distortion, seed=seed)](said, target)
        slopes.append(calibration_slope(outcome, calibrator.probability(unseen)))

    assert 0.95 <= np.mean(slopes) <= 1.05
    assert min(slopes) > 0.9
    assert max(slopes) < 1.1


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("distortion", DISTORTIONS)
def test_the_graph_of_a_calibrator_equals_numpy(name: str, distortion: str) -> None:
    said, target, _ = judged(3000, distortion, seed=1)
    calibrator = METHODS[name](said, target)
    margins = np.concatenate([np.linspace(-40, 40, 4001), said]).astype(np.float32)

    ends = logit([SMALLEST, 1 - SMALLEST])
    by_numpy = calibrator.probability(np.clip(margins.astype(float), *ends))

    assert np.abs(by_graph(calibrator, margins) - by_numpy).max() <= 5e-6


@given(
    said=st.lists(st.floats(-28, 28), min_size=1, max_size=300),
    name=st.sampled_from(sorted(METHODS)),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_no_calibrator_ever_falls_or_reaches_certainty(said: list[float], name: str, seed: int) -> None:
    log_odds = np.array(said)
    calibrator = METHODS[name](log_odds, np.random.default_rng(seed).integers(0, 2, len(said)))
    margins = np.linspace(-30, 30, 601)

    probability = calibrator.probability(margins)

    assert (np.diff(probability) >= 0).all()
    assert ((probability >= 0) & (probability <= 1)).all()
    assert np.isfinite(calibrator.log_odds(margins)).all()
    np.testing.assert_allclose(expit(calibrator.log_odds(margins)), probability, atol=1e-9)


def test_an_isotonic_curve_is_nowhere_too_steep_for_float32() -> None:
    said = np.repeat([-1.0, -0.99, 2.0], 400)
    target = np.repeat([0, 1, 1], 400)

    curve = fit_isotonic(said, target)

    assert (np.diff(curve.centres) >= NARROWEST).all()
    assert 0 < min(curve.values) <= max(curve.values) < 1


def test_a_signal_turned_round_is_levelled_and_not_reversed() -> None:
    said, target, _ = judged(2000, "right", seed=3)

    for name in ("temperature", "sigmoid", "isotonic"):
        probability = METHODS[name](-said, target).probability(np.array([-3.0, 0.0, 3.0]))
        assert (np.diff(probability) >= 0).all()
        assert np.ptp(probability) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_an_overconfident_model_is_calibrated(seed: int) -> None:
    frame, target, _ = customers(3000, seed=seed)
    unseen, outcome, truth = customers(6000, seed=seed + 100)
    raw = GaussianNB().fit(frame, target).predict_proba(unseen)[:, 1]

    model = CalibratedPipeline(Pipeline([("model", GaussianNB())]), folds=5, seed=seed).fit(frame, target)
    calibrated = model.predict_proba(unseen)[:, 1]

    assert calibration_slope(outcome, raw) < 0.5
    assert 0.85 < calibration_slope(outcome, calibrated) < 1.15
    assert abs(calibrated.mean() - truth.mean()) < 0.02
    assert np.abs(calibrated - truth).mean() < 0.08


def test_steps_that_are_better_by_chance_alone_are_not_taken() -> None:
    found = Counter(chosen(1000, "right", seed=seed) for seed in range(20))

    assert found["isotonic"] == 0
    assert found["none"] >= 12


def test_calibration_keeps_the_order_of_customers() -> None:
    frame, target, _ = customers(1000, seed=1)
    model = CalibratedPipeline(Pipeline([("model", LogisticRegression())]), folds=3).fit(frame, target)

    calibrated = model.predict_proba(frame)[:, 1]

    order = np.argsort(model.pipeline_.predict_proba(frame)[:, 1])
    assert (np.diff(calibrated[order]) >= 0).all()


def test_out_of_fold_scores_are_not_those_of_a_model_that_saw_the_row() -> None:
    model, frame, target = counted()

    model.fit(frame, target)

    np.testing.assert_allclose(model.out_of_fold_, 0.1)
    np.testing.assert_allclose(model.predict_proba(frame)[:, 1], 0.9)


def test_a_row_s_calibrator_never_saw_it() -> None:
    """When the one leaver among low scores is left out, nothing says that low scores ever leave."""
    said, target = np.linspace(-3, 3, 200), np.repeat([0, 1], 100)
    target[10] = 1
    alone = np.zeros(200, int)
    alone[10] = 1

    assert cross_fit("isotonic", said, target, alone)[10] < fit_isotonic(said, target).probability(said)[10]


def test_the_caller_s_folds_are_used_and_rows_that_none_tests_have_no_score() -> None:
    model, frame, target = counted()
    forward = [(np.arange(20), np.arange(20, 30)), (np.arange(30), np.arange(30, 40))]

    model.fit(frame, target, forward)

    assert np.isnan(model.out_of_fold_[:20]).all()
    assert np.isnan(model.margins_[:20]).all()
    np.testing.assert_allclose(model.out_of_fold_[20:], 0.1)
    np.testing.assert_allclose(expit(model.margins_[20:]), 0.1)


def test_one_test_fold_is_enough_to_calibrate_and_to_judge_the_calibration() -> None:
    frame, target, _ = customers(2000, seed=5)

    model = CalibratedPipeline(Pipeline([("model", GaussianNB())])).fit(
        frame, target, [(np.arange(1000), np.arange(1000, 2000))]
    )

    assert model.brier_["none"] > model.brier_["temperature"]
    assert model.calibrator_.name != "none"
    assert np.isfinite(model.out_of_fold_[1000:]).all()


def test_the_brier_score_of_the_chosen_method_is_that_of_the_out_of_fold_scores() -> None:
    frame, target, _ = customers(1500, seed=4)
    model = CalibratedPipeline(Pipeline([("model", GaussianNB())])).fit(frame, target)

    assert set(model.brier_) == set(METHODS)
    assert model.brier_[model.calibrator_.name] == pytest.approx(brier_score_loss(target, model.out_of_fold_))


def test_twenty_leavers_among_three_hundred_are_calibrated_without_isotonic() -> None:
    frame, _, truth = customers(300, seed=6)
    target = (np.argsort(np.argsort(-truth)) < 20).astype(np.int8)

    model = CalibratedPipeline(Pipeline([("model", GaussianNB())]), folds=30).fit(frame, target)

    assert "isotonic" not in model.brier_
    assert np.isfinite(model.out_of_fold_).all()
    assert model.predict_proba(frame)[:, 1].mean() == pytest.approx(20 / 300, abs=0.03)


def test_three_leavers_are_enough_to_fit_on() -> None:
    frame, _, truth = customers(60, seed=6)
    target = (np.argsort(np.argsort(-truth)) < 3).astype(np.int8)

    model = CalibratedPipeline(Pipeline([("model", LogisticRegression())])).fit(frame, target)

    assert np.isfinite(model.predict_proba(frame)).all()


def test_one_leaver_is_refused_with_what_is_needed() -> None:
    frame, _, _ = customers(50, seed=6)

    with pytest.raises(TableError, match=r"1 customers left and 49 stayed.* at least 2 of each"):
        CalibratedPipeline(Pipeline([("model", GaussianNB())])).fit(frame, np.eye(50)[0])


def test_a_fold_that_trains_on_stayers_alone_is_named() -> None:
    model, frame, _ = counted()
    target = np.repeat([0, 1], 20)

    with pytest.raises(TableError, match="fold 1 of 1 trains on customers who all left or all stayed"):
        model.fit(frame, target, [(np.arange(20), np.arange(20, 40))])


def test_tested_rows_of_one_kind_are_refused() -> None:
    model, frame, target = counted()

    with pytest.raises(TableError, match="the customers that the folds test all left or all stayed"):
        model.fit(frame, target, [(np.arange(20), np.arange(20, 40, 2))])


def test_a_method_that_does_not_exist_is_refused_with_those_that_do() -> None:
    frame, target, _ = customers(100, seed=1)

    with pytest.raises(UsageError, match="no calibration 'beta': it is auto, none, temperature, sigmoid, isotonic"):
        CalibratedPipeline(Pipeline([("model", GaussianNB())]), method="beta").fit(frame, target)


def test_a_prediction_is_the_likelier_class() -> None:
    frame, target, _ = customers(500, seed=2)
    model = CalibratedPipeline(Pipeline([("model", LogisticRegression())]), folds=3).fit(frame, target)

    assert np.array_equal(model.predict(frame), model.predict_proba(frame).argmax(axis=1))


@pytest.mark.parametrize(
    "calibrator", [Line("sigmoid", 0.1, 0.2), Curve((-2.0, 1.0), (0.1, 0.7)), Curve((0.0,), (0.3,))]
)
def test_beyond_the_ends_of_probability_the_graph_still_equals_the_pipeline(calibrator: Calibrator) -> None:
    """With a small slope a log-odds of 60 and one of 28, where probabilities end, are not the same."""
    margins = np.array([-60, -28, -5, 0, 5, 28, 60], np.float32)

    by_pipeline = calibrator.probability(logit(np.clip(expit(margins.astype(float)), SMALLEST, 1 - SMALLEST)))

    np.testing.assert_allclose(by_graph(calibrator, margins), by_pipeline, atol=1e-5)
