"""Gate verdicts, stored in real databases."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from churn.stores.gate_verdicts import GateVerdictStore, NewVerdict

HELD = NewVerdict(
    model_name="churn", version=3, production_version=2, decision="hold", reasons=("too few labels", "and “that”"),
    rows=187, profit_difference=0.25, profit_low=-0.5, profit_high=1.0, labels_needed=4200, actor="a test",
    report="file:///somewhere",
)  # fmt: skip
ALONE = replace(
    HELD, version=1, production_version=None, decision="promote", profit_difference=None, profit_low=None,
    profit_high=None, labels_needed=None, report="",
)  # fmt: skip


@pytest.fixture
def store(engine: Engine) -> GateVerdictStore:
    return GateVerdictStore(engine)


def test_a_verdict_comes_back_as_it_was_reached(store: GateVerdictStore) -> None:
    number = store.add(HELD)
    found = store.latest("churn")

    assert found is not None
    assert found.id == number
    assert {name: getattr(found, name) for name in NewVerdict.__dataclass_fields__} == {
        name: getattr(HELD, name) for name in NewVerdict.__dataclass_fields__
    }
    assert len(found.at) == 24


def test_a_version_that_was_held_against_nothing_has_no_money(store: GateVerdictStore) -> None:
    store.add(ALONE)
    found = store.latest("churn")

    assert found is not None
    assert (found.production_version, found.profit_difference, found.labels_needed) == (None, None, None)


def test_a_version_may_be_judged_again_and_every_verdict_stays(store: GateVerdictStore) -> None:
    for one in (ALONE, HELD, replace(HELD, decision="promote"), replace(HELD, model_name="other")):
        store.add(one)

    assert [(one.version, one.decision) for one in store.history("churn")] == [
        (3, "promote"), (3, "hold"), (1, "promote"),
    ]  # fmt: skip
    assert [one.decision for one in store.history("churn", version=3, limit=1)] == ["promote"]
    assert store.latest("churn", version=2) is None


def test_verdicts_are_counted_by_decision_from_zero(store: GateVerdictStore) -> None:
    for one in (ALONE, HELD, HELD):
        store.add(one)

    assert store.counts("churn") == {"promote": 1, "hold": 2, "reject": 0}
    assert store.counts("another") == {"promote": 0, "hold": 0, "reject": 0}
