"""A CSV of customers: read in chunks in a thread, so that single customers are answered meanwhile."""

from collections.abc import Iterator
from itertools import repeat
from typing import BinaryIO

import anyio
import anyio.to_thread
import numpy as np
import orjson
from fastapi import Request, Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from churn.contract.contract import Contract
from churn.contract.table import CheckedTable, check_table
from churn.data.csv_chunks import CsvChunk, read_csv_chunks
from churn.scoring.scorer import Decision
from services import telemetry
from services.api.asking import explain_parameter, wants_explanation
from services.api.endpoint import Document, Endpoint, ref, responses
from services.api.predict import LONGEST_CUSTOMER_ID, require_type
from services.api.recording import new_prediction_id, record
from services.live import Served
from services.worker import Worker

FIELD = "file"
ID_WITHOUT_COLUMN = "customer_id"
AT_ONCE = 2
"""Batches that one worker scores at a time; the others wait."""

MOST_EXPLAINED = 2_000
"""Rows of a batch with reasons: they cost up to a millisecond each, and 3 kB of answer."""


class RejectedRowOut(BaseModel):
    """A row that was set aside; rows count from 1 after the header."""

    row: int
    reasons: list[str]


class BatchAnswer(BaseModel):
    """What is predicted for a table."""

    total_customers: int
    churn_risk_count: int
    model_version: str
    threshold: float
    served_by: str
    results: list[dict[str, object]]
    """A row's columns as they were sent, and what is predicted; with explain=true its explanation too."""

    rejected: list[RejectedRowOut]
    explanation_note: str | None = None
    """Why there are no explanations, when they were asked for."""


class Batch:
    """The endpoint."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        served = self._worker.live.require()
        require_type(dict(request.headers.raw), "multipart/form-data")
        is_explained = wants_explanation(request.scope["query_string"])
        async with request.form(max_files=1, max_fields=8) as form:
            upload = form.get(FIELD)
            if not isinstance(upload, UploadFile):
                raise HTTPException(422, f"send the CSV as the multipart field {FIELD!r}, with a file name")
            scoring = BatchScoring(self._worker, served, is_explained=is_explained)
            content = await anyio.to_thread.run_sync(scoring.score, upload.file, limiter=self._limiter)
        return Response(content, headers=served.headers, media_type="application/json")


def batch_endpoints(worker: Worker) -> tuple[Endpoint, ...]:
    """Return the routes of tables."""
    batch = Batch(worker)
    return (
        Endpoint(method="POST", path="/predict/batch", answer=batch.answer, describe=_describe, models=(BatchAnswer,)),
    )


def _describe(served: Served | None) -> Document:
    columns = ", ".join(served.scorer.contract.columns) if served else "those of the contract"
    file = {
        "type": "string", "contentMediaType": "text/csv", "format": "binary", "description": f"Columns: {columns}",
    }  # fmt: skip
    form = {"type": "object", "required": [FIELD], "properties": {FIELD: file}}
    return {
        "operationId": "predict_batch",
        "summary": "Predict for a CSV of customers",
        "tags": ["predict"],
        "parameters": [explain_parameter(f"true: with the reasons of each customer; at most {MOST_EXPLAINED:,} rows.")],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": responses(ref(BatchAnswer), 400, 413, 415, 422, 503),
    }


class BatchScoring:
    """Scores one table with one version; used once."""

    def __init__(self, worker: Worker, served: Served, *, is_explained: bool) -> None:
        self._worker = worker
        self._served = served
        self._is_explained = is_explained
        self._results: list[bytes] = []
        self._rejected: list[dict[str, object]] = []
        self._accepted = self._at_risk = 0

    def score(self, stream: BinaryIO) -> bytes:
        """Return the answer as JSON.

        Raises:
            TableError: the table can't be used.
            HTTPException: 413, it has too many rows.
        """
        for chunk in read_csv_chunks(stream, name="the CSV"):
            self._bound(chunk.first_row + chunk.rows - 1)
            self._score_chunk(chunk)
        telemetry.REJECTED.labels(self._worker.door).inc(len(self._rejected))
        facts = {
            "total_customers": self._accepted + len(self._rejected),
            "churn_risk_count": self._at_risk,
            "model_version": str(self._served.scorer.version),
            "threshold": self._served.scorer.threshold,
            "served_by": self._worker.door,
            "rejected": self._rejected,
            **({"explanation_note": self._served.scorer.explanation_note} if self._is_explained else {}),
        }
        return b'%b,"results":[%b]}' % (orjson.dumps(facts)[:-1], b",".join(self._results))

    def _bound(self, rows: int) -> None:
        most = self._worker.settings.batch_rows
        if self._is_explained and min(most, rows) > MOST_EXPLAINED:
            raise HTTPException(
                413, f"the CSV has more than {MOST_EXPLAINED:,} rows: split it, or use `churn score --explain`"
            )
        if rows > most:
            raise HTTPException(413, f"the CSV has more than {most:,} rows: split it, or use `churn score`")

    def _score_chunk(self, chunk: CsvChunk) -> None:
        scorer = self._served.scorer
        self._rejected += [{"row": row, "reasons": [reason]} for row, reason in chunk.bad_rows]
        if not chunk.rows:
            return
        checked = check_table(scorer.contract, chunk.columns, first_row=chunk.first_row)
        self._rejected += [{"row": each.row, "reasons": list(each.reasons)} for each in checked.rejected]
        for column, times in checked.missing.items():
            telemetry.count_missing(column, times)
        for column, times in checked.unknown.items():
            telemetry.count_unknown(column, times)
        if len(checked.accepted):
            self._answer_rows(checked)

    def _answer_rows(self, checked: CheckedTable) -> None:
        scorer = self._served.scorer
        probabilities = scorer.score_columns(checked.columns)
        rows = zip(
            _rows_of(scorer.contract, checked),
            probabilities.tolist(),
            scorer.standings.of_columns(checked.columns, probabilities),
            strict=True,
        )
        for (row, probability, standing), reasons in zip(rows, self._reasons(checked), strict=False):
            decision = scorer.decide(probability)
            self._at_risk += decision.churn_prediction
            answer = self._answer_row(row, probability, decision)
            place = {"segment": standing.segment, "expected_profit": standing.expected_profit}
            self._results.append(orjson.dumps({**answer, **place, **reasons}))
        self._accepted += len(probabilities)

    def _reasons(self, checked: CheckedTable) -> Iterator[dict[str, object]]:
        """Yield for each row what an answer holds for who asks for reasons."""
        scorer = self._served.scorer
        if self._is_explained and scorer.explainer is not None:
            for explanation in scorer.explain_columns(checked.columns):
                yield {"explanation": explanation}
        else:
            yield from repeat({"explanation": None} if self._is_explained else {})

    def _answer_row(
        self, row: tuple[str | None, dict[str, object]], probability: float, decision: Decision
    ) -> dict[str, object]:
        sent_id, inputs = row
        prediction_id = new_prediction_id()
        customer_id = (sent_id or f"generated-{prediction_id}")[:LONGEST_CUSTOMER_ID]
        record(
            self._worker, self._served, (prediction_id, customer_id),
            inputs=inputs, probability=probability, decision=decision,
        )  # fmt: skip
        return {
            self._served.scorer.contract.customer_id or ID_WITHOUT_COLUMN: customer_id,
            **inputs,
            "churn_probability": probability,
            "churn_prediction": decision.churn_prediction,
            "risk_level": decision.risk_level,
            "prediction_id": prediction_id,
        }


def _rows_of(contract: Contract, checked: CheckedTable) -> Iterator[tuple[str | None, dict[str, object]]]:
    """Yield each accepted row's customer id, and its inputs as JSON values."""
    names = list(checked.columns)
    columns = [_json_values(checked.columns[name], contract.columns[name].type) for name in names]
    ids = [None] * len(checked.accepted) if checked.customer_ids is None else checked.customer_ids.tolist()
    for sent_id, *values in zip(ids, *columns, strict=True):
        yield sent_id, dict(zip(names, values, strict=True))


def _json_values(values: np.ndarray, kind: str) -> list[object]:
    """Return a graph-ready column as JSON values: missing as None, whole numbers as such, 79.4 as 79.4."""
    if kind == "category":
        return [value or None for value in values]
    if kind in ("integer", "boolean"):
        return [None if number != number else int(number) for number in values.tolist()]  # noqa: PLR0124  NaN
    # float32 holds 79.4 as 79.40000152…; its shortest text is what was sent
    return [None if text == "nan" else float(text) for text in values.astype(str)]
