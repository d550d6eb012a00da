"""Batches: a table of customers in, predictions out, both as streams.

What is sent is put on disk before any of it is scored: a client that sends everything before it reads anything would
wait for a door that waits for the client. From there a thread takes a chunk at a time, so that single customers are
answered meanwhile, and nobody who sends or reads slowly keeps a thread.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from churn.errors import ChurnError
from services.api.asking import wants_explanation
from services.api.batch_document import describe_batch
from services.api.batch_models import BatchAnswer, PredictionsAnswer
from services.api.batch_scoring import BatchScoring
from services.api.batch_upload import uploaded
from services.api.endpoint import Endpoint
from services.api.formats.answers import Answer, CsvAnswer, JsonAnswer, NdjsonAnswer, Totals
from services.api.formats.media import Format, wanted_format
from services.api.formats.parquet_answer import ParquetAnswer
from services.api.formats.reading import checked_chunks
from services.api.predict import idempotency_key
from services.live import Served
from services.worker import Worker

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Chunks that one worker scores at a time; the others wait."""

MOST_EXPLAINED = 2_000
"""Rows of a batch with reasons: they cost up to a millisecond each, and 3 kB of answer."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a client wants its answer.

    Attributes:
        key: of idempotency; None: none was sent.
        is_explained: with reasons.
    """

    wanted: Format
    key: str | None
    is_explained: bool

    @classmethod
    def of(cls, scope: Scope) -> "Wishes":
        """Read them from a request's head.

        Raises:
            HTTPException: 400 or 406.
        """
        headers: dict[bytes, bytes] = dict(scope["headers"])
        accept = headers.get(b"accept")
        return cls(
            wanted=wanted_format(accept.decode("latin-1") if accept else None),
            key=idempotency_key(headers),
            is_explained=wants_explanation(scope["query_string"]),
        )


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
            run = BatchRun(self._worker, served, wishes, self._answer(served, wishes))
            parts = run.parts(stream, kind)
            if wishes.wanted == "json" or wishes.is_explained:
                parts = await self._gathered(parts)
            await self._send(parts, served, run, receive=receive, send=send)

    def _answer(self, served: Served, wishes: Wishes) -> Answer:
        contract, is_explained = served.scorer.contract, wishes.is_explained
        match wishes.wanted:
            case "json":
                return JsonAnswer(contract, self._rows_name)
            case "ndjson":
                return NdjsonAnswer(contract)
            case "csv":
                return CsvAnswer(contract, is_explained=is_explained)
            case "parquet":
                return ParquetAnswer(contract, is_explained=is_explained)

    async def _gathered(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        """Make the whole answer: its rows are bounded, and what is wrong with any of them is still a problem."""
        whole = await anyio.to_thread.run_sync(lambda: b"".join(parts), limiter=self._limiter)
        return iter([whole])

    async def _send(
        self, parts: Iterator[bytes], served: Served, run: "BatchRun", *, receive: Receive, send: Send
    ) -> None:
        first = await self._next(parts)  # a table that can't be used is a problem yet
        head = [(name.encode(), value.encode()) for name, value in {**served.headers, **run.headers}.items()]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        async with _watched(receive) as watch:
            async for part in self._rest(first, parts, run):
                watch.require_client()
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _rest(self, first: bytes | None, parts: Iterator[bytes], run: "BatchRun") -> AsyncIterator[bytes]:
        """Yield what is not empty; a table that breaks off breaks the answer off."""
        part = first
        try:
            while part is not None:
                if part:
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

    def __init__(self, worker: Worker, served: Served, wishes: Wishes, answer: Answer) -> None:
        self.rows = 0
        self._worker, self._served, self._wishes, self._answer = worker, served, wishes, answer
        self._is_streamed = wishes.wanted != "json"

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with the format."""
        media, ending = self._answer.media_type, self._wishes.wanted
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
        for chunk in checked_chunks(stream, kind, scorer.contract, scorer.form):
            self.rows += chunk.rows
            self._bound()
            scored = scoring.score(chunk)
            totals.add(scored)
            yield self._answer.rows(scored)
        yield self._answer.end(totals)

    def broken(self, detail: str) -> bytes:
        """Return what is said when the table breaks off."""
        return self._answer.broken(detail)

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


class _Watch:
    """Whether the client is still there: who left is not scored for."""

    def __init__(self) -> None:
        self._has_left = False

    async def look(self, receive: Receive) -> None:
        """Wait until the client leaves."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._has_left = True

    def require_client(self) -> None:
        """Stop when the client left.

        Raises:
            ClientDisconnect: it did.
        """
        if self._has_left:
            raise ClientDisconnect


@asynccontextmanager
async def _watched(receive: Receive) -> AsyncIterator[_Watch]:
    watch = _Watch()
    looking = asyncio.create_task(watch.look(receive))  # a task group would wrap what is raised beside it
    try:
        yield watch
    finally:
        looking.cancel()


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
