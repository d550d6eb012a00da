"""The decision to train anew, case by case and over all cases."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.evaluation.retraining import (
    Attempts,
    DriftEvidence,
    Labels,
    PerformanceEvidence,
    RetrainRules,
    Situation,
    decide,
)

RULES = RetrainRules(
    max_age_days=90,
    min_profit_change=0.5,
    max_evidence_days=3,
    min_new_labels=100,
    min_new_leavers=10,
    min_comparison_rows=50,
    min_comparison_leavers=5,
    cooldown_hours=24,
    backoff_hours=6,
)
DRIFTED = DriftEvidence(age_days=1, is_detected=True, is_prediction_drifted=False, profit_change=-2.0)
CALM = Situation(
    production=3,
    age_days=10,
    drift=replace(DRIFTED, is_detected=False, profit_change=0.0),
    performance=PerformanceEvidence(age_days=1, is_degraded=False, words="as before"),
    new_labels=Labels(200, 40),
    comparison=Labels(100, 20),
    is_same_data=False,
)
DUE = replace(CALM, drift=DRIFTED)


def test_when_nothing_calls_for_it_it_waits_and_says_what_was_looked_at() -> None:
    found = decide(CALM, RULES)

    assert found.decision == "wait"
    (reason,) = found.reasons
    for part in ("version 3", "10 days old", "no drift that matters", "performance not degraded"):
        assert part in reason


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (replace(CALM, age_days=90), "trained 90 days ago"),
        (DUE, "expected profit of each by -2.00"),
        (replace(CALM, drift=replace(DRIFTED, profit_change=None)), "what that costs is not known"),
        (replace(CALM, drift=replace(DRIFTED, is_detected=False, is_prediction_drifted=True)), "probability has dri"),
        (replace(CALM, performance=PerformanceEvidence(1, is_degraded=True, words="AUC fell")), "degraded: AUC fell"),
        (replace(CALM, forced="new prices"), "asked for: new prices"),
    ],
)
def test_each_cause_alone_calls_for_a_training(changed: Situation, words: str) -> None:
    found = decide(changed, RULES)

    assert found.decision == "train"
    (reason,) = found.reasons
    assert words in reason


@pytest.mark.parametrize(
    "changed",
    [
        replace(CALM, drift=replace(DRIFTED, profit_change=0.4)),
        replace(CALM, drift=replace(DRIFTED, age_days=3.1)),
        replace(CALM, drift=None, performance=None, age_days=None),
        replace(CALM, performance=PerformanceEvidence(4, is_degraded=True, words="AUC fell")),
    ],
)
def test_what_is_small_old_or_not_known_calls_for_nothing(changed: Situation) -> None:
    assert decide(changed, RULES).decision == "wait"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (replace(DUE, production=None), "nothing is in production"),
        (replace(DUE, is_same_data=True), "the data is that of the newest training"),
        (replace(DUE, new_labels=Labels(99, 40)), "99 customers with a new outcome"),
        (replace(DUE, new_labels=Labels(200, 9)), "9 of whom left"),
        (replace(DUE, new_labels=Labels(200, 191)), "191 of whom left"),
        (replace(DUE, comparison=Labels(49, 20)), "49 customers, 20 of whom left, are later"),
        (replace(DUE, comparison=Labels(100, 4)), "100 customers, 4 of whom left, are later"),
        (replace(DUE, attempts=Attempts(23.9, 0)), "there was an attempt, 23.9 hours ago"),
        (replace(DUE, attempts=Attempts(5.9, 1)), "the next may be after 6"),
        (replace(DUE, attempts=Attempts(23.9, 3)), "the next may be after 24"),
        (replace(DUE, attempts=Attempts(167, 2000)), "the next may be after 168"),
    ],
)
def test_each_obstacle_alone_makes_it_wait_and_says_that_it_would_be_due(changed: Situation, words: str) -> None:
    found = decide(changed, RULES)

    assert found.decision == "wait"
    assert words in found.reasons[0]
    assert found.reasons[-1].startswith("it would be due: customers have drifted")


@pytest.mark.parametrize("attempts", [Attempts(24, 0), Attempts(6, 1), Attempts(12, 2), Attempts(168, 9)])
def test_after_the_pause_it_goes_on(attempts: Attempts) -> None:
    assert decide(replace(DUE, attempts=attempts), RULES).decision == "train"


def test_a_person_overrides_the_pause_and_too_few_new_labels_but_no_impossible_comparison() -> None:
    wanted = replace(CALM, forced="new prices", new_labels=Labels(0, 0), attempts=Attempts(0.1, 4))

    assert decide(wanted, RULES).decision == "train"
    assert decide(replace(wanted, comparison=Labels(0, 0)), RULES).decision == "wait"
    assert decide(replace(wanted, is_same_data=True), RULES).decision == "wait"


def test_a_table_that_somebody_brings_needs_no_outcomes_in_the_store() -> None:
    brought = replace(DUE, is_table_given=True, new_labels=Labels(0, 0), comparison=Labels(0, 0))

    assert decide(brought, RULES).decision == "train"
    assert decide(replace(brought, is_same_data=True), RULES).decision == "wait"


ages = st.floats(0, 400, allow_nan=False)
labels = st.integers(0, 400).flatmap(lambda rows: st.builds(Labels, st.just(rows), st.integers(0, rows)))
situations = st.builds(
    Situation,
    production=st.none() | st.integers(1, 9),
    age_days=st.none() | ages,
    drift=st.none()
    | st.builds(DriftEvidence, ages, st.booleans(), st.booleans(), st.none() | st.floats(-5, 5, allow_nan=False)),
    performance=st.none() | st.builds(PerformanceEvidence, ages, st.booleans(), st.just("AUC fell")),
    new_labels=labels,
    comparison=labels,
    is_same_data=st.booleans(),
    is_table_given=st.booleans(),
    attempts=st.none() | st.builds(Attempts, ages, st.integers(0, 2000)),
    forced=st.sampled_from(["", "new prices"]),
)


@given(situations)
def test_there_is_always_a_decision_with_reasons(situation: Situation) -> None:
    found = decide(situation, RULES)

    assert found.reasons
    assert all(reason.strip() == reason for reason in found.reasons)


@given(situations)
def test_it_never_trains_on_the_same_data_without_production_or_without_a_comparison(situation: Situation) -> None:
    if decide(situation, RULES).decision == "train":
        assert not situation.is_same_data
        assert situation.production is not None
        assert situation.is_table_given or situation.comparison.reach(50, 5)
        assert situation.is_table_given or situation.forced or situation.new_labels.reach(100, 10)


@given(situations)
def test_more_evidence_against_production_never_turns_a_training_into_waiting(situation: Situation) -> None:
    worse = replace(
        situation,
        drift=replace(DRIFTED, is_prediction_drifted=True),
        performance=PerformanceEvidence(0, is_degraded=True, words="AUC fell"),
        age_days=1000.0,
        new_labels=Labels(1000, 500),
    )

    if decide(situation, RULES).decision == "train":
        assert decide(worse, RULES).decision == "train"


@given(situations)
def test_a_quiet_situation_is_never_trained_on(situation: Situation) -> None:
    quiet = replace(situation, drift=None, performance=None, age_days=1.0, forced="")

    assert decide(quiet, RULES).decision == "wait"
