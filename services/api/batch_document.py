"""Batches in the OpenAPI document."""

from pydantic import BaseModel

from churn.contract.contract import Contract
from services.api.asking import explain_parameter
from services.api.batch_upload import FIELD, FORM
from services.api.endpoint import Document, ref, responses
from services.api.formats.media import MEDIA
from services.api.predict import IDEMPOTENCY_KEY
from services.served import Served

MOST = "2,000"
FORMATS = """\
The table is the field `file` of a form, or the body: CSV with a header, Parquet, a JSON list of records (or
`{"customers": [...]}`), or NDJSON. `Accept` chooses the answer. JSON comes whole and is bounded; NDJSON, CSV and
Parquet are streamed and take any number of rows.

A row that can't be scored is set aside, never dropped: JSON lists it under `rejected`; NDJSON has a line
`{"row": 7, "rejected": true, "reasons": [...]}` in its place; CSV and Parquet have a row in its place with `input_row`
and `rejected_because` alone. The last line of NDJSON is `{"summary": {...}}`. An answer that breaks off after it has
begun ends as a broken transfer, in NDJSON after a line `{"error": "..."}`: what has no summary is not whole.
In CSV, a text that a spreadsheet would run as a formula has an apostrophe before it."""


def describe_batch(name: str, answer: type[BaseModel], served: Served | None) -> Document:
    """Describe one route of batches.

    Args:
        name: of the operation.
        answer: what it answers as JSON.
        served: whose contract is shown.
    """
    return {
        "operationId": name,
        "summary": "Predict for a table of customers",
        "description": FORMATS,
        "tags": ["predict"],
        "parameters": [_key(), explain_parameter(f"true: with what to do and why; at most {MOST} rows.")],
        "requestBody": {"required": True, "content": _bodies(served)},
        "responses": responses(_answers(answer), 400, 406, 413, 415, 422, 503),
    }


def _key() -> Document:
    return {
        "name": "Idempotency-Key", "in": "header", "required": False,
        "description": "The same table sent twice with it is stored once: ids are made of it and the row's number.",
        "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY.pattern.replace("\\Z", "$")},
    }  # fmt: skip


def _bodies(served: Served | None) -> Document:
    contract = served.scorer.contract if served else None
    columns = ", ".join(contract.columns) if contract else "those of the contract"
    file = {"type": "string", "format": "binary", "description": f"Columns: {columns}"}
    form = {"type": "object", "required": [FIELD], "properties": {FIELD: file}}
    customers = {"type": "array", "items": {"$ref": "#/components/schemas/Customer"}}
    return {
        FORM: {"schema": form},
        MEDIA["csv"]: {"schema": {"type": "string"}, **_csv_example(contract)},
        MEDIA["json"]: {"schema": customers, **({"example": [dict(contract.example)]} if contract else {})},
        MEDIA["ndjson"]: {"schema": {"type": "string"}},
        MEDIA["parquet"]: {"schema": {"type": "string", "format": "binary"}},
    }


def _csv_example(contract: Contract | None) -> Document:
    if contract is None:
        return {}
    example = contract.example
    return {"example": f"{','.join(example)}\n{','.join(map(str, example.values()))}\n"}


def _answers(answer: type[BaseModel]) -> Document:
    return {
        MEDIA["json"]: {"schema": ref(answer)},
        MEDIA["ndjson"]: {"schema": {"type": "string"}},
        MEDIA["csv"]: {"schema": {"type": "string"}},
        MEDIA["parquet"]: {"schema": {"type": "string", "format": "binary"}},
    }
