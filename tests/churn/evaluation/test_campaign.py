from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import OneHotEncoder, scale

from churn.contract.contract import Contract
from churn.contract.economics import Economics
from churn.contract.policy import Policy
from churn.contract.table import check_table, check_target
from churn.data.files import read_table
from churn.evaluation.campaign import Campaign, plan_campaign
from churn.evaluation.empc import expected_maximum_profit
from churn.evaluation.profit_curve import profit_curve
from churn.evaluation.scored import Scored
from churn.evaluation.threshold import choose_threshold
from churn.evaluation.yardsticks import Yardstick, yardsticks
from churn.retention.profit import break_even, customer_value, expected_profit, realised_profit
from tests.churn.evaluation.scores import TEXTBOOK, any_scores, true_scores


@pytest.fixture(scope="module")
def scored() -> Scored:
    return true_scores(2000, seed=1)


@pytest.fixture(scope="module")
def campaign(scored: Scored) -> Campaign:
    return plan_campaign(scored, TEXTBOOK, 0.2)


def named(ways: tuple[Yardstick, ...]) -> dict[str, Yardstick]:
    return {way.name: way for way in ways}


def test_the_profit_of_the_model_is_the_mean_of_what_each_customer_earned(scored: Scored, campaign: Campaign) -> None:
    earned = realised_profit(scored.target, scored.probability >= 0.2, scored.value, TEXTBOOK)

    assert campaign.yardsticks[0].profit == pytest.approx(earned.mean())
    assert campaign.yardsticks[0].contacted == pytest.approx((scored.probability >= 0.2).mean())


def test_every_yardstick_is_always_there(campaign: Campaign) -> None:
    assert list(named(campaign.yardsticks)) == [
        "the model, from its threshold",
        "the model, by expected profit",
        "contact all",
        "do nothing",
        "random",
        "oracle",
    ]
    for way in campaign.yardsticks:
        assert way.low <= way.profit <= way.high
        assert way.ahead_low <= way.model_ahead <= way.ahead_high


def test_random_is_the_mean_over_many_draws(scored: Scored, campaign: Campaign) -> None:
    rng = np.random.default_rng(3)
    everybody = realised_profit(scored.target, np.ones(len(scored)), scored.value, TEXTBOOK)
    size = round(campaign.yardsticks[0].contacted * len(scored))
    drawn = [rng.choice(everybody, size, replace=False).sum() / len(scored) for _ in range(3000)]

    assert named(campaign.yardsticks)["random"].profit == pytest.approx(np.mean(drawn), abs=0.1)


@given(any_scores(), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_no_choice_beats_the_oracle_and_money_is_never_nan(case: tuple[Scored, Economics], threshold: float) -> None:
    scored, economics = case
    ways = yardsticks(scored, economics, threshold)
    best = named(ways)["oracle"].profit

    for way in ways:
        numbers = [way.profit, way.low, way.high, way.model_ahead, way.ahead_low, way.ahead_high]
        assert np.isfinite(numbers).all()
        assert way.profit <= best + 1e-6
    nothing = named(ways)["do nothing"]
    assert (nothing.profit, nothing.low, nothing.high, nothing.contacted) == (0, 0, 0, 0)


@given(any_scores())
@settings(max_examples=30, deadline=None)
def test_the_curve_begins_at_nothing_and_ends_at_contact_all(case: tuple[Scored, Economics]) -> None:
    scored, economics = case
    curve = profit_curve(scored, economics, scored.probability)
    all_of_them = realised_profit(scored.target, np.ones(len(scored)), scored.value, economics).mean()

    assert curve.profit[0] == curve.low[0] == curve.high[0] == 0
    assert curve.profit[-1] == pytest.approx(all_of_them, rel=1e-9, abs=1e-6)
    assert np.isfinite([curve.profit, curve.low, curve.high]).all()
    assert curve.best_profit >= max(0.0, curve.profit.max()) - 1e-6
    assert 0 <= curve.best_share_low <= curve.best_share_high <= 1


def test_scores_that_say_nothing_earn_in_proportion_to_the_size(scored: Scored) -> None:
    curve = profit_curve(scored, TEXTBOOK, np.zeros(len(scored)))

    assert curve.profit == pytest.approx(curve.shares * curve.profit[-1])


@given(any_scores(scale=1000), st.floats(1e-2, 1e2))
@settings(max_examples=15, deadline=None)
def test_profit_scales_with_the_currency(case: tuple[Scored, Economics], scale: float) -> None:
    scored, economics = case
    costs = {"offer_cost": economics.offer_cost * scale, "contact_cost": economics.contact_cost * scale}
    richer = replace(scored, value=scored.value * scale)

    first = profit_curve(scored, economics, scored.probability)
    second = profit_curve(richer, economics.model_copy(update=costs), scored.probability)

    for one, other in ((first.profit, second.profit), (first.low, second.low), (first.high, second.high)):
        assert other == pytest.approx(scale * one, rel=1e-6, abs=1e-5 * scale)


def test_ranking_by_expected_profit_beats_ranking_by_probability_when_worth_differs() -> None:
    scored = true_scores(20_000, seed=5)
    promised = expected_profit(scored.probability, scored.value, TEXTBOOK)

    by_profit = profit_curve(scored, TEXTBOOK, promised)
    by_probability = profit_curve(scored, TEXTBOOK, scored.probability)

    assert by_profit.best_profit > by_probability.best_profit
    assert by_profit.profit[20] > by_probability.profit[20]


def test_sensitivity_moves_as_the_assumptions_say(campaign: Campaign) -> None:
    swings = {swing.name: swing for swing in campaign.sensitivity}

    assert set(swings) == {"customer value", "offer success", "offer cost", "contact cost"}
    assert swings["customer value"].at_half < campaign.yardsticks[0].profit < swings["customer value"].at_more
    assert swings["offer cost"].at_half > campaign.yardsticks[0].profit > swings["offer cost"].at_more
    assert swings["offer success"].threshold_at_half > swings["offer success"].threshold_at_more
    assert [swing.span for swing in campaign.sensitivity] == sorted((s.span for s in swings.values()), reverse=True)


def test_a_new_threshold_for_a_changed_world_earns_more_than_the_old_one(scored: Scored) -> None:
    for swing in plan_campaign(scored, TEXTBOOK, 0.6).sensitivity:
        assert swing.replanned_at_half > swing.at_half
        assert swing.replanned_at_more > swing.at_more


def test_the_report_says_the_assumptions_and_every_row(campaign: Campaign) -> None:
    text = campaign.as_markdown()

    for words in ("contact all", "do nothing", "random", "oracle", "30% of those", "10 USD", "nan"):
        assert (words in text) is (words != "nan")
    assert np.isfinite(list(campaign.metrics().values())).all()


def test_repeats_of_cross_validation_are_no_new_customers() -> None:
    once = true_scores(400, seed=7)
    scores = np.tile(once.probability, (3, 1))
    scores[0, :50] = np.nan

    repeated = Scored.of(once.target, scores, once.value)

    assert len(repeated) == 1150
    full = Scored.of(once.target, np.tile(once.probability, (3, 1)), once.value)
    single, tripled = (yardsticks(one, TEXTBOOK, 0.2)[2] for one in (once, full))
    assert tripled.profit == pytest.approx(single.profit)
    assert tripled.ahead_high - tripled.ahead_low == pytest.approx(single.ahead_high - single.ahead_low, rel=0.15)


def test_the_same_seed_gives_the_same_campaign(scored: Scored, campaign: Campaign) -> None:
    again = plan_campaign(scored, TEXTBOOK, 0.2)

    assert again.yardsticks == campaign.yardsticks
    assert again.best == campaign.best


def covered(rows: int, runs: int) -> dict[str, float]:
    """How often the intervals hold the truth, when the success of the offer is drawn too."""
    large = true_scores(1_000_000, seed=0)
    slope, offset = large.earnings(TEXTBOOK)
    called = large.probability >= 0.2
    rng = np.random.default_rng(9)
    held = {"profit": 0, "ahead of contact all": 0, "curve at 30 %": 0}
    first = np.argsort(-large.probability)[: int(0.3 * len(large))]
    for seed in range(1, runs + 1):
        success = rng.beta(6, 14)
        earned = success * slope + offset
        sample = true_scores(rows, seed=seed)
        ways = named(yardsticks(sample, TEXTBOOK, 0.2, seed=seed))
        model, everybody = ways["the model, from its threshold"], ways["contact all"]
        curve = profit_curve(sample, TEXTBOOK, sample.probability, seed=seed)
        truth, truth_ahead = (earned * called).mean(), (earned * called).mean() - earned.mean()
        held["profit"] += model.low <= truth <= model.high
        held["ahead of contact all"] += everybody.ahead_low <= truth_ahead <= everybody.ahead_high
        held["curve at 30 %"] += curve.low[30] <= earned[first].sum() / len(large) <= curve.high[30]
    return {name: count / runs for name, count in held.items()}


def test_the_intervals_hold_the_truth_most_of_the_time() -> None:
    assert min(covered(300, 20).values()) >= 0.75


@pytest.mark.slow
@pytest.mark.parametrize("rows", [300, 1000])
def test_the_intervals_hold_the_truth_nineteen_times_in_twenty(rows: int) -> None:
    for share in covered(rows, 300).values():
        assert 0.92 <= share <= 0.98


def test_the_difference_between_equal_campaigns_is_zero_without_doubt() -> None:
    """Paired: chance moves both sides alike."""
    scored = true_scores(500, seed=8, value=200)

    other = named(yardsticks(scored, TEXTBOOK, float(break_even(200, TEXTBOOK))))["the model, by expected profit"]

    assert (other.model_ahead, other.ahead_low, other.ahead_high) == (0, 0, 0)
    assert other.low < other.profit < other.high


def test_on_real_customers_a_plain_model_beats_contacting_all_and_a_random_few(
    telco: Contract, telco_file: Path
) -> None:
    scored = telco_scores(telco, telco_file)
    assert telco.economics is not None
    threshold, _ = choose_threshold(Policy(), telco.economics, scored)

    ways = named(yardsticks(scored, telco.economics, threshold))
    empc = expected_maximum_profit(scored.target, scored.probability, TEXTBOOK, value=200)

    assert ways["contact all"].ahead_low > 0
    assert ways["random"].ahead_low > 0
    assert ways["oracle"].ahead_high < 0
    assert empc.gain_over_contact_all > 3.2
    assert empc.low > 2.9


def telco_scores(contract: Contract, file: Path) -> Scored:
    """Out-of-fold scores of a plain logistic regression on one-hot categories and scaled numbers."""
    raw = read_table(file).columns
    checked = check_table(contract, raw)
    left, _ = check_target(contract, raw)
    target = left[checked.accepted - 1].astype(float)
    categories = np.column_stack([checked.columns[name].astype(str) for name in contract.category_columns])
    numbers = np.column_stack([checked.columns[name].astype(float) for name in contract.numeric_columns])
    features = np.hstack([OneHotEncoder(sparse_output=False).fit_transform(categories), scale(np.nan_to_num(numbers))])
    model = LogisticRegression(C=0.1, max_iter=1000)
    scores = cross_val_predict(model, features, target, cv=StratifiedKFold(5), method="predict_proba")[:, 1]
    assert contract.economics is not None
    return Scored.of(target, scores, customer_value(contract.economics, checked.columns))
