"""Batches: a table of customers in, predictions out, both as streams.

What is sent is put on disk before any of it is scored: a client that sends everything before it reads anything would
wait for a door that waits for the client. From there a thread takes a chunk at a time, so that single customers are
answered meanwhile, and nobody who sends or reads slowly keeps a thread.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import BinaryIO

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from churn.errors import ChurnError
from services.api.batch_departure import watched
from services.api.batch_document import describe_batch
from services.api.batch_models import BatchAnswer, PredictionsAnswer
from services.api.batch_scoring import BatchScoring
from services.api.batch_upload import uploaded
from services.api.batch_wishes import Wishes
from services.api.endpoint import Endpoint
from services.api.formats.answers import Answer, CsvAnswer, JsonAnswer, NdjsonAnswer, Totals
from services.api.formats.media import MEDIA, Format
from services.api.formats.parquet_answer import ParquetAnswer
from services.api.formats.reading import checked_chunks
from services.served import Served
from services.worker import Worker

log = logging.getLogger(__name__)

Head = list[tuple[bytes, bytes]]

AT_ONCE = 2
"""Chunks that one worker scores at a time; the others wait."""

MOST_EXPLAINED = 2_000
"""Rows of a batch with reasons: they cost up to a millisecond each, and 3 kB of answer."""


class Batch:
    """The endpoint, an ASGI application."""

    def __init__(self, worker: Worker, limiter: anyio.CapacityLimiter, rows_name: str) -> None:
        """Answer for a worker.

        Args:
            worker: what answers.
            limiter: of chunks scored at once, shared by all endpoints of batches.
            rows_name: what a JSON answer calls its list of rows.
        """
        self._worker, self._limiter, self._rows_name = worker, limiter, rows_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        served = self._worker.live.require()
        wishes = Wishes.of(scope)
        async with uploaded(scope, receive) as (stream, kind):
            run = BatchRun(self._worker, served, wishes, self._rows_name)
            head = [(name.encode(), value.encode()) for name, value in {**served.headers, **run.headers}.items()]
            parts = run.parts(stream, kind)
            if wishes.wanted == "json" or wishes.is_explained:
                await self._send_whole(parts, head, send)
            else:
                await self._send_parts(parts, head, run, receive=receive, send=send)

    async def _send_whole(self, parts: Iterator[bytes], head: Head, send: Send) -> None:
        """Send what is bounded as a whole: what is wrong with any of its rows is a problem yet."""
        whole = await anyio.to_thread.run_sync(lambda: b"".join(parts), limiter=self._limiter)
        length = (b"content-length", b"%d" % len(whole))
        await send({"type": "http.response.start", "status": 200, "headers": [*head, length]})
        await send({"type": "http.response.body", "body": whole})

    async def _send_parts(
        self, parts: Iterator[bytes], head: Head, run: "BatchRun", *, receive: Receive, send: Send
    ) -> None:
        first = await self._next(parts)  # a table that can't be used is a problem yet
        await send({"type": "http.response.start", "status": 200, "headers": head})
        async with watched(receive) as watch:
            async for part in self._rest(first, parts, run):
                watch.require_client()
                if part:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _rest(self, first: bytes | None, parts: Iterator[bytes], run: "BatchRun") -> AsyncIterator[bytes]:
        """Yield the parts; a table that breaks off breaks the answer off."""
        part = first
        try:
            while part is not None:
                yield part
                part = await self._next(parts)
        except ChurnError as error:
            log.warning("batch broke off", extra={"rows": run.rows, "kind": type(error).__name__})
            yield run.broken(str(error))
            raise

    async def _next(self, parts: Iterator[bytes]) -> bytes | None:
        return await anyio.to_thread.run_sync(next, parts, None, limiter=self._limiter)


class BatchRun:
    """Answers one table with one version.

    Attributes:
        rows: dealt with so far.
    """

    def __init__(self, worker: Worker, served: Served, wishes: Wishes, rows_name: str) -> None:
        self.rows = 0
        self._worker, self._served, self._wishes, self._rows_name = worker, served, wishes, rows_name
        self._answer: Answer | None = None
        self._is_streamed = wishes.wanted != "json"

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with the format."""
        ending = self._wishes.wanted
        media = MEDIA[ending]
        if ending in ("csv", "parquet"):
            return {"content-type": media, "content-disposition": f'attachment; filename="predictions.{ending}"'}
        return {"content-type": media}

    def parts(self, stream: BinaryIO, kind: Format) -> Iterator[bytes]:
        """Yield the answer, a part for each chunk.

        Raises:
            TableError: the table can't be used.
            HTTPException: 413, it has too many rows.
        """
        scorer = self._served.scorer
        scoring = BatchScoring(self._worker, self._served, key=self._wishes.key, is_explained=self._wishes.is_explained)
        totals = Totals(self._facts())
        self._answer = answer = self._begin()
        for chunk in checked_chunks(stream, kind, scorer.contract, scorer.form):
            self.rows += chunk.rows
            self._bound()
            scored = scoring.score(chunk)
            totals.add(scored)
            yield answer.rows(scored)
        yield answer.end(totals)

    def broken(self, detail: str) -> bytes:
        """Return what is said when the table breaks off."""
        return self._answer.broken(detail) if self._answer else b""

    def _begin(self) -> Answer:
        """Begin the answer; that of Parquet imports its library, which takes a thread's time."""
        contract, is_explained = self._served.scorer.contract, self._wishes.is_explained
        match self._wishes.wanted:
            case "json":
                return JsonAnswer(contract, self._rows_name)
            case "ndjson":
                return NdjsonAnswer(contract)
            case "csv":
                return CsvAnswer(contract, is_explained=is_explained)
            case "parquet":
                return ParquetAnswer(contract, is_explained=is_explained)

    def _facts(self) -> dict[str, object]:
        scorer = self._served.scorer
        note = {"explanation_note": scorer.explanation_note} if self._wishes.is_explained else {}
        return {
            "model_version": str(scorer.version),
            "threshold": scorer.threshold,
            "served_by": self._worker.door,
            **note,
        }

    def _bound(self) -> None:
        most = self._worker.settings.batch_rows
        if self._wishes.is_explained and self.rows > MOST_EXPLAINED:
            raise HTTPException(
                413, f"the table has more than {MOST_EXPLAINED:,} rows: split it, or use `churn score --explain`"
            )
        if not self._is_streamed and self.rows > most:
            raise HTTPException(
                413,
                f"the table has more than {most:,} rows: send Accept: application/x-ndjson, text/csv or "
                "application/vnd.apache.parquet, which take any number, or make it a job (POST /api/v1/jobs/score)",
            )


def batch_endpoints(worker: Worker) -> tuple[Endpoint, ...]:
    """Return the routes of tables."""
    limiter = anyio.CapacityLimiter(AT_ONCE)
    return (
        Endpoint(
            method="POST", path="/predict/batch", answer=Batch(worker, limiter, "results"), is_hot=True,
            models=(BatchAnswer,), describe=partial(describe_batch, "predict_batch", BatchAnswer),
        ),
        Endpoint(
            method="POST", path="/api/v1/batch_predict", answer=Batch(worker, limiter, "predictions"), is_hot=True,
            models=(PredictionsAnswer,), describe=partial(describe_batch, "predict_batch_v1", PredictionsAnswer),
        ),
    )  # fmt: skip
