"""A log with predictions and moves, and how it is checked."""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text

from churn.scoring.prediction import Prediction
from churn.stores.log.anchors import Anchor
from churn.stores.log.checking import Checked, Checker
from churn.stores.log.reading import head_of, one_moment, strays_of, walk
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Move, PromotionLog
from tests.churn.stores.records import prediction

MOVE = Move("churn", "promote", from_version=None, to_version=1, actor="ann")


def batch(numbers: Sequence[int], **changed: object) -> list[Prediction]:
    return [
        prediction(number, predicted_at=f"2026-11-{number % 20 + 1:02d}T06:00:00.123Z", **changed) for number in numbers
    ]


def fill(engine: Engine) -> None:
    """Block 0 begins; 1, 2 and 5 hold four predictions each, 3 and 4 a move."""
    store, log = PredictionStore(engine), PromotionLog(engine)
    store.add(batch(range(4)))
    store.add(batch(range(4, 8), segment="loyal", expected_profit=-1.5, expected_loss=100, priority_score=12.5))
    log.finish(log.prepare(MOVE, reason="better", details={"roc_auc": 0.85}), "done")
    store.add(batch(range(8, 12)))


def checked(engine: Engine, anchor: Anchor | None = None, since: str = "") -> Checked:
    with one_moment(engine) as connection:
        return checked_on(connection, anchor, since)


def checked_on(connection: Connection, anchor: Anchor | None = None, since: str = "") -> Checked:
    checker = Checker(anchor)
    for block, rows in walk(connection, since=since):
        checker.look_at(block, None if rows is None else [row.seen for row in rows])
    strays = strays_of(connection, seen=None if since else checker.rows_seen)
    return checker.finish(head=head_of(connection), strays=strays)


def findings(engine: Engine, anchor: Anchor | None = None) -> list[str]:
    return checked(engine, anchor).findings


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
