"""Outcomes: what became of customers, as JSON or CSV; bad rows are set aside with reasons, the others stored once."""

import io
from collections.abc import Iterator, Mapping, Sequence

import orjson
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from churn.data.csv_chunks import read_csv_chunks
from churn.errors import TableError
from churn.scoring.outcome import Outcome, OutcomeIn
from services.access.audit import audit, subject_of
from services.api.job_answers import refusals
from services.api.problems import field_faults
from services.worker import Worker

JSON, CSV = "application/json", "text/csv"
REQUIRED = ("customer_id", "churned", "observed_at")
COLUMNS = (*REQUIRED, "prediction_id")
MOST_SHOWN = 1_000

Rows = Iterator[tuple[int, object]]
"""Numbers of rows, from 1, and what stands there."""


class RejectedOutcome(BaseModel):
    """An outcome that was set aside."""

    row: int = Field(description="Counted from 1.")
    reasons: list[str]


class OutcomesAnswer(BaseModel):
    """What became of the outcomes that were sent."""

    accepted: int = Field(description="New, and stored.")
    duplicates: int = Field(description="Known already, or sent twice at once.")
    rejected: list[RejectedOutcome] = Field(description=f"Those set aside; the first {MOST_SHOWN:,}.")
    rejected_total: int


class OutcomesIn(BaseModel):
    """Many outcomes; a single one may be sent as it is, without the list round it."""

    outcomes: list[OutcomeIn]


def outcome_routes(worker: Worker) -> APIRouter:
    """Return the route of outcomes."""
    router = APIRouter(tags=["outcomes"])

    @router.post(
        "/api/v1/outcomes",
        responses=refusals(400, 401, 403, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": {"required": True, "content": _content()}},
    )
    async def add_outcomes(request: Request) -> OutcomesAnswer:
        """Bring outcomes. The same outcome sent again, by whomever, is stored once."""
        media_type = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
        body = await request.body()
        return await run_in_threadpool(_add, worker, request, media_type, body)

    return router


def _add(worker: Worker, request: Request, media_type: str, body: bytes) -> OutcomesAnswer:
    most, model, source = worker.settings.batch_rows, worker.settings.model, subject_of(request).name
    good: list[Outcome] = []
    rejected: list[RejectedOutcome] = []
    for number, row in _rows(media_type, body):
        if number > most:
            raise HTTPException(413, f"more than {most:,} outcomes: send them in parts")
        try:
            good.append(OutcomeIn.model_validate(row).outcome(model, source))
        except ValidationError as error:
            rejected.append(RejectedOutcome(row=number, reasons=field_faults(error)))
    accepted = _store(worker, good)
    answer = OutcomesAnswer(
        accepted=accepted,
        duplicates=len(good) - accepted,
        rejected=rejected[:MOST_SHOWN],
        rejected_total=len(rejected),
    )
    counts = answer.model_dump(exclude={"rejected"})
    audit(request, action="outcomes", subject=model, outcome="done", details=counts)
    return answer


def _store(worker: Worker, good: Sequence[Outcome]) -> int:
    from churn.stores.outcomes import OutcomeStore  # noqa: PLC0415  it brings sqlalchemy

    return OutcomeStore(worker.stores.engine()).add(good)


def _rows(media_type: str, body: bytes) -> Rows:
    if media_type == CSV:
        return _from_csv(body)
    if media_type == JSON:
        return _from_json(body)
    raise HTTPException(415, f"send Content-Type: {JSON} or {CSV}")


def _from_json(body: bytes) -> Rows:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"the body is not JSON: {error.msg}") from error
    if isinstance(found, dict) and "outcomes" not in found:
        OutcomeIn.model_validate(found)  # one outcome alone is refused as one, not set aside
        found = [found]
    elif isinstance(found, dict) and set(found) == {"outcomes"}:
        found = found["outcomes"]
    if not isinstance(found, list):
        raise HTTPException(422, 'send one outcome, or {"outcomes": [...]}')
    return iter(enumerate(found, 1))


def _from_csv(body: bytes) -> Rows:
    for chunk in read_csv_chunks(io.BytesIO(body), name="the CSV"):
        _require_columns(chunk.columns)
        yield from ((row, reason) for row, reason in chunk.bad_rows)
        for number, cells in enumerate(zip(*chunk.columns.values(), strict=True), chunk.first_row):
            named = dict(zip(chunk.columns, (cell.strip() for cell in cells), strict=True))
            yield number, {name: cell for name, cell in named.items() if cell or name in REQUIRED}


def _require_columns(columns: Mapping[str, object]) -> None:
    if missing := [name for name in REQUIRED if name not in columns]:
        raise TableError(
            f"the CSV has no column {missing[0]!r}: its columns are {', '.join(COLUMNS)}, the last optional"
        )
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise TableError(f"the CSV has {len(unknown)} columns too many: its columns are {', '.join(COLUMNS)}")


def _content() -> dict[str, object]:
    example = {"customer_id": "7590-VHVEG", "churned": True, "observed_at": "2026-10-01"}
    lines = "customer_id,churned,observed_at\n7590-VHVEG,1,2026-10-01\n"
    return {
        JSON: {"schema": _inlined(OutcomesIn.model_json_schema()), "example": {"outcomes": [example]}},
        CSV: {"schema": {"type": "string"}, "example": lines},
    }


def _inlined(schema: dict[str, object]) -> dict[str, object]:
    """Put the schema of one outcome where it is referred to: the document's schemas are those of its routes."""
    parts = schema.pop("$defs")
    text = orjson.dumps(schema).replace(b'{"$ref":"#/$defs/OutcomeIn"}', orjson.dumps(parts["OutcomeIn"]))  # type: ignore[index]
    found: dict[str, object] = orjson.loads(text)
    return found
