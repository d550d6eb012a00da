"""Which version had which alias, at any moment."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from churn.stores.database import open_migrated
from churn.stores.gate_verdicts import GateVerdictStore, NewVerdict
from churn.stores.holders import Noted, history, what_was_live
from churn.stores.log.writing import add_move
from churn.stores.transactions import writing

REGISTERED = {1: "aa" * 32, 2: "bb" * 32}
Note = Callable[..., None]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_migrated(f"sqlite:///{tmp_path}/churn.db")


@pytest.fixture
def note(engine: Engine) -> Note:
    """Note a move at an hour of a day; as PromotionLog does, but at a moment of the test's choice."""

    def add(hour: int, action: str, to: int | None, **changed: Any) -> None:
        row = {
            "move_id": f"m{hour}", "model_name": "churn", "action": action, "from_version": None, "to_version": to,
            "status": "done", "actor": "ann", "reason": "better", "alias": "production", "details": "{}",
            "at": at(hour), **changed,
        }  # fmt: skip
        with writing(engine) as connection:
            add_move(connection, row)

    return add


def at(hour: int) -> str:
    return f"2026-11-21T{hour:02d}:00:00.000Z"


@pytest.fixture
def story(note: Note) -> None:
    """Two versions; 1 is promoted at 3, 2 is the canary from 4 and promoted at 6, 1 is back at 8, all noted."""
    for version, digest in REGISTERED.items():
        note(version, "register", version, alias="", details=f'{{"digest":"{digest}"}}')
    note(3, "promote", 1)
    note(4, "give", 2, alias="canary")
    note(5, "promote", 2, status="refused")
    note(6, "promote", 2, actor="bob", reason="the gate agrees")
    note(7, "take", None, alias="canary")
    note(8, "foreign", 1, actor="?", reason="moved without us")


def versions(engine: Engine, moment: str) -> dict[str, int | None]:
    return {one.alias: one.version for one in what_was_live(engine, "churn", moment).holders}


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(2), {}),
        (at(3), {"production": 1}),
        ("2026-11-21T05:30:00.000Z", {"production": 1, "canary": 2}),
        (at(6), {"production": 2, "canary": 2}),
        (at(7), {"production": 2, "canary": None}),
        ("2027-01-01T00:00:00.000Z", {"production": 1, "canary": None}),
    ],
)
def test_the_last_move_that_was_made_by_then_says_who_had_the_alias(
    engine: Engine, moment: str, expected: dict[str, int | None]
) -> None:
    assert versions(engine, moment) == expected


@pytest.mark.usefixtures("story")
def test_a_holder_is_told_with_its_digest_and_who_moved_it_why_and_when(engine: Engine) -> None:
    _, holder = what_was_live(engine, "churn", at(7)).holders

    assert (holder.alias, holder.digest, holder.actor, holder.reason) == (
        "production", REGISTERED[2], "bob", "the gate agrees",
    )  # fmt: skip
    assert (holder.since, holder.action) == (at(6), "promote")


@pytest.mark.usefixtures("story")
def test_before_the_first_move_it_is_said_when_that_was(engine: Engine) -> None:
    found = what_was_live(engine, "churn", at(1))

    assert (found.holders, found.first_at) == ((), at(3))
    assert what_was_live(engine, "other", at(1)).first_at is None


def test_between_the_two_notes_of_a_move_it_is_said_that_it_was_under_way(engine: Engine, note: Note) -> None:
    note(3, "promote", 1)
    note(5, "promote", 2, status="prepared")
    note(6, "promote", 2, move_id="m5")
    note(7, "rollback", 1, status="prepared")

    found = {hour: what_was_live(engine, "churn", at(hour)).holders[0] for hour in (4, 5, 6, 9)}
    assert {hour: (one.version, one.under_way) for hour, one in found.items()} == {
        4: (1, ()), 5: (1, (2,)), 6: (2, ()), 9: (2, (1,)),
    }  # fmt: skip


@pytest.mark.usefixtures("story")
def test_history_is_every_note_with_what_the_gate_had_said(engine: Engine) -> None:
    verdict = NewVerdict(
        model_name="churn", version=2, production_version=1, decision="hold", reasons=["too few labels"], rows=100,
        profit_difference=None, profit_low=None, profit_high=None, labels_needed=500, actor="ann", report="",
    )  # fmt: skip
    store = GateVerdictStore(engine)
    store.add(verdict)
    store.add(replace(verdict, decision="promote"))

    def told(noted: list[Noted]) -> list[tuple[str, int | None]]:
        return [(one.move.action, one.move.to_version) for one in noted]

    everything = history(engine, "churn")
    assert told(everything)[:3] == [("register", 1), ("register", 2), ("promote", 1)]
    assert len(everything) == 8
    assert told(history(engine, "churn", alias="canary")) == [("give", 2), ("take", None)]
    assert {version for _, version in told(history(engine, "churn", version=1))} == {1}
    assert everything[3].digest == REGISTERED[2]
    # The verdicts are of now: later than the moves of the story.
    assert {one.decision for one in everything} == {""}


def test_the_gate_s_newest_word_before_a_move_goes_with_it(engine: Engine, note: Note) -> None:
    verdict = NewVerdict(
        model_name="churn", version=2, production_version=1, decision="hold", reasons=[], rows=100,
        profit_difference=None, profit_low=None, profit_high=None, labels_needed=500, actor="ann", report="",
    )  # fmt: skip
    for decision in ("hold", "promote"):
        GateVerdictStore(engine).add(replace(verdict, decision=decision))  # type: ignore[arg-type]
    note(1, "promote", 2, at="2099-01-01T00:00:00.000Z")

    assert [one.decision for one in history(engine, "churn")] == ["promote"]
