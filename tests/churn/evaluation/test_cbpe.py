import json

import numpy as np
import pytest
from scipy.special import expit

from benchmarks.eyes.nannyml_oracle import FROZEN
from churn.contract.economics import Economics
from churn.evaluation.cbpe import expect
from churn.evaluation.observed import Answers, observe

ORACLE = json.loads(FROZEN.read_text())
ECONOMICS = Economics(customer_value=300)
SAME = {"average_precision": "pr_auc"}


def answers(probability: np.ndarray, threshold: float = 0.3) -> Answers:
    return Answers(probability, probability >= threshold, np.full(len(probability), 300.0), threshold)


def customers(rows: int, seed: int) -> np.ndarray:
    return np.asarray(expit(np.random.default_rng(seed).normal(-1.3, 1.4, rows)))


@pytest.mark.parametrize("case", list(ORACLE["cases"]))
def test_what_is_expected_is_what_nannyml_expects(case: str) -> None:
    frozen = ORACLE["cases"][case]
    found = expect(answers(np.array(frozen["probabilities"]), ORACLE["threshold"]), None)

    for name, value in frozen["estimates"].items():
        ours = found[SAME.get(name, name)].value
        # NannyML integrates the precision-recall curve by another rule, which differs in the fourth place.
        assert ours == pytest.approx(value, abs=1e-4 if name == "average_precision" else 1e-12), name


LATER = ("roc_auc", "pr_auc", "brier", "lift_at_10_percent", "precision", "base_rate", "profit")


@pytest.fixture(scope="module")
def covered() -> dict[str, float]:
    """How often the band of each measure held what the same customers showed later."""
    found = [were_covered(seed) for seed in range(60)]
    return {name: float(np.mean([one[name] for one in found])) for name in LATER}


def were_covered(seed: int) -> dict[str, bool]:
    probability = customers(300, seed)
    left = (np.random.default_rng(seed + 1000).random(300) < probability).astype(np.int64)
    band = expect(answers(probability), ECONOMICS, draws=100, seed=seed)
    later = observe(answers(probability), left, ECONOMICS, resamples=2)
    return {name: band[name].low <= later[name].value <= band[name].high for name in LATER}


@pytest.mark.parametrize("measure", LATER)
def test_the_band_holds_the_figure_that_is_observed_later(covered: dict[str, float], measure: str) -> None:
    assert covered[measure] > 0.85


def test_customers_who_are_harder_to_tell_apart_are_expected_to_be_ranked_worse() -> None:
    clear, blurred = customers(2000, 1), expit(np.random.default_rng(1).normal(-1.3, 0.5, 2000))

    assert expect(answers(blurred), None)["roc_auc"].high < expect(answers(clear), None)["roc_auc"].low


def test_probabilities_that_no_longer_hold_are_not_seen_before_the_outcomes_are() -> None:
    probability = customers(2000, 2)
    left = (np.random.default_rng(3).random(2000) < 0.25).astype(np.int64)  # nobody leaves for the known reasons

    expected, seen = expect(answers(probability), None), observe(answers(probability), left, None, resamples=50)

    assert expected["roc_auc"].low > 0.75
    assert seen["roc_auc"].high < 0.6


def test_equal_probabilities_share_a_place() -> None:
    found = expect(answers(np.full(100, 0.5), 0.5), None)

    assert found["roc_auc"].value == 0.5
    assert found["brier"].value == 0.25
    assert found["at_risk"].value == 1


def test_certain_outcomes_have_no_ranking_and_no_error() -> None:
    found = expect(answers(np.zeros(50)), None)

    assert np.isnan(found["roc_auc"].value)
    assert found["base_rate"].high == 0
