"""Outcomes: what became of customers, as JSON or CSV; bad rows are set aside with reasons, the others stored once."""

import io
from collections.abc import Sequence

import orjson
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from churn.scoring.outcome import Outcome, OutcomeIn
from churn.scoring.outcome_rows import RejectedRow, Rows, csv_rows, json_rows, sort_out
from services.access.audit import audit, subject_of
from services.api.job_answers import refusals
from services.api.problems import field_faults
from services.worker import Worker

JSON, CSV = "application/json", "text/csv"
MOST_SHOWN = 1_000


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
    for number, one in enumerate(sort_out(_rows(media_type, body), model, source, field_faults), 1):
        if number > most:
            raise HTTPException(413, f"more than {most:,} outcomes: send them in parts")
        if isinstance(one, RejectedRow):
            rejected.append(RejectedOutcome(row=one.number, reasons=one.reasons))
        else:
            good.append(one)
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
        return csv_rows(io.BytesIO(body))
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
    return json_rows(found)


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
