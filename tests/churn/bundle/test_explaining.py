from dataclasses import replace

import numpy as np
import pytest

from churn.bundle.additivity import log_odds, prove_additivity
from churn.bundle.explaining import explanation_graph, shares
from churn.bundle.explanation_session import ExplanationSession
from churn.bundle.making import with_hard_rows
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.errors import BundleError
from churn.features.frame import DerivedColumns, feature_tensors, number_features, raw_frame, text_features
from churn.features.graph import GraphBuilder
from churn.models.calibration import probability_onnx
from churn.models.candidate import Contributions, Target
from tests.bundles import random_columns
from tests.churn.bundle.toy import BASE, TOY, fitted_toy, margin_onnx, terms

Sessions = tuple[GraphSession, ExplanationSession]


@pytest.fixture(scope="module")
def sessions(telco: Contract) -> Sessions:
    """The toy's two graphs."""
    columns = random_columns(telco, 600, seed=1)
    fitted = fitted_toy(telco, columns)
    graph = GraphBuilder()
    margin = margin_onnx(fitted.pipeline_, telco, graph, feature_tensors(telco, graph))
    model = graph.build(probability_onnx(fitted, graph, margin), "churn_probability")
    found = explanation_graph(TOY, fitted, telco, raw_frame(columns))
    assert found is not None
    return GraphSession(model.SerializeToString(), telco), ExplanationSession(found.SerializeToString(), telco)


@pytest.fixture(scope="module")
def customers(telco: Contract) -> Columns:
    columns = random_columns(telco, 2_000, seed=2)
    columns["PaymentMethod"][::7] = "carrier pigeon"
    return with_hard_rows(telco, columns)


def test_contributions_add_up_to_the_log_odds_that_are_served(sessions: Sessions, customers: Columns) -> None:
    scores, reasons = sessions

    total = reasons.explain(customers).astype(np.float64).sum(axis=1)

    assert np.abs(total - log_odds(scores.score(customers))).max() < 1e-4


def test_one_row_and_a_batch_are_explained_alike(sessions: Sessions, customers: Columns) -> None:
    _, reasons = sessions

    batch = reasons.explain(customers)

    rows = range(0, len(batch), 97)
    one_by_one = [reasons.explain_row({name: values[row] for name, values in customers.items()}) for row in rows]
    assert np.abs(batch[::97] - np.array(one_by_one)).max() < 1e-5


def test_each_column_gets_its_own_term_and_its_share_of_those_derived_from_it(
    sessions: Sessions, customers: Columns, telco: Contract
) -> None:
    """Calibration multiplies all of a row's terms by the same factor: their proportions are those of the formula."""
    found = sessions[1].explain(customers).astype(np.float64)
    features = DerivedColumns(telco).transform(raw_frame(customers))
    expected = terms(telco, features) @ shares(telco)

    step = expected.sum(axis=1)
    is_clear = np.abs(step) > 0.1
    factor = found[is_clear, :-1].sum(axis=1) / step[is_clear]
    assert np.abs(found[is_clear, :-1] - expected[is_clear] * factor[:, None]).max() < 1e-4
    assert (factor > 0).all()


def test_a_derived_column_is_shared_equally_by_its_sources(telco: Contract) -> None:
    features, columns = [*number_features(telco), *text_features(telco)], list(telco.columns)

    found = shares(telco)

    assert np.allclose(found.sum(axis=1), 1)
    ratio = found[features.index("charges_per_month_so_far")]
    assert (ratio[columns.index("TotalCharges")], ratio[columns.index("tenure")]) == (0.5, 0.5)
    assert found[features.index("tenure_band")][columns.index("tenure")] == 1


def test_the_base_is_the_same_for_every_row(sessions: Sessions, customers: Columns) -> None:
    assert len(np.unique(sessions[1].explain(customers)[:, -1])) == 1


def test_no_rows_have_no_contributions(sessions: Sessions, customers: Columns, telco: Contract) -> None:
    nobody = {name: values[:0] for name, values in customers.items()}

    assert sessions[1].explain(nobody).shape == (0, len(telco.columns) + 1)


def test_next_to_the_base_the_slope_stands_for_the_ratio_of_two_small_differences(telco: Contract) -> None:
    """Terms that cancel out, or all but: no division by zero or by noise: each is what it is a little further off."""
    columns = random_columns(telco, 200, seed=3)
    fitted = fitted_toy(telco, columns)

    def explained(rest: float) -> np.ndarray:
        def cancelling(pipeline: object, background: object, target: Target) -> Contributions:
            del pipeline, background
            graph, tensors = target
            zero = graph.add("Mul", tensors["tenure"], graph.constant(0.0))
            half, other = (graph.add("Add", zero, graph.constant(value)) for value in (0.5, rest - 0.5))
            others = len(number_features(telco)) + len(text_features(telco)) - 2
            return Contributions(graph.add("Concat", half, other, *[zero] * others, axis=1), BASE)

        model = explanation_graph(replace(TOY, contributions_onnx=cancelling), fitted, telco, raw_frame(columns))
        assert model is not None
        return ExplanationSession(model.SerializeToString(), telco).explain(columns)

    exact, nearly, further = explained(0.0), explained(3e-7), explained(0.001)

    assert np.isfinite(exact).all()
    assert np.abs(exact[:, :-1].sum(axis=1)).max() < 1e-6
    assert np.abs(further[:, :-1]).max() > 0.05
    assert np.abs(exact - further).max() < 0.002
    assert np.abs(nearly - further).max() < 0.002


def test_contributions_that_leave_a_term_out_are_refused(sessions: Sessions, customers: Columns) -> None:
    scores, reasons = sessions
    found = reasons.explain(customers)
    found[4, 2] += 0.001

    with pytest.raises(BundleError, match=r"does not add up .* row 5 of 2003 is \S+e-04 off"):
        prove_additivity(found, scores.score(customers))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_contributions_that_are_no_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(BundleError, match="row 2 of 2"):
        prove_additivity(np.array([[0.0, 0.0], [wrong, 0.0]]), np.array([0.5, 0.5]))


def test_certainty_has_finite_log_odds_and_its_rounding_is_forgiven() -> None:
    nearly = np.float32(1) - np.float32(2.0**-24)

    assert log_odds(np.array([0.0, 1.0])) == pytest.approx([-16.635, 16.635], abs=0.001)
    assert prove_additivity(np.array([[0.1, 16.6]]), np.array([nearly])).max_difference == 0


def test_a_candidate_without_reasons_makes_no_graph_of_them(telco: Contract) -> None:
    columns = random_columns(telco, 200, seed=1)

    def none_yet(pipeline: object, background: object, target: Target) -> Contributions:
        raise NotImplementedError

    silent = replace(TOY, contributions_onnx=none_yet)
    assert explanation_graph(silent, fitted_toy(telco, columns), telco, raw_frame(columns)) is None
