from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from churn.evaluation.gate import Evidence, Gate, Guard, judge
from churn.evaluation.gate.calibration import measure_gap, measure_slope
from churn.evaluation.gate.parts import guard_parts
from tests.churn.evaluation.gate.rivals import World, contender, rivals

GATE = Gate()
TRIALS = 60


def calibration(probability: np.ndarray, target: np.ndarray) -> Guard:
    rows = replace(rivals(World(rows=len(target))).rows, target=target)
    verdict = judge(Evidence(rows, contender(probability), None), GATE)
    return next(one for one in verdict.guards if one.name == "calibration")


def drawn(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probability = expit(rng.normal(-1.4, 1.6, rows))
    return probability, (rng.random(rows) < probability).astype(np.int64)


@pytest.mark.parametrize("rows", [300, 1_400])
def test_noise_does_not_make_a_calibrated_candidate_fail(rows: int) -> None:
    outcomes = [calibration(*drawn(rows, seed)).outcome for seed in range(TRIALS)]

    assert outcomes.count("failed") <= 3
    assert outcomes.count("undecided") <= 6


@pytest.mark.parametrize(
    ("slope", "shift", "words"),
    [(1.7, 0.0, "slope 0.5"), (0.5, 0.0, "slope 1.9"), (1.0, 0.6, "promised to leave")],
)
def test_one_whose_probabilities_do_not_come_true_fails(slope: float, shift: float, words: str) -> None:
    found = []
    for seed in range(TRIALS // 4):
        probability, target = drawn(1_400, seed)
        found.append(calibration(expit(slope * logit(probability) + shift), target))

    assert sum(one.outcome == "failed" for one in found) >= 14
    assert words in found[0].words


def test_the_slope_is_that_of_a_logistic_regression() -> None:
    probability, target = drawn(3_000, 7)
    seen = expit(1.4 * logit(probability) + 0.3)

    slope = LogisticRegression(C=np.inf).fit(logit(np.clip(seen, 0.001, 0.999))[:, None], target).coef_[0, 0]

    assert measure_slope(target, seen, None).value == pytest.approx(slope, abs=1e-3)


def test_a_candidate_that_says_one_number_has_no_slope_and_its_gap_is_found() -> None:
    _, target = drawn(2_000, 8)

    assert not np.isfinite(measure_slope(target, np.full(2_000, 0.5), None).error)
    gap = measure_gap(target, np.full(2_000, 0.5), None)
    assert gap.value == pytest.approx(0.5 - target.mean(), abs=0.02)
    assert gap.p_value < 1e-9


def test_customers_with_many_rows_make_calibration_less_sure() -> None:
    probability, target = drawn(300, 9)
    many = [np.repeat(one, 8) for one in (target, probability)]
    customers = np.repeat(np.arange(300), 8)

    assert measure_slope(*many, customers).error == pytest.approx(
        measure_slope(target, probability, None).error, rel=0.05
    )
    assert measure_gap(*many, None).p_value < measure_gap(*many, customers).p_value


def test_of_many_parts_that_are_served_alike_none_is_called_worse() -> None:
    failed = 0
    for seed in range(TRIALS // 2):
        evidence, rng = rivals(World(0.4, 0.4, 1_500, seed)), np.random.default_rng(seed)
        assert evidence.production is not None
        parts = {f"part {number}": rng.random(1_500) < 0.3 for number in range(40)}
        rows = replace(evidence.rows, parts=parts)
        sides = (evidence.candidate, evidence.production)
        failed += (
            guard_parts(rows, sides, 15.0, Gate(max_part_roc_auc_drop=0, max_part_profit_drop_percent=0)).outcome
            == "failed"
        )

    assert failed <= 3


def test_small_parts_are_not_judged() -> None:
    evidence = rivals(World(rows=1_000))
    here = np.arange(1_000) < 50
    assert evidence.production is not None
    rows = replace(evidence.rows, parts={"few": here, "stayers": evidence.rows.target == 0, "the others": ~here})

    found = guard_parts(rows, (evidence.candidate, evidence.production), 15.0, GATE)

    assert found.numbers == {"judged": 1}
    assert found.words == "surely worse for none of 1 parts of the customers"


def test_a_sentence_names_three_parts_and_counts_the_others() -> None:
    evidence = rivals(World(candidate=1.6, production=0.1))
    assert evidence.production is not None
    parts = {f"part {number}": np.random.default_rng(number).random(4_000) < 0.5 for number in range(8)}

    found = guard_parts(replace(evidence.rows, parts=parts), (evidence.candidate, evidence.production), 15.0, GATE)

    assert found.outcome == "failed"
    assert found.words.count("part ") == 3
    assert found.words.endswith("more")
    assert len(found.numbers) > 4
