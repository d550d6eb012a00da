import numpy as np
import pytest
from scipy.special import expit, logit

from churn.evaluation.degradation import changes
from churn.evaluation.intervals import Estimate

HELD_OUT = {"roc_auc": Estimate(0.84, 0.82, 0.86), "brier": Estimate(0.14, 0.13, 0.15)}


def live(roc_auc: float, brier: float = 0.14) -> dict[str, Estimate]:
    return {
        "roc_auc": Estimate(roc_auc, roc_auc - 0.03, roc_auc + 0.03),
        "brier": Estimate(brier, brier - 0.012, brier + 0.012),
    }


def worse(found: dict[str, Estimate], reference: dict[str, Estimate] = HELD_OUT, level: float = 0.01) -> set[str]:
    return {one.measure for one in changes(found, reference, ("roc_auc", "brier"), level=level) if one.is_worse}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (live(0.84), set()),
        (live(0.90), set()),
        (live(0.81), set()),
        (live(0.75), {"roc_auc"}),
        (live(0.84, 0.18), {"brier"}),
        (live(0.84, 0.10), set()),
        (live(0.75, 0.18), {"roc_auc", "brier"}),
    ],
)
def test_only_what_chance_hardly_explains_is_worse(found: dict[str, Estimate], expected: set[str]) -> None:
    assert worse(found) == expected


def test_a_reference_outside_the_live_interval_is_not_enough() -> None:
    narrow = {"roc_auc": Estimate(0.80, 0.79, 0.81)}
    wide = {"roc_auc": Estimate(0.82, 0.78, 0.86)}

    assert worse(narrow, wide) == set()


def test_a_measure_without_an_interval_on_both_sides_is_passed_over() -> None:
    assert changes(live(0.5), {}, ("roc_auc",), level=0.01) == ()
    assert changes({"roc_auc": Estimate(0.5, np.nan, np.nan)}, HELD_OUT, ("roc_auc",), level=0.01) == ()


def test_between_equals_there_is_an_alarm_as_often_as_it_is_said() -> None:
    rng, error = np.random.default_rng(5), 0.1

    def drawn() -> Estimate:
        middle = logit(0.84) + rng.normal(0, error)
        return Estimate(*(float(expit(middle + side * 1.959964 * error)) for side in (0, -1, 1)))

    pairs = [({"roc_auc": drawn()}, {"roc_auc": drawn()}) for _ in range(2000)]

    assert np.mean([bool(worse(new, old, 0.1)) for new, old in pairs]) == pytest.approx(0.1, abs=0.02)


def test_the_words_say_what_was_compared() -> None:
    (of_auc, of_brier) = changes(live(0.75), HELD_OUT, ("roc_auc", "brier"), level=0.01)

    assert of_auc.words.startswith("roc_auc 0.750 is worse than 0.840 on held-out customers (p = ")
    assert "is not surely worse" in of_brier.words
