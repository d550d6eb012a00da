"""Small tables in every format, and answers of every format as the same rows."""

import csv
import io
from typing import Any

import httpx2
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from starlette.testclient import TestClient

from services.api.formats.media import MEDIA, Format

FORMATS: tuple[Format, ...] = ("json", "ndjson", "csv", "parquet")
ROWS: list[dict[str, Any]] = [
    {"customerID": "A", "tenure": 12, "Contract": "One year", "MonthlyCharges": 79.4, "TotalCharges": None},
    {"customerID": "B", "tenure": -3, "Contract": "One year", "MonthlyCharges": 79.4, "TotalCharges": 1.0},
    {"customerID": 'C,"c"', "tenure": 2, "Contract": "Two year", "MonthlyCharges": 20.05, "TotalCharges": 40.5},
    {"customerID": "=D()", "tenure": 70, "Contract": "Month-to-month", "MonthlyCharges": 1.0, "TotalCharges": 1e5},
    {"customerID": "E", "tenure": 1, "Contract": "Weekly", "MonthlyCharges": 1.0, "TotalCharges": 1.0},
]
"""Rows 2 and 5 are bad."""

NUMBERS = frozenset({"input_row", "tenure", "SeniorCitizen", "churn_prediction"})
FLOATS = frozenset(
    {"MonthlyCharges", "TotalCharges", "churn_probability", "expected_profit", "expected_loss", "priority_score"}
)


def encoded(kind: Format, rows: list[dict[str, Any]] = ROWS) -> bytes:
    """Write rows in a format."""
    if kind == "json":
        return orjson.dumps(rows)
    if kind == "ndjson":
        return b"\n".join(map(orjson.dumps, rows))
    if kind == "parquet":
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        return sink.getvalue()
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def send(
    client: TestClient, content: bytes, kind: str, wanted: Format = "json", *, path: str = "/predict/batch", **more: str
) -> httpx2.Response:
    """Send a table as a body of its own."""
    headers = {"content-type": MEDIA.get(kind, kind), "accept": MEDIA[wanted], **more}  # type: ignore[call-overload]
    return client.post(path, content=content, headers=headers)


def rows_of(answer: httpx2.Response) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the scored rows, and the numbers of those that were set aside."""
    kind = next(kind for kind, media in MEDIA.items() if answer.headers["content-type"].startswith(media))
    if kind == "json":
        found = answer.json()
        return found.get("results", found.get("predictions")), [each["row"] for each in found["rejected"]]
    if kind == "ndjson":
        *lines, last = map(orjson.loads, answer.content.splitlines())
        assert set(last) == {"summary"}
        good = [line for line in lines if "rejected" not in line]
        return good, [line["row"] for line in lines if "rejected" in line]
    table = _of_csv(answer.text) if kind == "csv" else pq.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [row["input_row"] for row in table] == sorted(row["input_row"] for row in table)
    set_aside = [row["input_row"] for row in table if row["rejected_because"]]
    return [row for row in table if not row.pop("rejected_because")], set_aside


def _of_csv(text: str) -> list[dict[str, Any]]:
    return [
        {name: _read(name, cell) for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text, newline=""))
    ]


def _read(name: str, cell: str) -> Any:
    if not cell:
        return None
    if name in NUMBERS:
        return int(cell)
    return float(cell) if name in FLOATS else cell.removeprefix("'")
