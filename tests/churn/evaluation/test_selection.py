import numpy as np
import pytest

from churn.evaluation.finalists import Finalist, Floor
from churn.evaluation.intervals import Estimate
from churn.evaluation.selection import choose

ROWS = 2000
NOISE = np.random.default_rng(0).normal(0, 30, ROWS)
"""What all finalists earn alike: large, and gone in a paired difference."""

SPREAD = np.random.default_rng(1).normal(0, 0.1, ROWS)


def finalist(
    name: str, gain: float, *, own_noise: float = 1.0, problems: tuple[str, ...] = (), **facts: float
) -> Finalist:
    own = np.random.default_rng(sum(map(ord, name))).normal(0, own_noise, ROWS)
    return Finalist(
        name=name,
        roc_auc=Estimate(facts.get("roc_auc", 0.84), 0.5, 1.0),
        calibration_slope=facts.get("slope", 1.0),
        gain=gain + NOISE + own - own.mean(),
        squared_error=facts.get("brier", 0.13) + SPREAD + (own - own.mean()) / 1000,
        milliseconds=facts.get("milliseconds", 0.1),
        interpretability=int(facts.get("interpretability", 2)),
        problems=problems,
    )


def test_the_one_that_earns_clearly_more_is_chosen_though_slower_and_harder_to_explain() -> None:
    choice = choose(
        [
            finalist("logistic", 35, interpretability=0),
            finalist("stack", 36, interpretability=3, milliseconds=9),
        ],
        currency="USD",
    )

    assert choice.name == "stack"
    assert choice.is_sound
    assert choice.reason.startswith("stack was chosen: it earns 3")
    assert "1.00 (0.9" in choice.reason
    assert "more than the next, logistic" in choice.reason


def test_within_the_noise_the_easiest_to_explain_is_chosen() -> None:
    choice = choose(
        [finalist("catboost", 35.1, own_noise=20), finalist("logistic", 35, own_noise=20, interpretability=0)],
        currency="USD",
    )

    assert choice.name == "logistic"
    assert "catboost and logistic earn the same within the noise" in choice.reason
    assert "easiest to explain" in choice.reason


def test_one_whose_probabilities_are_clearly_less_true_is_ruled_out_though_it_earns_the_same() -> None:
    choice = choose(
        [
            finalist("forest", 35.1, own_noise=20, interpretability=1, brier=0.135),
            finalist("catboost", 35, own_noise=20, brier=0.133),
            finalist("stack", 35, own_noise=20, brier=0.1325, interpretability=3),
        ],
        currency="USD",
    )

    assert choice.name == "catboost"
    assert "forest (its probabilities are less true than the best finalist's" in choice.reason


def test_within_the_noise_speed_goes_before_explaining() -> None:
    choice = choose(
        [
            finalist("catboost", 35, own_noise=20),
            finalist("forest", 35.1, own_noise=20, interpretability=0, milliseconds=4),
        ],
        currency="USD",
    )

    assert choice.name == "catboost"
    assert "it answers quickest (0.1 ms)" in choice.reason


def test_a_difference_in_speed_that_nobody_notices_decides_nothing() -> None:
    pair = [
        finalist("catboost", 35, own_noise=20),
        finalist("xgboost", 35.1, own_noise=20, milliseconds=0.9, interpretability=1),
    ]

    assert choose(pair).name == "xgboost"
    assert choose(pair, Floor(same_milliseconds=0.1)).name == "catboost"


def test_among_equals_in_everything_the_one_whose_probabilities_are_truest_is_chosen() -> None:
    pair = [finalist("a", 35.2, own_noise=20), finalist("b", 35, own_noise=20, brier=0.1295)]
    choice = choose(pair, currency="USD")

    assert choice.name == "b"
    assert "its probabilities are the truest by a little" in choice.reason


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (finalist("broken", 99, roc_auc=0.6), "ROC-AUC 0.600 is below 0.7"),
        (finalist("broken", 99, roc_auc=float("nan")), "ROC-AUC nan is below 0.7"),
        (finalist("broken", 99, slope=0.5), "calibration slope 0.50, not 0.8 to 1.25"),
        (finalist("broken", 99, slope=float("nan")), "calibration slope nan"),
        (finalist("broken", 99, problems=("its graph differs by 3e-2",)), "its graph differs by 3e-2"),
    ],
)
def test_money_does_not_buy_a_way_past_the_technical_floor(broken: Finalist, why: str) -> None:
    choice = choose([broken, finalist("sound", 10)])

    assert choice.name == "sound"
    assert "the only finalist that reaches the technical floor" in choice.reason
    assert why in choice.reason


def test_a_gain_that_is_no_number_is_ruled_out() -> None:
    choice = choose([finalist("broken", float("nan")), finalist("sound", 10)])

    assert choice.name == "sound"
    assert "its gain is not a number" in choice.reason


def test_when_none_reaches_the_floor_it_is_said() -> None:
    choice = choose([finalist("a", 1, roc_auc=0.6), finalist("b", 2, roc_auc=0.5)])

    assert not choice.is_sound
    assert choice.name == "b"
    assert choice.reason == "No finalist reaches the technical floor. b gains most: ROC-AUC 0.500 is below 0.7."


def test_the_order_of_finalists_changes_nothing() -> None:
    three = [finalist("a", 35, own_noise=9), finalist("b", 35.2, own_noise=9), finalist("c", 30, own_noise=9)]

    assert choose(three).reason == choose(three[::-1]).reason


def test_models_that_are_equal_are_called_different_in_at_most_one_of_twenty_runs() -> None:
    rng = np.random.default_rng(5)
    better = 0
    for seed in range(100):
        one, other = rng.normal(0, 1, (2, 80))
        pair = [
            Finalist(name, Estimate(0.8, 0.7, 0.9), 1.0, gain, np.zeros(len(gain)), 0.1, 0)
            for name, gain in (("a", one), ("b", other))
        ]
        better += "more than the next" in choose(pair, seed=seed).reason
    assert better <= 12
