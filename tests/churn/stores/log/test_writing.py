"""Rows and their blocks are written together, whoever else writes, and however often the same row comes."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from churn.errors import RefusedError, StoreError
from churn.scoring.prediction import Prediction
from churn.stores.database import open_database, open_migrated
from churn.stores.log.blocks import Block
from churn.stores.log.reading import COLUMNS
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import PromotionLog
from churn.stores.tables import log_blocks, predictions
from churn.stores.transactions import reading
from tests.churn.stores.log.logged import MOVE, batch, checked, findings, run
from tests.churn.stores.records import prediction


def blocks(engine: Engine) -> list[Block]:
    with reading(engine) as connection:
        return [Block.from_row(row) for row in connection.execute(select(*COLUMNS).order_by(log_blocks.c.number))]


def test_a_batch_is_a_block_that_names_the_one_before(engine: Engine) -> None:
    PredictionStore(engine).add(batch(range(3)))
    genesis, block = blocks(engine)

    assert (genesis.kind, genesis.facts) == ("genesis", {"predictions": 0, "moves": 0})
    assert (block.number, block.kind, block.rows, block.previous) == (1, "predictions", 3, genesis.hash)
    assert (block.first_at, block.last_at) == ("2026-11-01T06:00:00.123Z", "2026-11-03T06:00:00.123Z")
    assert block.hash == block.hashed()


def test_each_note_of_a_move_is_a_block_of_its_own(engine: Engine) -> None:
    log = PromotionLog(engine)
    log.finish(log.prepare(MOVE, reason="better"), "done")

    assert [(block.kind, block.rows) for block in blocks(engine)] == [("genesis", 0), ("move", 1), ("move", 1)]
    assert [move.block for move in log.history("churn")] == [2, 1]


def test_what_is_known_already_makes_no_block(engine: Engine) -> None:
    store = PredictionStore(engine)
    store.add(batch(range(3)))

    assert store.add(batch(range(3), probability=0.1)) == 0
    assert len(blocks(engine)) == 2
    assert checked(engine).is_sound


def test_a_block_holds_what_was_new_and_of_two_alike_the_first(engine: Engine) -> None:
    store = PredictionStore(engine)
    store.add(batch(range(3)))

    new = [prediction(2, door="again"), prediction(3), prediction(3, door="twice"), prediction(4)]
    assert store.add(new) == 2
    assert [block.rows for block in blocks(engine)] == [0, 3, 2]
    assert [one.door for one in store.with_ids(["p-2", "p-3"])] == ["fastapi", "fastapi"]
    assert checked(engine).predictions == 5
    assert findings(engine) == []


def test_two_alike_in_one_batch_are_stored_once(engine: Engine) -> None:
    assert PredictionStore(engine).add([prediction(1), prediction(1), prediction(1)]) == 1
    assert checked(engine).is_sound


def test_a_batch_that_is_refused_leaves_no_block(engine: Engine) -> None:
    with pytest.raises(RefusedError, match="refused the values"):
        PredictionStore(engine).add([prediction(1), prediction(2, risk_level=None)])

    assert blocks(engine) == []


def test_writers_at_once_make_one_chain_and_store_each_id_once(database_url: str) -> None:
    """Relays of several homes that send some of the same, in different orders, beside moves: nobody waits for ever."""
    engine = open_migrated(database_url)
    barrier = threading.Barrier(5)

    def relay(number: int) -> int:
        own = open_database(database_url)
        barrier.wait()
        rows = [*range(60), *range(100 * number, 100 * number + 20)]
        count = sum(PredictionStore(own).add(batch(_shuffled(rows, number, part))) for part in range(4))
        own.dispose()
        return count

    def promoter() -> int:
        barrier.wait()
        for _ in range(10):
            PromotionLog(engine).prepare(MOVE, reason="")
        return 0

    with ThreadPoolExecutor(5) as pool:
        stored = sum(
            future.result(60) for future in [*(pool.submit(relay, n) for n in range(1, 5)), pool.submit(promoter)]
        )

    found = checked(engine)
    assert (found.findings, found.predictions, found.moves) == ([], 140, 10)
    assert stored == 140
    engine.dispose()


def _shuffled(rows: list[int], number: int, part: int) -> list[int]:
    some = rows[part::4]
    return some[::-1] if number % 2 else some


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
def test_two_who_begin_the_log_at_once_begin_it_once(engine: Engine) -> None:
    barrier = threading.Barrier(4)

    def begin(number: int) -> None:
        barrier.wait()
        PredictionStore(engine).add([prediction(number)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(begin, range(4)))

    assert [block.kind for block in blocks(engine)].count("genesis") == 1
    assert checked(engine).is_sound


def test_a_head_that_was_set_back_stops_the_relay_and_loses_nothing(engine: Engine) -> None:
    """An error that passes: the relay would set refused predictions aside for ever."""
    store = PredictionStore(engine)
    for number in range(3):
        store.add([prediction(number)])
    run(engine, "UPDATE log_head SET number = 1")

    with pytest.raises(
        StoreError, match=r"has a block 2 already, its head was changed: `churn audit verify`"
    ) as raised:
        store.add([prediction(9)])
    assert not isinstance(raised.value, RefusedError)
    assert store.count() == 3

    run(engine, "DELETE FROM log_head")
    assert store.add([prediction(9)]) == 1
    assert findings(engine) == []


def test_numbers_are_found_again_as_they_were(engine: Engine) -> None:
    values = (0.1, 1 / 3, 1e-300, 5e-324, 0.0, 1.0, 1 - 2**-53)
    amounts = (1e16, -0.0, 123456789012345680.0, 1e22, 7, -1e-7, 2**53 + 2.0)
    PredictionStore(engine).add(
        [
            prediction(number, probability=value, threshold=1, expected_loss=amount, expected_profit=-amount)
            for number, (value, amount) in enumerate(zip(values, amounts, strict=True))
        ]
    )

    assert findings(engine) == []


def test_text_is_found_again_as_it_was(engine: Engine) -> None:
    texts = (
        "x'); DROP TABLE predictions; -- \u202e😀 %s :a",
        "\\u0000",
        '"',
        "\t\n\r\x1f\x7f",
        "{}",
        "\ufeffé é",
        "NULL ",
    )
    PredictionStore(engine).add(
        [prediction(number, customer_id=text, segment=text, inputs={text: "\x00"}) for number, text in enumerate(texts)]
    )

    with reading(engine) as connection:
        stored = connection.execute(select(predictions.c.customer_id).order_by(predictions.c.prediction_id)).scalars()
        assert tuple(stored) == texts
    assert findings(engine) == []


def test_predictions_of_a_store_from_before_the_log_are_counted_when_it_begins(tmp_path: Path) -> None:
    engine = open_migrated(f"sqlite:///{tmp_path}/churn.db")
    with engine.begin() as connection:
        rows: list[dict[str, object]] = [_plain(prediction(number)) for number in range(3)]
        connection.execute(predictions.insert(), rows)
    PredictionStore(engine).add([prediction(9)])

    assert blocks(engine)[0].facts == {"predictions": 3, "moves": 0}
    assert findings(engine) == []
    engine.dispose()


def _plain(record: Prediction) -> dict[str, object]:
    values = {name: getattr(record, name) for name in Prediction.__dataclass_fields__}
    return {**values, "inputs": "{}", "recorded_at": record.predicted_at}
