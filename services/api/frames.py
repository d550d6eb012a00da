"""Frames as MLflow's clients send them: four forms of JSON, or a CSV, as customers that POST /predict would take."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json
from starlette.exceptions import HTTPException

from churn.contract.cells import comma_number, plain_number, text_of, truth
from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.request import CUSTOMER_ID_FIELD
from churn.data.csv_chunks import read_csv_chunks
from churn.errors import TableError

Frame = dict[str, Sequence[object]]
"""Columns of equal length."""

Row = dict[str, object]
FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


def read_json_frame(body: bytes) -> list[Row]:
    """Return the rows of a JSON body; `params` beside them are passed over, as the registered model has none.

    Raises:
        HTTPException: 400, it is none of the four forms.
    """
    try:
        sent = from_json(body, allow_inf_nan=True)
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error
    found = [form for form in FORMS if isinstance(sent, dict) and form in sent]
    if len(found) != 1:
        raise HTTPException(400, f"the body must be a JSON object with exactly one of {', '.join(FORMS)}")
    rows = _split(sent[found[0]]) if found[0] == FORMS[0] else _rows(sent[found[0]])
    if not rows:
        raise HTTPException(400, f"{found[0]} holds no rows")
    return rows


def read_csv_frame(body: bytes) -> list[Row]:
    """Return the rows of a CSV with a header.

    Raises:
        HTTPException: 400, it is no table, or a line of it can't be read.
    """
    rows: list[Row] = []
    try:
        for chunk in read_csv_chunks(io.BytesIO(body), name="the CSV"):
            for number, reason in chunk.bad_rows:
                raise HTTPException(400, f"nothing was scored: row {number}: {reason}")
            rows += _transposed(dict(chunk.columns))
    except TableError as error:
        raise HTTPException(400, str(error)) from error
    return rows


def customers_of(contract: Contract, rows: Sequence[Row]) -> list[Row]:
    """Return rows as a client of POST /predict would send them: a frame's other columns are passed over."""
    marks = frozenset(contract.missing_marks)
    ids = [contract.customer_id] if contract.customer_id else [CUSTOMER_ID_FIELD]
    return [
        {name: _cell(column, row[name], marks) for name, column in contract.columns.items() if name in row}
        | {name: _plain(row[name]) for name in ids if name in row}
        for row in rows
    ]


def _split(sent: Any) -> list[Row]:
    match sent:
        case {"columns": [*names], "data": [*data]} if all(isinstance(each, str) for each in names):
            if len(set(names)) < len(names) or any(not isinstance(row, list) or len(row) != len(names) for row in data):
                raise HTTPException(400, "dataframe_split: every row needs one value per column, and columns differ")
            return [dict(zip(names, row, strict=True)) for row in data]
    raise HTTPException(400, "dataframe_split needs `columns`, a list of names, and `data`, a list of rows")


def _rows(sent: Any) -> list[Row]:
    """Read records, or columns: lists, or single values for one row."""
    if isinstance(sent, list) and all(isinstance(row, dict) for row in sent):
        return sent
    if isinstance(sent, dict) and sent:
        columns: Frame = {name: cells if isinstance(cells, list) else [cells] for name, cells in sent.items()}
        if len(set(map(len, columns.values()))) == 1:
            return _transposed(columns)
    raise HTTPException(400, "a list of records is needed, or an object of columns of one length")


def _transposed(columns: Frame) -> list[Row]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _cell(column: Column, value: object, marks: frozenset[str]) -> object:
    """Return a cell as its column's JSON: in a frame, as in a file, a number may be written as text."""
    text = text_of(_plain(value))
    if not text or (text in marks and text not in column.categories):
        return None
    if column.type == "category":
        return text
    try:
        return _number(column, value, text)
    except ValueError:
        return text


def _number(column: Column, value: object, text: str) -> float | bool:
    if column.type == "boolean":
        return truth(text) == 1
    return comma_number(text) if column.decimal_comma and isinstance(value, str) else plain_number(text)


def _plain(value: object) -> object:
    """Return what JSON can say: NaN is no value; a list, an object or an infinity is a text that no column takes."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, list | Mapping):
        return "\x00"
    return value if not isinstance(value, int) or abs(value) < 2**63 else str(value)
