from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.bundle.files import MODEL, DecisionPolicy
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.scoring.scorer import Scorer
from tests.bundles import random_columns


@pytest.fixture(scope="module")
def scorer(bundle_folder: Path) -> Scorer:
    return load_scorer(bundle_folder, name="churn", version=3)


@given(st.lists(st.floats(0, 1), max_size=30))
@settings(max_examples=60, deadline=None)
def test_one_decision_and_many_are_the_same(scorer: Scorer, probabilities: list[float]) -> None:
    predictions, levels = scorer.decide_all(np.array(probabilities))

    decisions = [scorer.decide(probability) for probability in probabilities]
    assert predictions.tolist() == [decision.churn_prediction for decision in decisions]
    assert levels.tolist() == [decision.risk_level for decision in decisions]


def test_a_probability_at_a_bound_belongs_above_it(scorer: Scorer) -> None:
    assert scorer.decide(scorer.threshold).risk_level == "MEDIUM"
    assert scorer.decide(np.nextafter(scorer.threshold, 0)).churn_prediction == 0
    assert scorer.decide(scorer.high_risk_from).risk_level == "HIGH"


def test_high_risk_never_begins_below_the_threshold(telco: Contract, bundle_folder: Path) -> None:
    graph = GraphSession((bundle_folder / MODEL).read_bytes(), telco)
    policy = DecisionPolicy(threshold=0.9, high_risk_from=0.5)

    strict = Scorer(identity=("churn", 1, "digest"), contract=telco, policy=policy, graph=graph)

    assert strict.decide(0.7).risk_level == "LOW"
    assert strict.decide(0.9).risk_level == "HIGH"


def test_a_score_comes_with_its_decision(scorer: Scorer, telco: Contract) -> None:
    columns = random_columns(telco, 1, seed=4)
    row = {name: values[0] for name, values in columns.items()}

    probability, decision = scorer.score_one(row)

    assert probability == pytest.approx(scorer.score_columns(columns)[0], abs=1e-6)
    assert decision == scorer.decide(probability)


def test_a_scorer_names_the_version_it_is(scorer: Scorer) -> None:
    assert (scorer.name, scorer.version) == ("churn", 3)
    assert len(scorer.digest) == 64
