from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import expit, logit

from churn.errors import UsageError
from churn.evaluation.gate import Contender, Evidence, Gate, Guard, Verdict, judge
from tests.churn.evaluation.gate.rivals import World, contender, rivals, rows_of, swapped

GATE = Gate()
BETTER = World(candidate=0.1, production=1.2)


def guard(verdict: Verdict, name: str) -> Guard:
    return next(one for one in verdict.guards if one.name == name)


def altered(evidence: Evidence, probability: np.ndarray) -> Evidence:
    return replace(evidence, candidate=contender(probability))


def test_a_candidate_that_surely_earns_more_is_promoted_and_told_by_how_much() -> None:
    verdict = judge(rivals(BETTER), GATE)

    assert (verdict.decision, verdict.passed) == ("promote", True)
    assert verdict.profit is not None
    assert 0 < verdict.profit.low < verdict.profit.difference < verdict.profit.high
    assert "surely more" in verdict.reasons[0]
    assert "20% of the customers" in verdict.reasons[0]
    assert verdict.rows == 4_000


def test_one_that_surely_earns_less_is_rejected_for_it() -> None:
    verdict = judge(swapped(rivals(BETTER)), GATE)

    assert verdict.decision == "reject"
    assert any("surely less" in reason for reason in verdict.reasons)
    assert any("ranks worse than production" in reason for reason in verdict.reasons)


def test_an_equal_is_held_and_told_how_many_more_labels_are_needed() -> None:
    verdict = judge(rivals(World()), GATE)

    assert verdict.decision == "hold"
    assert verdict.profit is not None
    assert verdict.profit.labels_needed is not None
    assert "more labelled rows would show" in verdict.reasons[0]


def test_the_same_version_is_held_and_no_labels_are_asked_for() -> None:
    evidence = rivals(World())

    verdict = judge(replace(evidence, production=evidence.candidate), GATE)

    assert verdict.decision == "hold"
    assert verdict.profit is not None
    assert (verdict.profit.difference, verdict.profit.low, verdict.profit.high) == (0, 0, 0)
    assert (verdict.profit.deciding, verdict.profit.labels_needed) == (0, None)
    assert "both contact the same customers" in verdict.reasons[0]


def test_a_sure_gain_that_is_not_worth_a_move_is_held() -> None:
    verdict = judge(rivals(BETTER), Gate(worth_percent=50))

    assert verdict.decision == "hold"
    assert verdict.profit is not None
    assert verdict.profit.labels_needed is None
    assert "more labels would not change that" in verdict.reasons[0]


def test_enough_rows_without_a_gain_worth_a_move_say_that_there_is_none() -> None:
    verdict = judge(rivals(World(seed=5)), Gate(worth_percent=30))

    assert verdict.profit is not None
    assert verdict.profit.labels_needed is None
    assert "no gain" in verdict.reasons[0]


def test_without_production_a_sound_candidate_passes() -> None:
    verdict = judge(replace(rivals(World()), production=None), GATE)

    assert verdict.passed
    assert verdict.profit is None
    assert {one.name for one in verdict.guards} == {"floor", "calibration"}


def test_without_production_the_floor_holds() -> None:
    verdict = judge(replace(rivals(World()), production=None), Gate(min_roc_auc=0.95))

    assert verdict.decision == "reject"
    assert "below the floor 0.9500" in verdict.reasons[0]


@pytest.mark.parametrize("production", [True, False])
def test_too_few_leavers_hold_whatever_they_seem_to_say(production: bool) -> None:
    evidence = rivals(replace(BETTER, rows=60))
    evidence = evidence if production else replace(evidence, production=None)

    verdict = judge(evidence, GATE)

    assert verdict.decision == "hold"
    assert verdict.profit is None
    assert "too few to judge by" in verdict.reasons[0]


def test_a_miscalibrated_one_is_rejected_for_that_although_it_earns_more() -> None:
    evidence = rivals(BETTER)

    verdict = judge(altered(evidence, expit(1.8 * logit(evidence.candidate.probability))), GATE)

    assert verdict.decision == "reject"
    assert len(verdict.reasons) == 1
    assert verdict.reasons[0].startswith("miscalibrated")


def test_one_that_knows_the_outcome_is_rejected_as_too_good_to_be_true() -> None:
    evidence = rivals(World())
    log_odds = logit(evidence.candidate.probability)

    verdict = judge(altered(evidence, expit(log_odds + 6 * evidence.rows.target - 3)), GATE)

    assert verdict.decision == "reject"
    assert any(reason.startswith("too good to be true") for reason in verdict.reasons)


def test_one_that_serves_a_part_worse_is_rejected_with_its_name() -> None:
    evidence = rivals(replace(BETTER, production=0.8))
    here = np.random.default_rng(1).random(4_000) < 0.2
    probability = evidence.candidate.probability.copy()
    probability[here] = np.random.default_rng(2).permutation(probability[here])

    parts = {"Contract is Two year": here, "Contract is One year": ~here}
    verdict = judge(replace(altered(evidence, probability), rows=replace(evidence.rows, parts=parts)), GATE)

    assert verdict.decision == "reject"
    assert "Contract is Two year: roc_auc" in guard(verdict, "parts").words
    assert "One year" not in guard(verdict, "parts").words


def test_every_reason_against_is_told_at_once() -> None:
    evidence = swapped(rivals(BETTER))
    late = Guard("latency", "failed", "scores a row in 9 ms, production in 1 ms")

    verdict = judge(
        replace(altered(evidence, expit(3 * logit(evidence.candidate.probability))), guards=(late,)),
        Gate(min_roc_auc=0.99),
    )

    failed = [one.name for one in verdict.guards if one.outcome == "failed"]
    assert failed == ["floor", "calibration", "roc_auc", "brier", "latency"]
    assert len(verdict.reasons) == len(failed) + 1  # and the money
    assert late.words in verdict.reasons


@pytest.mark.parametrize(("outcome", "decision"), [("passed", "promote"), ("undecided", "hold"), ("failed", "reject")])
def test_a_guard_that_others_made_counts_like_our_own(outcome: str, decision: str) -> None:
    found = Guard("leakage", outcome, "what the audit found")  # type: ignore[arg-type]

    verdict = judge(replace(rivals(BETTER), guards=(found,)), GATE)

    assert verdict.decision == decision
    assert found in verdict.guards


def test_a_ranking_that_may_be_worse_holds_even_when_the_money_is_surely_better() -> None:
    evidence = rivals(World(candidate=0.1, production=0.9))
    probability = evidence.candidate.probability.copy()
    last = probability < np.quantile(probability, 0.64)
    probability[last] = np.random.default_rng(1).permutation(probability[last])

    verdict = judge(altered(evidence, probability), Gate(max_calibration_slope=3, max_calibration_error=0.5))

    assert verdict.decision == "hold"
    assert verdict.profit is not None
    assert verdict.profit.low > 0
    assert verdict.reasons == (guard(verdict, "roc_auc").words,)
    assert "it is not sure that it ranks as well" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda one: replace(one, rows=rows_of(np.zeros(0, int))), "at least one row"),
        (lambda one: altered(one, one.candidate.probability[1:]), "the candidate's probability has the shape"),
        (lambda one: altered(one, np.full(4_000, np.nan)), "4000 values that are no number"),
        (lambda one: altered(one, one.candidate.probability + 1), "outside 0 … 1"),
        (lambda one: replace(one, rows=rows_of(one.rows.target + 1)), "more than 0 and 1"),
        (
            lambda one: replace(one, rows=replace(one.rows, parts={"few": np.ones(3, bool)})),
            "part 'few' has the shape",
        ),
        (lambda one: replace(one, rows=replace(one.rows, groups=np.ones(3))), "groups has the shape"),
        (
            lambda one: replace(one, production=Contender(np.full(4_000, np.inf), np.zeros(4_000), 0.3)),
            "production's probability holds 4000",
        ),
    ],
)
def test_evidence_that_is_none_is_refused(wrong, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=words):
        judge(wrong(rivals(World())), GATE)


@pytest.mark.parametrize("bound", [{"campaign_share": 0}, {"campaign_share": 1.2}, {"min_auc": 0.5}])
def test_a_gate_that_can_not_be_meant_is_refused(bound: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bound))):
        Gate(**bound)  # type: ignore[arg-type]
