import numpy as np
import onnxruntime
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline

from churn.evaluation.metrics import calibration_slope
from churn.features.graph import GraphBuilder
from churn.models.calibration import SMALLEST, CalibratedPipeline, probability_onnx


def customers(rows: int, *, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Five copies of one signal with a known true probability: naive Bayes counts it five times."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=rows)
    truth = expit(1.2 * signal - 0.8)
    noisy = {f"x{copy}": signal + rng.normal(scale=0.3, size=rows) for copy in range(5)}
    return pd.DataFrame(noisy), (rng.random(rows) < truth).astype(np.int8), truth


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


def test_calibration_keeps_the_order_of_customers() -> None:
    frame, target, _ = customers(1000, seed=1)
    model = CalibratedPipeline(Pipeline([("model", LogisticRegression())]), folds=3).fit(frame, target)

    calibrated = model.predict_proba(frame)[:, 1]

    order = np.argsort(model.pipeline_.predict_proba(frame)[:, 1])
    assert (np.diff(calibrated[order]) >= 0).all()


def test_out_of_fold_scores_are_not_those_of_a_model_that_saw_the_row() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{i}": rng.normal(size=150) for i in range(60)})
    target = rng.integers(0, 2, 150)
    model = CalibratedPipeline(Pipeline([("model", LogisticRegression(C=100, max_iter=5000))]), folds=5).fit(
        frame, target
    )

    seen = ((model.pipeline_.predict_proba(frame)[:, 1] >= 0.5) == target).mean()
    held_out = ((model.out_of_fold_ >= 0.5) == target).mean()

    assert seen > 0.75
    assert held_out < 0.65


def test_a_prediction_is_the_likelier_class() -> None:
    frame, target, _ = customers(500, seed=2)
    model = CalibratedPipeline(Pipeline([("model", LogisticRegression())]), folds=3).fit(frame, target)

    assert np.array_equal(model.predict(frame), model.predict_proba(frame).argmax(axis=1))


def test_beyond_the_ends_of_probability_the_graph_still_equals_the_pipeline() -> None:
    """With a small slope a log-odds of 60 and one of 28, where probabilities end, are not the same."""
    model = CalibratedPipeline(Pipeline([("model", LogisticRegression())]))
    model.slope_, model.intercept_ = 0.1, 0.2
    margins = np.array([-60, -28, -5, 0, 5, 28, 60], np.float32)
    graph = GraphBuilder()
    made = graph.build(probability_onnx(model, graph, graph.number_input("margin")), "out").SerializeToString()
    session = onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])

    by_graph = session.run(None, {"margin": margins.reshape(-1, 1)})[0]

    by_pipeline = expit(0.1 * logit(np.clip(expit(margins.astype(float)), SMALLEST, 1 - SMALLEST)) + 0.2)
    np.testing.assert_allclose(by_graph, by_pipeline, atol=1e-5)
