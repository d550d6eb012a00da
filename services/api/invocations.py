"""MLflow's own protocol: what `mlflow models serve` of the registered model answers, for the clients that know that."""

from functools import partial
from importlib.metadata import version

import anyio
import anyio.to_thread
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from services.api.body import require_plain
from services.api.customers import read_customers, score_customers
from services.api.endpoint import Document, Endpoint, ref, responses
from services.api.frames import customers_of, read_csv_frame, read_json_frame
from services.api.predict import idempotency_key
from services.served import Served
from services.worker import Worker

AT_ONCE = 2
"""Requests that one worker scores at a time; the others wait."""

READERS = {"application/json": read_json_frame, "text/csv": read_csv_frame}


class InvocationRow(BaseModel):
    """What is predicted for one row: the columns of the registered model's output."""

    churn_probability: float
    churn_prediction: int


class InvocationAnswer(BaseModel):
    """What is predicted, in the order of the rows."""

    predictions: list[InvocationRow]


class Invocations:
    """The endpoint."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        served = self._worker.live.require()
        headers: dict[bytes, bytes] = dict(request.headers.raw)
        require_plain(headers)
        kind = media_type(headers.get(b"content-type", b""))
        key = idempotency_key(headers)
        invoke = partial(self._invoke, served, await request.body(), kind=kind, key=key)
        content = await anyio.to_thread.run_sync(invoke, limiter=self._limiter)
        return Response(content, headers=served.headers, media_type="application/json")

    def _invoke(self, served: Served, body: bytes, *, kind: str, key: str | None) -> bytes:
        rows = READERS[kind](body)
        most = self._worker.settings.batch_rows
        if len(rows) > most:
            raise HTTPException(413, f"the frame has more than {most:,} rows: split it, or send a file as a job")
        customers = read_customers(served.scorer.form, customers_of(served.scorer.contract, rows))
        scored = score_customers(self._worker, served, customers, key=key)
        predictions = [
            {"churn_probability": each.probability, "churn_prediction": each.decision.churn_prediction}
            for each in scored
        ]
        return orjson.dumps({"predictions": predictions})


def media_type(header: bytes) -> str:
    """Return the type of the body, one that is read here.

    Raises:
        HTTPException: 415.
    """
    kind, *parameters = (part.strip().lower() for part in header.decode("latin-1").split(";"))
    if kind not in READERS or parameters not in ([], ["charset=utf-8"]):
        raise HTTPException(415, f"send Content-Type: {' or '.join(READERS)}, in UTF-8")
    return kind


def invocation_endpoints(worker: Worker) -> tuple[Endpoint, ...]:
    """Return the route that predicts."""
    answer = Invocations(worker).answer
    return (
        Endpoint(method="POST", path="/invocations", answer=answer, describe=_describe, models=(InvocationAnswer,)),
    )


def invocation_routes(worker: Worker) -> APIRouter:
    """Return the routes that MLflow's clients ask first."""
    router = APIRouter(tags=["mlflow"])

    @router.get("/ping", response_class=PlainTextResponse, responses={503: {}})
    async def ping() -> Response:
        """Say with an empty line that a model is live; 503 when there is none."""
        worker.live.require()
        return PlainTextResponse("\n")

    @router.get("/version", response_class=PlainTextResponse)
    async def mlflow_version() -> str:
        """Name the version of MLflow whose protocol this is."""
        return version("mlflow-skinny")

    return router


def _describe(served: Served | None) -> Document:
    frame = {"type": "object", "description": "One of dataframe_split, dataframe_records, instances, inputs."}
    example = {"example": {"dataframe_records": [dict(served.scorer.contract.example)]}} if served else {}
    csv = {"schema": {"type": "string", "description": "With a header line."}}
    return {
        "operationId": "invocations",
        "summary": "Predict for a frame, as `mlflow models serve` does",
        "tags": ["mlflow"],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": frame, **example}, "text/csv": csv},
        },
        "responses": responses(ref(InvocationAnswer), 400, 413, 415, 503),
    }
