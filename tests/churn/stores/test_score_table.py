import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from churn.errors import RefusedError, StoreError, UsageError
from churn.stores.database import open_database, open_migrated
from churn.stores.score_table import LATER, ScoreTable, job_id_of
from churn.stores.transactions import reading, writing
from tests.churn.stores.score_job import CHUNK, CHUNKS, score


@pytest.fixture
def table(database_url: str) -> Iterator[ScoreTable]:
    with ScoreTable(database_url) as table:
        yield table


def rows_in(url: str, table: str = "churn_scores") -> list[tuple[object, ...]]:
    engine = open_database(url)
    with reading(engine) as connection:
        quoted = engine.dialect.identifier_preparer.quote(table)
        rows = connection.execute(text(f"SELECT * FROM {quoted} ORDER BY customer_id")).all()  # noqa: S608  a constant
    engine.dispose()
    return [tuple(row) for row in rows]


def test_a_score_is_stored_with_what_it_came_from(table: ScoreTable, database_url: str) -> None:
    table.upsert([score(1)])

    stored = ("c-000001", 0.0005, 1, "LOW", 3, "2026-11-21T06:00:00.123Z")
    assert rows_in(database_url) == [(*stored, *[None] * len(LATER))]


def test_a_score_is_stored_with_what_is_known_of_the_customer(table: ScoreTable, database_url: str) -> None:
    table.upsert([{**score(1), "segment": "new customers", "expected_profit": 12.34, "reason_1": "tenure is 2 months"}])

    stored = ("new customers", 12.34, None, None, "tenure is 2 months", None, None, None)
    assert rows_in(database_url)[0][6:] == stored


def test_a_table_of_an_older_version_gets_the_new_columns_and_loses_nothing(database_url: str) -> None:
    engine = open_database(database_url)
    with writing(engine) as connection:
        connection.execute(
            text(
                "CREATE TABLE churn_scores (customer_id VARCHAR(255) PRIMARY KEY, churn_probability DOUBLE PRECISION "
                "NOT NULL, churn_prediction SMALLINT NOT NULL, risk_level VARCHAR(64) NOT NULL, model_version INTEGER "
                "NOT NULL, scored_at VARCHAR(24) NOT NULL, remark VARCHAR(20))"
            )
        )
        connection.execute(
            text("INSERT INTO churn_scores VALUES ('old', 0.5, 1, 'HIGH', 2, '2026-01-01T00:00:00.000Z', 'ours')")
        )
    engine.dispose()

    for _ in range(2):
        with ScoreTable(database_url) as table:
            table.upsert([{**score(1), "segment": "new customers"}])

    new, old = rows_in(database_url)
    assert old == ("old", 0.5, 1, "HIGH", 2, "2026-01-01T00:00:00.000Z", "ours", *[None] * len(LATER))
    assert (new[0], new[6], new[7]) == ("c-000001", None, "new customers")


def test_who_may_not_add_the_columns_is_told_who_can(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'scores.db'}"
    with sqlite3.connect(tmp_path / "scores.db") as connection:
        connection.execute("CREATE TABLE real_scores (customer_id TEXT PRIMARY KEY)")
        connection.execute("CREATE VIEW churn_scores AS SELECT * FROM real_scores")
    connection.close()

    with pytest.raises(
        StoreError, match="lacks columns: let its owner run ALTER TABLE churn_scores ADD COLUMN segment"
    ):
        ScoreTable(url)


def test_a_customer_s_newest_score_takes_the_place_of_the_last(table: ScoreTable, database_url: str) -> None:
    table.upsert([score(1), score(2)])
    table.upsert([{**score(2), "risk_level": "MEDIUM"}, {**score(2), "risk_level": "HIGH"}, score(3)])

    assert [(row[0], row[3]) for row in rows_in(database_url)] == [
        ("c-000001", "LOW"),
        ("c-000002", "HIGH"),
        ("c-000003", "LOW"),
    ]


def test_a_chunk_and_its_mark_are_stored_together_or_not_at_all(table: ScoreTable, database_url: str) -> None:
    table.upsert([score(1)], job_id="job", rows_done=1)

    with pytest.raises(RefusedError, match="refused the values"):
        table.upsert([score(2), {**score(3), "risk_level": None}], job_id="job", rows_done=3)

    assert table.rows_done("job") == 1
    assert len(rows_in(database_url)) == 1


def test_a_chunk_of_rejected_rows_only_moves_the_mark(table: ScoreTable) -> None:
    table.upsert([], job_id="job", rows_done=50)

    assert table.rows_done("job") == 50


def test_a_finished_job_begins_at_its_start(table: ScoreTable) -> None:
    assert table.rows_done("job") == 0
    table.upsert([score(1)], job_id="job", rows_done=1)
    table.upsert([score(2)], job_id="other", rows_done=2)
    table.finish("job")

    assert (table.rows_done("job"), table.rows_done("other")) == (0, 2)


def test_a_killed_job_goes_on_and_ends_with_every_row_once(database_url: str) -> None:
    command = [sys.executable, "-m", "tests.churn.stores.score_job", database_url]
    for chunks in (3, 5):
        job = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert job.stdout is not None
        for _ in range(chunks):
            job.stdout.readline()
        job.send_signal(signal.SIGKILL)
        job.communicate()
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert int(done.stdout.split()[0]) > 8 * CHUNK, "it began at the start"
    assert [row[0] for row in rows_in(database_url)] == [score(each)["customer_id"] for each in range(CHUNK * CHUNKS)]


def test_jobs_may_make_the_tables_at_once(database_url: str) -> None:
    failed: list[Exception] = []

    def open_table() -> None:
        try:
            ScoreTable(database_url).close()
        except Exception as error:  # noqa: BLE001  a thread's end
            failed.append(error)

    threads = [threading.Thread(target=open_table) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []


def test_the_table_may_have_another_name_and_stand_beside_the_store(database_url: str) -> None:
    engine = open_migrated(database_url)
    engine.dispose()
    with ScoreTable(database_url, "select") as table:
        table.upsert([score(1)])

    assert len(rows_in(database_url, "select")) == 1


@pytest.mark.parametrize("name", ["", "two words", 'x"; DROP TABLE predictions; --', "x" * 64])
def test_a_name_that_no_table_has_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="can't be the name of a score table"):
        ScoreTable("sqlite://", name)


def test_a_job_is_known_by_all_its_parts() -> None:
    ids = {job_id_of("digest", "3", "a"), job_id_of("digest", "3", "b"), job_id_of("digest3", "", "a")}

    assert len(ids) == 3
    assert {len(each) for each in ids} == {64}
