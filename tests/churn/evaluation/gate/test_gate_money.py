from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.evaluation.gate import Contender, Evidence, Gate, ProfitTest, Rows
from churn.evaluation.gate.contacts import contact
from churn.evaluation.gate.money import compare_profit, decide
from tests.churn.evaluation.gate.rivals import World, rivals, swapped

GATE = Gate()


def money(evidence: Evidence, gate: Gate) -> ProfitTest:
    assert evidence.production is not None
    return compare_profit(evidence.rows, evidence.candidate, evidence.production, gate)


@st.composite
def any_evidence(draw: st.DrawFn) -> tuple[Evidence, Gate]:
    """Any small table: ties, nobody worth contacting, customers with several rows, no limit."""
    rows = draw(st.integers(2, 30))
    amounts = st.lists(st.sampled_from([-20.0, -1.0, 0.0, 1.0, 5.0, 5.5, 130.0]), min_size=rows, max_size=rows)
    earned, new, old = (np.array(draw(amounts)) for _ in range(3))
    groups = draw(st.none() | st.lists(st.integers(0, 5), min_size=rows, max_size=rows).map(np.array))
    target = (earned > 0).astype(np.int64)
    chance = np.full(rows, 0.5)
    share = draw(st.sampled_from([None, 0.1, 0.33, 0.5, 1.0]))
    evidence = Evidence(Rows(target, earned, groups), Contender(chance, new, 0.3), Contender(chance, old, 0.3))
    return evidence, Gate(campaign_share=share)


@given(any_evidence())
def test_changing_sides_mirrors_the_test(case: tuple[Evidence, Gate]) -> None:
    there, back = money(*case), money(swapped(case[0]), case[1])

    assert back.difference == pytest.approx(-there.difference)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert (decide(back) == "reject") == (there.low > 0)
    assert (decide(there) == "reject") == (back.low > 0)


@given(any_evidence(), st.floats(-50, 50))
def test_what_is_earned_whoever_is_contacted_changes_nothing_between_campaigns_of_one_size(
    case: tuple[Evidence, Gate], more: float
) -> None:
    evidence, gate = case
    promising = Evidence(
        evidence.rows,
        replace(evidence.candidate, promised=evidence.candidate.promised + 1_000),
        replace(evidence.production, promised=evidence.production.promised + 1_000),  # type: ignore[type-var]
    )
    richer = replace(promising, rows=replace(evidence.rows, earned=evidence.rows.earned + more))

    before, after = money(promising, gate), money(richer, gate)

    assert (after.difference, after.low, after.high) == pytest.approx(
        (before.difference, before.low, before.high), abs=1e-7, rel=1e-6
    )


@given(any_evidence(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_is_of_no_matter(case: tuple[Evidence, Gate], random) -> None:  # type: ignore[no-untyped-def]
    evidence, gate = case
    order = list(range(len(evidence.rows.target)))
    random.shuffle(order)
    rows, groups = evidence.rows, evidence.rows.groups
    shuffled = Evidence(
        Rows(rows.target[order], rows.earned[order], None if groups is None else groups[order]),
        *(replace(one, promised=one.promised[order]) for one in (evidence.candidate, evidence.production)),  # type: ignore[type-var]
    )

    assert money(shuffled, gate).low == pytest.approx(money(evidence, gate).low, abs=1e-9)


@given(any_evidence(), st.integers(0, 29), st.floats(0, 500))
def test_a_customer_whom_only_the_candidate_contacts_counts_for_it(
    case: tuple[Evidence, Gate], row: int, more: float
) -> None:
    evidence, gate = case
    row %= len(evidence.rows.target)
    share, earned = gate.campaign_share, evidence.rows.earned
    assert evidence.production is not None
    new, old = (contact(one.promised, earned, share).weight[row] for one in (evidence.candidate, evidence.production))
    richer = earned + more * (np.arange(len(earned)) == row)

    gained = money(replace(evidence, rows=replace(evidence.rows, earned=richer)), gate).difference

    expected = money(evidence, gate).difference + (new - old) * more / len(earned)
    assert gained == pytest.approx(expected, abs=1e-9)


@given(any_evidence())
def test_no_campaign_is_larger_than_can_be_contacted_or_contacts_at_a_promised_loss(
    case: tuple[Evidence, Gate],
) -> None:
    evidence, gate = case
    promised = evidence.candidate.promised

    weight = contact(promised, evidence.rows.earned, gate.campaign_share).weight

    assert weight.sum() <= len(promised) * (gate.campaign_share or 1) + 1e-9
    assert ((weight >= 0) & (weight <= 1)).all()
    assert not weight[promised <= 0].any()
    assert (np.diff(weight[np.argsort(-promised)]) <= 1e-12).all()


def test_customers_who_tie_at_the_border_draw_lots() -> None:
    campaign = contact(np.array([9.0, 5, 5, 5, 1]), np.array([10.0, 3, 6, 0, 7]), 0.4)

    assert campaign.weight == pytest.approx([1, 1 / 3, 1 / 3, 1 / 3, 0])
    assert campaign.profit == pytest.approx((10 + 3) / 5)


def test_a_customer_with_ten_rows_is_no_ten_customers() -> None:
    once = rivals(World(candidate=0.3, production=0.9, rows=600))
    assert once.production is not None
    tenfold = Evidence(
        Rows(np.repeat(once.rows.target, 10), np.repeat(once.rows.earned, 10), np.repeat(np.arange(600), 10)),
        *(
            Contender(np.repeat(s.probability, 10), np.repeat(s.promised, 10), 0.3)
            for s in (once.candidate, once.production)
        ),
    )

    alone, repeated = money(once, GATE), money(tenfold, GATE)

    assert repeated.difference == pytest.approx(alone.difference, rel=0.02)  # the border may cut a customer in two
    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low, rel=0.02)


def test_the_interval_is_that_of_a_bootstrap() -> None:
    evidence = rivals(World(candidate=0.3, production=0.9, rows=2_000, seed=3))
    assert evidence.production is not None
    sides, rng, drawn = (evidence.candidate.promised, evidence.production.promised), np.random.default_rng(0), []
    for _ in range(400):
        here = rng.integers(2_000, size=2_000)
        new, old = (contact(promised[here], evidence.rows.earned[here], 0.2).profit for promised in sides)
        drawn.append(new - old)

    found = money(evidence, GATE)

    assert (found.high - found.low) / 2 == pytest.approx(1.96 * np.std(drawn), rel=0.12)


@pytest.mark.parametrize(("exchanged", "decision"), [(3, "hold"), (25, "promote")])
def test_few_customers_who_decide_are_no_proof(exchanged: int, decision: str) -> None:
    promised = np.linspace(1, 2, 300)
    here = np.arange(100, 100 + exchanged)
    better = np.where(np.isin(np.arange(300), here), 9, promised)  # as many leavers come in as stayers go out
    target = np.isin(np.arange(300), here).astype(np.int64)
    chance = np.full(300, 0.3)
    rows = Rows(target, np.where(target == 1, 130.0, -11.0))

    found = money(Evidence(rows, Contender(chance, better, 0.3), Contender(chance, promised, 0.3)), GATE)

    assert found.deciding == 2 * exchanged
    assert found.difference == pytest.approx(exchanged * 141 / 300)
    assert decide(found) == decision


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_a_gain_is_never_both_sure_and_in_need_of_labels(seed: int) -> None:
    found = money(rivals(World(0.3, 0.6, 300, seed)), GATE)

    is_sure = found.low > 0 or found.high < 0
    assert not (is_sure and found.labels_needed)
    assert found.labels_needed is None or found.labels_needed > 0
    assert (found.p_value < 0.025) == (found.low > 0)
