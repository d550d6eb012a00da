# ruff: noqa: S608  what is done to the database is written here
"""Whatever is done to the log behind its back is found, and named."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, Table, select, text, update

from churn.stores.database import open_migrated
from churn.stores.log.anchors import Anchor
from churn.stores.log.digests import PREDICTIONS
from churn.stores.log.reading import head_of, walk
from churn.stores.predictions import PredictionStore
from churn.stores.tables import log_blocks, predictions, promotions
from churn.stores.transactions import reading
from tests.churn.stores.log.logged import batch, checked, checked_on, fill, findings, run

BESIDE = "1 prediction no block holds: added beside the log"
P_5 = "WHERE prediction_id = 'p-5'"
COLUMNS = (
    "prediction_id, customer_id, model_name, model_version, role, door, inputs, probability, threshold, "
    "churn_prediction, risk_level, predicted_at, recorded_at"
)


def test_an_untouched_log_is_sound(engine: Engine) -> None:
    fill(engine)
    found = checked(engine)

    assert found.findings == []
    assert (found.blocks, found.predictions, found.moves) == (6, 12, 2)
    assert found.words == "6 blocks, 12 predictions and 2 moves are as they were recorded"


def test_a_database_that_nobody_wrote_to_is_sound(engine: Engine) -> None:
    assert checked(engine).is_sound


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"UPDATE predictions SET probability = 0.62 {P_5}", "prediction p-5 was changed (block 2)"),
        (f"UPDATE predictions SET inputs = '{{}}' {P_5}", "prediction p-5 was changed (block 2)"),
        (f"UPDATE predictions SET segment = NULL {P_5}", "prediction p-5 was changed (block 2)"),
        (
            f"UPDATE predictions SET digest = NULL {P_5}",
            "the digest of prediction p-5 was changed, the prediction was not",
        ),
        (f"DELETE FROM predictions {P_5}", "1 prediction of block 2 is missing"),
        ("UPDATE promotions SET reason = 'worse' WHERE id = 1", "move 1 was changed (block 3)"),
        ("UPDATE promotions SET actor = 'bob' WHERE id = 2", "move 2 was changed (block 4)"),
        ("DELETE FROM promotions WHERE id = 2", "1 move of block 4 is missing"),
        ("UPDATE log_blocks SET {rows} = 3 WHERE number = 5", "block 5 was changed"),
        ("UPDATE log_blocks SET hash = previous WHERE number = 2", "block 2 was changed"),
        ("UPDATE log_blocks SET details = '{}' WHERE number = 0", "block 0 was changed"),
        ("DELETE FROM predictions WHERE block = 2", "all predictions of block 2 are missing"),
        (
            "UPDATE log_head SET number = 4",
            "the log's head is block 4, and the last block is 5: blocks are missing, or the head was changed",
        ),
        (
            "DELETE FROM log_head",
            "the log's head is missing, and the last block is 5: blocks are missing, or the head was changed",
        ),
        (
            f"INSERT INTO predictions ({COLUMNS}) SELECT 'x', {COLUMNS.partition(', ')[2]} FROM predictions {P_5}",
            BESIDE,
        ),
        (
            f"INSERT INTO predictions ({COLUMNS}, block) SELECT 'x', {COLUMNS.partition(', ')[2]}, 99 "
            f"FROM predictions {P_5}",
            "1 row in a block that there is not: added beside the log",
        ),
    ],
)
def test_one_change_is_found_and_named(undone: Connection, statement: str, words: str) -> None:
    undone.execute(text(statement.replace("{rows}", undone.dialect.identifier_preparer.quote("rows"))))

    assert checked_on(undone).findings == [words]


def test_a_row_that_is_taken_out_of_its_block_is_missing_there_and_too_many_elsewhere(undone: Connection) -> None:
    undone.execute(text(f"UPDATE predictions SET block = NULL {P_5}"))

    assert checked_on(undone).findings == ["1 prediction of block 2 is missing", BESIDE]


def test_a_row_that_is_put_into_another_block_is_found_in_both(undone: Connection) -> None:
    undone.execute(text(f"UPDATE predictions SET block = 1 {P_5}"))

    assert checked_on(undone).findings == ["1 prediction too many in block 1", "1 prediction of block 2 is missing"]


def test_blocks_that_change_places_are_found(undone: Connection) -> None:
    for old, to in ((1, -1), (2, 1), (-1, 2)):
        undone.execute(text(f"UPDATE log_blocks SET number = {to} WHERE number = {old}"))

    assert {"block 1 was changed", "block 2 was changed"} < set(checked_on(undone).findings)


def test_a_block_that_is_gone_from_the_middle_is_missed_and_so_are_its_rows_homes(undone: Connection) -> None:
    undone.execute(text("DELETE FROM log_blocks WHERE number = 2"))

    assert checked_on(undone).findings == [
        "block 2 is missing before block 3",
        "4 rows in a block that there is not: added beside the log",
    ]


def test_a_row_that_was_changed_with_its_digest_is_found_by_its_block(undone: Connection) -> None:
    undone.execute(text(f"UPDATE predictions SET probability = 0.62 {P_5}"))
    rows = [row for _, found in walk(undone) for row in found or () if row.seen.key == "p-5"]
    undone.execute(text(f"UPDATE predictions SET digest = '{rows[0].seen.digest}' {P_5}"))

    assert checked_on(undone).findings == [
        "predictions of block 2 were exchanged, or changed together with their digests"
    ]


def cut(engine: Engine) -> None:
    """Cut the log as somebody would who knows how it is made."""
    with reading(engine) as connection:
        four = connection.execute(select(log_blocks.c.hash).where(log_blocks.c.number == 4)).scalar_one()
    run(
        engine,
        "DELETE FROM predictions WHERE block = 5",
        "DELETE FROM log_blocks WHERE number = 5",
        f"UPDATE log_head SET number = 4, hash = '{four}'",
    )


def test_a_tail_that_is_cut_off_cleanly_is_found_by_the_anchor_alone(engine: Engine) -> None:
    fill(engine)
    with reading(engine) as connection:
        anchor = Anchor.of(head_of(connection), SecretStr("a key of sixteen letters"))
    assert findings(engine, anchor) == []
    cut(engine)

    assert findings(engine) == []
    (words,) = findings(engine, anchor)
    assert words.startswith("the log is shorter than the anchor says: the last block is 4, and block 5 was sealed at")


def test_a_log_that_went_on_differently_does_not_fit_the_anchor(engine: Engine) -> None:
    fill(engine)
    with reading(engine) as connection:
        anchor = Anchor.of(head_of(connection), None)
    cut(engine)
    PredictionStore(engine).add(batch(range(8, 11)))

    assert findings(engine) == []
    (words,) = findings(engine, anchor)
    assert words.startswith("block 5 is not the one that was sealed at")


def test_a_log_that_was_made_anew_over_what_was_there_says_so(engine: Engine) -> None:
    """Who deletes the whole log gets a new one, which knows no row of before; anchors know better."""
    fill(engine)
    with reading(engine) as connection:
        anchor = Anchor.of(head_of(connection), None)
    run(engine, "DELETE FROM log_blocks", "DELETE FROM log_head")
    PredictionStore(engine).add(batch([50]))

    assert findings(engine) == [
        "4 predictions too many in block 1",
        "10 rows in a block that there is not: added beside the log",
    ]
    assert any("shorter than the anchor" in words for words in findings(engine, anchor))


def test_rows_of_before_the_log_are_counted_and_must_stay_as_many(engine: Engine) -> None:
    fill(engine)
    tables = ("predictions", "promotions")
    run(engine, "DELETE FROM log_blocks", "DELETE FROM log_head", *(f"UPDATE {one} SET block = NULL" for one in tables))
    PredictionStore(engine).add(batch([50]))
    assert findings(engine) == []

    run(engine, "DELETE FROM predictions WHERE prediction_id IN ('p-1', 'p-2')", "DELETE FROM promotions WHERE id = 1")

    assert findings(engine) == ["2 predictions of before the log are missing", "1 move of before the log is missing"]


def test_a_look_since_a_moment_looks_at_all_blocks_and_at_late_rows(engine: Engine) -> None:
    fill(engine)
    run(engine, "UPDATE predictions SET door = 'x' WHERE prediction_id IN ('p-1', 'p-9')")

    assert checked(engine, since="2026-11-08T00:00:00.000Z").findings == ["prediction p-9 was changed (block 5)"]


def test_only_the_first_hundred_findings_are_told_and_all_are_counted(engine: Engine) -> None:
    PredictionStore(engine).add(batch(range(150)))
    run(engine, "UPDATE predictions SET door = 'x'")
    found = checked(engine)

    assert (len(found.findings), found.wrong) == (100, 150)
    assert re.fullmatch(r"broken: prediction p-\d+ was changed \(block 1\) and 149 more", found.words)


EDITS = {
    **{("predictions", column.name): column for column in predictions.columns},
    **{("promotions", column.name): column for column in promotions.columns},
    **{("log_blocks", column.name): column for column in log_blocks.columns},
}
TABLES: dict[str, Table] = {"predictions": predictions, "promotions": promotions, "log_blocks": log_blocks}


@given(st.sampled_from(sorted(EDITS)), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_edit_of_any_column_of_any_row_is_found(filled: Engine, where: tuple[str, str], data: st.DataObject) -> None:
    with filled.connect() as connection:
        _edit(connection, TABLES[where[0]], where[1], data)
        assert not checked_on(connection).is_sound


def _edit(connection: Connection, table: Table, name: str, data: st.DataObject) -> None:
    key, column = next(iter(table.primary_key.columns)), table.c[name]
    rows = connection.execute(select(key, column).order_by(key)).all()
    row = data.draw(st.sampled_from(rows))
    value = data.draw(_other_values(row[1], name, {each[0] for each in rows}))
    connection.execute(update(table).where(key == row[0]).values({name: value}))


def _other_values(value: object, name: str, keys: set[object]) -> st.SearchStrategy[object]:
    taken = keys if name in {"prediction_id", "id", "number"} else {value}
    texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
    numbers = st.integers(0, 1000)
    if isinstance(value, float):
        return st.floats(-1e9, 1e9).filter(lambda one: one != value)
    if value is None:
        return numbers if name == "block" or name.endswith("version") else st.floats(0, 100)
    return (numbers if isinstance(value, int) else texts).filter(lambda one: one not in taken)


PLAIN_DIGEST = "ee176a7e39f957b2fb4ffc2b4126f9f4952cde5a5e435542523aa2db4b90b272"
FULL_DIGEST = "a20ac189e7b3c8cd7b63dc8761038a144b422cda17802573c9f4eea25c4e0e5d"


def test_the_form_of_a_row_does_not_change() -> None:
    """A digest that was written years ago must be found again: whoever changes it needs another way to tell the two."""
    row = ["p", "c", "churn", 3, "production", "bento", '{"a":1e-7}', 0.1, 0.4, 1, "LOW", "t", "u"]

    assert PREDICTIONS.digest([*row, None, None, None, None]) == PLAIN_DIGEST
    assert PREDICTIONS.digest([*row, "ü", 1e16, -0.0, 5e-324]) == FULL_DIGEST
    assert PREDICTIONS.digest([*row, "ü", 10**16, 0, 5e-324]) == PREDICTIONS.digest([*row, "ü", 1e16, -0.0, 5e-324])


def test_a_log_that_begins_twice_is_found(undone: Connection) -> None:
    undone.execute(text("UPDATE log_blocks SET kind = 'genesis' WHERE number = 2"))

    assert checked_on(undone).findings == [
        "block 2 was changed",
        "block 2 begins the log a second time",
        "4 rows in a block that there is not: added beside the log",
    ]


@pytest.mark.parametrize("details", ["no json", "7", '{"blocks": 7}', '{"blocks": [7, [1], ["a", 2], [2, 2]]}'])
def test_whatever_a_deletion_is_said_to_be_it_is_looked_at(undone: Connection, details: str) -> None:
    undone.execute(
        text("UPDATE log_blocks SET kind = 'retention', details = :details WHERE number = 5"), {"details": details}
    )

    assert "block 5 was changed" in checked_on(undone).findings


def test_a_number_that_is_text_is_found(tmp_path: Path) -> None:
    engine = open_migrated(f"sqlite:///{tmp_path}/churn.db")
    fill(engine)
    run(engine, "UPDATE log_blocks SET \"rows\" = 'many', at = x'00' WHERE number = 2")

    assert findings(engine) == ["block 2 was changed"]
    engine.dispose()


def test_what_a_database_holds_against_its_columns_is_found(tmp_path: Path) -> None:
    engine = open_migrated(f"sqlite:///{tmp_path}/churn.db")
    fill(engine)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE predictions SET probability = x'00ff', model_version = 'three' {P_5}"))

    assert findings(engine) == ["prediction p-5 was changed (block 2)"]
    engine.dispose()
