from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select

from churn.errors import ConflictError
from churn.stores.log import retention
from churn.stores.log.blocks import Block
from churn.stores.log.reading import COLUMNS
from churn.stores.log.retention import Order, Retained, retain, would_retain
from churn.stores.predictions import PredictionStore
from churn.stores.tables import log_blocks
from churn.stores.transactions import reading
from tests.churn.stores.log.logged import batch, checked, fill, findings, run
from tests.churn.stores.records import prediction

DAY_9 = "2026-11-09T00:00:00.000Z"
ORDER = Order(DAY_9, "ann", "two years")


@pytest.fixture
def small_steps() -> Iterator[None]:
    before = retention.BLOCKS_AT_ONCE, retention.ROWS_AT_ONCE
    retention.BLOCKS_AT_ONCE, retention.ROWS_AT_ONCE = 1, 2
    yield
    retention.BLOCKS_AT_ONCE, retention.ROWS_AT_ONCE = before


def notes(engine: Engine) -> list[dict[str, object]]:
    query = select(*COLUMNS).where(log_blocks.c.kind == "retention").order_by(log_blocks.c.number)
    with reading(engine) as connection:
        return [Block.from_row(row).facts for row in connection.execute(query)]


def test_predictions_of_old_blocks_are_deleted_and_the_log_stays_whole(engine: Engine) -> None:
    """p-0 … p-3 are of the days 1 to 4, p-4 … p-7 of 5 to 8, p-8 … p-11 of 9 to 12."""
    fill(engine)

    assert would_retain(engine, DAY_9) == Retained(blocks=2, predictions=8)
    assert retain(engine, ORDER, say=print) == Retained(blocks=2, predictions=8)
    found = checked(engine)
    assert (found.findings, found.predictions, found.retained, found.blocks) == ([], 4, 2, 7)
    assert notes(engine) == [
        {"before": DAY_9, "blocks": [[1, 2]], "predictions": 8, "unlogged": 0, "actor": "ann", "reason": "two years"}
    ]


def test_a_block_whose_newest_prediction_is_young_stays_whole(engine: Engine) -> None:
    fill(engine)

    assert retain(engine, Order("2026-11-08T00:00:00.000Z", "ann", ""), say=print).blocks == 1
    assert PredictionStore(engine).count() == 8


def test_a_second_run_finds_nothing_and_notes_nothing(engine: Engine) -> None:
    fill(engine)
    retain(engine, ORDER, say=print)

    assert would_retain(engine, DAY_9) == Retained()
    assert retain(engine, ORDER, say=print) == Retained()
    assert len(notes(engine)) == 1


@pytest.mark.usefixtures("small_steps")
def test_a_run_that_died_is_gone_on_with_by_the_next(engine: Engine) -> None:
    fill(engine)

    def die(done: Retained) -> None:
        raise KeyboardInterrupt(str(done.blocks))

    with pytest.raises(KeyboardInterrupt, match="1"):
        retain(engine, ORDER, say=die)
    assert findings(engine) == []
    assert checked(engine).retained == 1

    assert retain(engine, ORDER, say=print) == Retained(blocks=1, predictions=4)
    assert findings(engine) == []
    assert [note["blocks"] for note in notes(engine)] == [[[1, 1]], [[2, 2]]]


@pytest.mark.usefixtures("small_steps")
def test_predictions_of_before_the_log_are_deleted_too_and_counted(engine: Engine) -> None:
    PredictionStore(engine).add(batch(range(5)))
    run(engine, "DELETE FROM log_blocks", "DELETE FROM log_head", "UPDATE predictions SET block = NULL, digest = NULL")
    PredictionStore(engine).add(batch([19]))
    before = "2026-11-04T00:00:00.000Z"

    assert would_retain(engine, before) == Retained(0, 3, unlogged=3)
    assert retain(engine, Order(before, "ann", ""), say=print) == Retained(0, 3, unlogged=3)
    assert findings(engine) == []

    run(engine, "DELETE FROM predictions WHERE prediction_id = 'p-4'")
    assert findings(engine) == ["1 prediction of before the log is missing"]


def test_what_was_tampered_with_is_not_deleted(engine: Engine) -> None:
    fill(engine)
    run(engine, "UPDATE predictions SET door = 'x' WHERE prediction_id = 'p-5'")

    with pytest.raises(ConflictError, match=r"nothing more was deleted: prediction p-5 was changed \(block 2\)"):
        retain(engine, ORDER, say=print)
    assert PredictionStore(engine).count() == 12
    assert findings(engine) == ["prediction p-5 was changed (block 2)"]


def test_a_deletion_that_retention_did_not_make_is_found(engine: Engine) -> None:
    fill(engine)
    retain(engine, Order("2026-11-08T00:00:00.000Z", "ann", ""), say=print)
    run(engine, "DELETE FROM predictions WHERE block = 2")

    assert findings(engine) == ["all predictions of block 2 are missing"]


def test_the_record_goes_on_after_retention(engine: Engine) -> None:
    fill(engine)
    retain(engine, ORDER, say=print)
    PredictionStore(engine).add([prediction(99)])

    assert checked(engine).predictions == 5
    assert findings(engine) == []
