"""Runs of scheduled stages: when each began, how it ended, and what came of it, for freshness and history."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Engine, Row, insert, select, update

from churn.errors import ChurnError, StoreError
from churn.stores.database import open_migrated
from churn.stores.tables import stage_runs
from churn.stores.transactions import database_now_text, reading, writing

runs_log = logging.getLogger(__name__)

Status = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class StageRun:
    """One run. Moments are text, as `churn.scoring.prediction.utc_text` writes it.

    Attributes:
        finished_at: None while it runs, and for ever when its process was killed.
        words: what came of it, or why it failed, in a sentence.
    """

    id: int
    model_name: str
    stage: str
    started_at: str
    finished_at: str | None
    status: Status
    words: str


class StageRunLog:
    """The table of runs. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def at(cls, url: str) -> "StageRunLog":
        """Open the database at a URL, with its tables as this version knows them."""
        engine = open_migrated(url)
        return cls(engine)

    def begin(self, model_name: str, stage: str) -> int:
        """Note that a stage begins, and return the run's number."""
        with writing(self._engine) as connection:
            row = {"model_name": model_name, "stage": stage, "started_at": database_now_text(connection)}
            key = connection.execute(insert(stage_runs), {**row, "status": "running", "words": ""}).inserted_primary_key
        return int(key[0]) if key else 0

    def end(self, run_id: int, status: Status, words: str) -> None:
        """Note how a run ended."""
        with writing(self._engine) as connection:
            values = {"status": status, "words": words, "finished_at": database_now_text(connection)}
            connection.execute(update(stage_runs).where(stage_runs.c.id == run_id).values(**values))

    def recent(self, model_name: str, stage: str | None = None, limit: int = 50) -> list[StageRun]:
        """Return the newest runs, newest first."""
        query = select(stage_runs).where(stage_runs.c.model_name == model_name)
        if stage is not None:
            query = query.where(stage_runs.c.stage == stage)
        with reading(self._engine) as connection:
            return [_from_row(row) for row in connection.execute(query.order_by(stage_runs.c.id.desc()).limit(limit))]


class Account:
    """What a run will say of itself at its end."""

    words = ""


@contextmanager
def noted(log: StageRunLog, model_name: str, stage: str) -> Iterator[Account]:
    """Note a stage's run while the block runs; what the block puts into `words` is kept with it.

    A deliberate error's sentence is kept, of any other only its kind: it may quote a customer.
    """
    run_id, account = log.begin(model_name, stage), Account()
    try:
        yield account
    except BaseException as error:
        log.end(run_id, "failed", _sentence(error))
        raise
    log.end(run_id, "done", account.words)


@contextmanager
def noted_if_possible(open_log: Callable[[], StageRunLog], model_name: str, stage: str) -> Iterator[Account]:
    """As `noted`, for a stage that needs no store itself: when the store is away, the stage does its work unnoted."""
    try:
        log = open_log()
        run_id = log.begin(model_name, stage)
    except StoreError as error:
        runs_log.warning("stage's run not noted", extra={"stage": stage, "reason": str(error)})
        yield Account()
        return
    with _noted_end(log, run_id) as account:
        yield account


@contextmanager
def _noted_end(log: StageRunLog, run_id: int) -> Iterator[Account]:
    account = Account()
    try:
        yield account
    except BaseException as error:
        _end_if_possible(log, run_id, "failed", _sentence(error))
        raise
    _end_if_possible(log, run_id, "done", account.words)


def _end_if_possible(log: StageRunLog, run_id: int, status: Status, words: str) -> None:
    try:
        log.end(run_id, status, words)
    except StoreError as error:
        runs_log.warning("stage's end not noted", extra={"reason": str(error)})


def _sentence(error: BaseException) -> str:
    return str(error) if isinstance(error, ChurnError) else type(error).__name__


def _from_row(row: Row[tuple[object, ...]]) -> StageRun:
    return StageRun(**row._asdict())
