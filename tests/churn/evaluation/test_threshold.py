from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import expit, logit

from churn.contract.economics import Economics
from churn.contract.policy import Policy
from churn.evaluation.metrics import threshold_for_recall
from churn.evaluation.scored import Scored
from churn.evaluation.threshold import best_threshold, choose_threshold
from churn.retention.profit import break_even
from tests.churn.evaluation.scores import TEXTBOOK, any_scores, true_scores


def test_with_calibrated_scores_and_equal_worth_the_threshold_is_the_break_even() -> None:
    scored = true_scores(5000, seed=1, value=200)

    best = best_threshold(scored, TEXTBOOK)

    assert best.is_theory
    assert best.value == pytest.approx(float(break_even(200, TEXTBOOK)), abs=0.002)
    assert best.low <= best.value <= best.high


def test_theory_loses_less_profit_than_the_highest_point_of_a_noisy_curve() -> None:
    """Regret on all customers there could be, over samples of 500."""
    large = true_scores(300_000, seed=0, value=200)
    promised = large.probability * (0.3 * 190 + 10) - 11
    ideal = np.maximum(promised, 0).mean()

    def regret(threshold: float) -> float:
        return float(ideal - promised[large.probability >= threshold].sum() / len(large))

    chosen, noisy = [], []
    for seed in range(1, 16):
        sample = true_scores(500, seed=seed, value=200)
        chosen.append(regret(best_threshold(sample, TEXTBOOK).value))
        noisy.append(regret(highest_realised(sample)))

    assert np.mean(chosen) < 0.5 * np.mean(noisy)


def highest_realised(scored: Scored) -> float:
    slope, offset = scored.earnings(TEXTBOOK)
    order = np.argsort(-scored.probability)
    return float(scored.probability[order][np.cumsum((0.3 * slope + offset)[order]).argmax()])


def test_scores_that_promise_too_much_are_not_believed() -> None:
    scored = true_scores(4000, seed=2, value=200)
    inflated = replace(scored, probability=expit(logit(scored.probability) + 1.5))

    best = best_threshold(inflated, TEXTBOOK)
    _, words = choose_threshold(Policy(), TEXTBOOK, inflated)

    assert not best.is_theory
    assert expit(logit(best.value) - 1.5) == pytest.approx(float(break_even(200, TEXTBOOK)), abs=0.05)
    assert "look at calibration" in words


def test_a_wanted_recall_can_only_lower_the_threshold() -> None:
    scored = true_scores(2000, seed=3)
    alone, _ = choose_threshold(Policy(), TEXTBOOK, scored)

    low, words = choose_threshold(Policy(recall_at_least=0.99), TEXTBOOK, scored)
    same, reason = choose_threshold(Policy(recall_at_least=0.2), TEXTBOOK, scored)

    assert low == threshold_for_recall(scored.target, scored.probability, 0.99) < alone
    assert words.startswith(f"lowered from {alone:.3f}")
    assert same == alone
    assert reason.startswith("the expected profit is highest there")


@pytest.mark.parametrize(("wanted", "recall"), [(None, 0.8), (0.5, 0.5)])
def test_without_economics_the_threshold_finds_the_wanted_share(wanted: float | None, recall: float) -> None:
    scored = true_scores(500, seed=4)

    threshold, words = choose_threshold(Policy(recall_at_least=wanted), None, scored)

    assert threshold == threshold_for_recall(scored.target, scored.probability, recall)
    assert words.startswith(f"finds at least {recall:.0%} of those who leave; it calls ")


def test_when_no_contact_can_pay_nobody_is_called() -> None:
    scored = true_scores(300, seed=5, value=5)

    best = best_threshold(scored, TEXTBOOK)

    assert not (scored.probability >= best.value).any()


def test_when_contact_is_free_everybody_is_called() -> None:
    free = TEXTBOOK.model_copy(update={"offer_cost": 0.0, "contact_cost": 0.0})
    scored = true_scores(300, seed=6, value=100)

    assert (scored.probability >= best_threshold(scored, free).value).all()


@given(any_scores())
@settings(max_examples=25, deadline=None)
def test_every_table_has_a_threshold_between_nobody_and_everybody(case: tuple[Scored, Economics]) -> None:
    scored, economics = case

    best = best_threshold(scored, economics)

    assert 0 <= best.low <= best.high <= 1
    assert 0 <= best.value <= 1
