import numpy as np
import pytest

from churn.contract.economics import Economics
from churn.evaluation.metrics import MEASURES
from churn.evaluation.observed import MONEY, Answers, base_rate, observe

ECONOMICS = Economics(customer_value=110, contact_cost=1, offer_cost=10)  # a leaver earns 29, a stayer costs 11
PROBABILITY = np.array([0.9, 0.8, 0.4, 0.3, 0.2, 0.1])
LEFT = np.array([1, 0, 1, 0, 0, 0])
ANSWERS = Answers(PROBABILITY, PROBABILITY >= 0.5, np.full(6, 110.0), 0.5)


def test_every_measure_is_told_with_its_interval() -> None:
    found = observe(ANSWERS, LEFT, ECONOMICS, resamples=50)

    assert set(found) == {*MEASURES, "precision", "recall", "f1", "at_risk", "base_rate", *MONEY}
    assert found["roc_auc"].value == MEASURES["roc_auc"](LEFT, PROBABILITY)
    assert all(one.low <= one.value <= one.high for one in found.values())


def test_profit_is_what_the_decisions_earned_beside_contacting_all_and_nobody() -> None:
    found = observe(ANSWERS, LEFT, ECONOMICS, resamples=50)

    assert found["profit"].value == pytest.approx((29 - 11) / 6)
    assert found["profit_contact_all"].value == pytest.approx((2 * 29 - 4 * 11) / 6)
    assert found["profit_ahead_of_all"].value == pytest.approx((18 - 14) / 6)


@pytest.mark.parametrize(
    ("economics", "value"), [(None, np.full(6, 110.0)), (ECONOMICS, None)], ids=["no economics", "no worth"]
)
def test_without_economics_or_worth_no_money_is_told(economics: Economics | None, value: np.ndarray | None) -> None:
    found = observe(Answers(PROBABILITY, ANSWERS.is_at_risk, value, 0.5), LEFT, economics, resamples=10)

    assert not {*MONEY} & {*found}


def test_the_decision_counts_that_was_made_and_not_the_one_that_would_be() -> None:
    decided = Answers(PROBABILITY, PROBABILITY < 0, np.full(6, 110.0), 0.5)

    assert observe(decided, LEFT, ECONOMICS, resamples=10)["profit"].value == 0


def test_part_of_the_answers_is_taken_row_by_row() -> None:
    part = ANSWERS.only(PROBABILITY > 0.5)

    assert len(part) == 2
    assert part.probability.tolist() == [0.9, 0.8]
    assert part.value is not None
    assert len(part.value) == 2


def test_the_base_rate_of_nobody_is_not_surely_zero() -> None:
    assert (base_rate(np.zeros(20, int)).low, base_rate(np.zeros(20, int)).high > 0.1) == (0, True)
