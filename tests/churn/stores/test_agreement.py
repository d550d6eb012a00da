from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine

from churn.stores.agreement import Stray, strays
from churn.stores.promotions import Action, Move, PromotionLog


@dataclass
class Registry:
    """Where aliases are; `meanwhile` happens while it is asked."""

    found: dict[str, int]
    meanwhile: Callable[[], object] = field(default=lambda: None)

    def aliases(self, name: str) -> dict[str, int]:
        assert name == "churn"
        found = dict(self.found)
        self.meanwhile()
        return found


@pytest.fixture
def log(engine: Engine) -> PromotionLog:
    return PromotionLog(engine)


def move(to: int | None, *, alias: str = "production", action: Action = "promote") -> Move:
    return Move("churn", action, from_version=None, to_version=to, actor="ann", alias=alias)


def made(log: PromotionLog, one: Move) -> None:
    log.finish(log.prepare(one, reason=""), "done")


def test_where_every_alias_is_where_it_was_moved_there_is_no_stray(log: PromotionLog) -> None:
    made(log, move(1))
    made(log, move(2))
    made(log, move(2, alias="canary", action="give"))
    made(log, move(3, alias="shadow", action="give"))
    made(log, move(None, alias="shadow", action="take"))

    assert strays(Registry({"production": 2, "canary": 2, "champion": 7}), log, "churn") == []


@pytest.mark.parametrize(
    ("aliases", "expected"),
    [
        ({"production": 3, "canary": 2}, Stray("production", 3, 1)),
        ({"canary": 2}, Stray("production", None, 1)),
        ({"production": 1}, Stray("canary", None, 2)),
        ({"production": 1, "canary": 2, "staging": 1}, Stray("staging", 1, None)),
    ],
)
def test_an_alias_that_was_moved_given_or_taken_without_us_is_a_stray(
    log: PromotionLog, aliases: dict[str, int], expected: Stray
) -> None:
    made(log, move(1))
    made(log, move(2, alias="canary", action="give"))
    log.finish(log.prepare(move(9), reason=""), "refused")

    assert strays(Registry(aliases), log, "churn") == [expected]


def test_a_move_that_is_being_made_is_no_stray_before_or_after_the_alias_moved(log: PromotionLog) -> None:
    made(log, move(1))
    log.prepare(move(2), reason="")

    assert strays(Registry({"production": 1}), log, "churn") == []
    assert strays(Registry({"production": 2}), log, "churn") == []


def test_a_move_that_is_made_while_one_looks_is_no_stray(log: PromotionLog) -> None:
    made(log, move(1))

    assert strays(Registry({"production": 1}, lambda: made(log, move(2))), log, "churn") == []


def test_a_move_behind_our_back_that_was_noted_is_no_stray_any_more(log: PromotionLog) -> None:
    made(log, move(1))
    log.note(move(3, action="foreign"), reason="seen")

    assert strays(Registry({"production": 3}), log, "churn") == []
    said = str(strays(Registry({}), log, "churn")[0])
    assert said == "production is nothing in the registry and version 3 in our log"
