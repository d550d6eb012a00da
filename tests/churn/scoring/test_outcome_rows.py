import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from churn.errors import TableError
from churn.scoring.outcome import Outcome
from churn.scoring.outcome_rows import RejectedRow, outcome_file, sort_out

LEFT = {"customer_id": "A-1", "churned": True, "observed_at": "2026-10-01"}
STAYED = {"customer_id": "A-2", "churned": 0, "observed_at": "2026-10-01T02:00:00+02:00", "prediction_id": "p-2"}
BAD = {"customer_id": "A-3", "churned": "maybe", "observed_at": "2026-10-01"}
CSV = "customer_id,churned,observed_at,prediction_id\nA-1,1,2026-10-01,\nA-2,no,2026-10-01T02:00:00+02:00,p-2\n"


def words_of(error: ValidationError) -> list[str]:
    return [one["msg"] for one in error.errors()]


def read(path: Path) -> list[Outcome | RejectedRow]:
    with outcome_file(path) as rows:
        return list(sort_out(rows, "churn", "a test", words_of))


def written(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        pq.write_table(content, path)
    else:
        path.write_text(str(content), encoding="utf-8")
    return path


def parquet(**changed: Any) -> pa.Table:
    moments = pa.array([datetime(2026, 10, 1, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC"))
    columns = {"customer_id": ["A-1", "A-2"], "churned": [True, False], "observed_at": moments}
    return pa.table({**columns, "prediction_id": [None, "p-2"], **changed})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.csv", CSV),
        ("o.json", json.dumps([LEFT, STAYED])),
        ("o.json", json.dumps({"outcomes": [LEFT, STAYED]})),
        ("o.ndjson", f"{json.dumps(LEFT)}\n\n{json.dumps(STAYED)}\n"),
        ("o.parquet", parquet()),
        ("o.parquet", parquet(observed_at=[date(2026, 10, 1)] * 2)),
    ],
)
def test_every_format_says_the_same(tmp_path: Path, name: str, content: object) -> None:
    assert [
        (one.customer_id, one.churned, one.observed_at, one.prediction_id)
        for one in read(written(tmp_path, name, content))
    ] == [  # type: ignore[union-attr]
        ("A-1", 1, "2026-10-01T00:00:00.000Z", None),
        ("A-2", 0, "2026-10-01T00:00:00.000Z", "p-2"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("o.csv", f"{CSV}A-3,maybe,2026-10-01,\nA-4,1\nA-5,1,2026-10-01,\n", [3, 4]),
        ("o.json", json.dumps([LEFT, BAD, "nonsense"]), [2, 3]),
        ("o.jsonl", f"{json.dumps(LEFT)}\n{{\n{json.dumps(BAD)}\n", [2, 3]),
        ("o.parquet", parquet(churned=["1", "maybe"]), [2]),
    ],
)
def test_a_bad_row_is_set_aside_with_its_number_and_reasons(
    tmp_path: Path, name: str, content: object, rows: list[int]
) -> None:
    found = [one for one in read(written(tmp_path, name, content)) if isinstance(one, RejectedRow)]

    assert [one.number for one in found] == rows
    assert all(one.reasons for one in found)


def test_an_id_that_is_a_number_in_parquet_is_its_digits(tmp_path: Path) -> None:
    found = read(written(tmp_path, "o.parquet", parquet(customer_id=[1, 2])))

    assert [one.customer_id for one in found] == ["1", "2"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("o.csv", "customer_id,churned\nA,1\n", r"o\.csv has no column 'observed_at'"),
        ("o.csv", "customer_id,churned,observed_at,tenure\nA,1,2026-10-01,3\n", r"has 1 columns too many"),
        ("o.csv", "", r"is empty"),
        ("o.json", "{", r"o\.json is not JSON"),
        ("o.json", "3", r"send one outcome"),
        ("o.ndjson", "", r"has no records"),
        ("o.parquet", parquet().drop_columns(["churned"]), r"has no column 'churned'"),
        ("o.xml", "<x/>", r"o\.xml is none of \.csv, \.json"),
    ],
)
def test_what_is_no_table_of_outcomes_is_refused(tmp_path: Path, name: str, content: object, words: str) -> None:
    with pytest.raises(TableError, match=words):
        read(written(tmp_path, name, content))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"absent\.csv can't be read: No such file"):
        read(tmp_path / "absent.csv")
