"""The queue of jobs: each is done by one runner at a time, and taken over when that runner dies."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, exists, func, or_, select, update

from churn.errors import ConflictError, NotFoundError, RefusedError
from churn.scoring.prediction import utc_text
from churn.stores.orders import Claimant, Job, NewJob
from churn.stores.tables import jobs
from churn.stores.transactions import database_now, database_now_text, reading, writing
from churn.stores.upserts import insert_or_ignore

MOST_ATTEMPTS = 3
"""A job whose runner died so often is likely to be what kills it."""

CLAIMANTS = 50
"""So many may be taking a job at one moment; whoever comes then asks again."""

FRESH = {
    "status": "queued", "progress": 0.0, "words": "waiting", "result": "{}", "problem": "", "worker": "", "attempts": 0,
}  # fmt: skip

GIVEN_UP = f"its runner died {MOST_ATTEMPTS} times: the runner's log, and the machine's memory, may say why"


class JobStore:
    """The table of jobs. Every method raises StoreError when the database does not answer.

    Args:
        engine: of a migrated database.
        lease_seconds: a runner that was silent for so long is taken for dead.
    """

    def __init__(self, engine: Engine, *, lease_seconds: float = 60.0) -> None:
        self._engine = engine
        self._lease = timedelta(seconds=lease_seconds)

    def add(self, wanted: NewJob) -> Job:
        """Queue a job. One with the same id that wants the same is that job: asking twice does nothing twice.

        Raises:
            RefusedError: the id belongs to a job that wants something else.
        """
        row = {**FRESH, **asdict(wanted), "parameters": _text(wanted.parameters)}
        with writing(self._engine) as connection:
            now = database_now_text(connection)
            connection.execute(insert_or_ignore(jobs, connection.dialect.name), {**row, "created_at": now})
            found = _from_row(connection.execute(select(jobs).where(jobs.c.job_id == wanted.job_id)).one())
        if _text(found.parameters) != row["parameters"]:
            raise RefusedError("this Idempotency-Key was sent before with another request: use a new key")
        return found

    def claim(self, who: Claimant) -> Job | None:
        """Take the oldest job that waits, or whose runner died; None when there is none that `who` can do."""
        with writing(self._engine) as connection:
            now = database_now_text(connection)
            while (row := self._next(connection, who)) is not None:
                if row.attempts < MOST_ATTEMPTS:
                    taken = {"status": "running", "worker": who.name, "attempts": row.attempts + 1, "seen_at": now}
                    _set(connection, row.job_id, **taken, started_at=row.started_at or now)
                    return _read(connection, row.job_id)
                _set(connection, row.job_id, status="failed", problem=GIVEN_UP, finished_at=now)
        return None

    def is_waiting(self, who: Claimant) -> bool:
        """Say whether there is a job to claim."""
        with reading(self._engine) as connection:
            return bool(connection.execute(select(exists().where(*self._claimable(connection, who)))).scalar())

    def show(self, job: Job, *, progress: float | None = None, words: str | None = None) -> None:
        """Give a sign of life, and say how far the job is.

        Raises:
            ConflictError: another runner has taken the job: stop.
        """
        values: dict[str, object] = {"progress": progress, "words": words}
        self._change(job, {name: value for name, value in values.items() if value is not None})

    def release(self, job: Job) -> None:
        """Give a job back to the queue: this runner has to stop, and that is not the job's fault."""
        self._change(job, {"status": "queued", "attempts": job.attempts - 1, "words": "waiting", "worker": ""})

    def finish(self, job: Job, *, result: dict[str, object], words: str) -> None:
        """Note that a job is done, and what came of it."""
        done = {"status": "done", "progress": 1.0, "result": _text(result), "words": words}
        self._change(job, done, is_end=True)

    def fail(self, job: Job, problem: str) -> None:
        """Note that a job can't be done, and why, in a sentence."""
        self._change(job, {"status": "failed", "problem": problem.replace("\x00", " ")}, is_end=True)

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFoundError: there is none.
        """
        with reading(self._engine) as connection:
            return _read(connection, job_id)

    def recent(self, model_name: str, limit: int = 50) -> list[Job]:
        """Return a model's newest jobs, newest first."""
        newest = (jobs.c.created_at.desc(), jobs.c.job_id.desc())
        query = select(jobs).where(jobs.c.model_name == model_name).order_by(*newest).limit(limit)
        with reading(self._engine) as connection:
            return [_from_row(row) for row in connection.execute(query)]

    def unfinished(self, model_name: str) -> int:
        """Return how many of a model's jobs wait or run."""
        is_open = jobs.c.status.in_(("queued", "running"))
        query = select(func.count()).select_from(jobs).where(jobs.c.model_name == model_name, is_open)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one()

    def _next(self, connection: Connection, who: Claimant) -> Row[Any] | None:
        """Lock the oldest job that `who` may have; one that another is taking is skipped, not waited for.

        Looked for first and locked by its key then: MySQL would lock all jobs that it looks through. On SQLite who
        writes is alone.
        """
        claimable = self._claimable(connection, who)
        oldest = select(jobs.c.job_id).where(*claimable).order_by(jobs.c.created_at, jobs.c.job_id).limit(CLAIMANTS)
        for job_id in connection.execute(oldest).scalars().all():
            this = select(jobs).where(jobs.c.job_id == job_id, *claimable).with_for_update(skip_locked=True)
            if (row := connection.execute(this).first()) is not None:
                return row
        return None

    def _claimable(self, connection: Connection, who: Claimant) -> tuple[ColumnElement[bool], ...]:
        silent_since = utc_text(database_now(connection) - self._lease)
        is_abandoned = and_(jobs.c.status == "running", jobs.c.seen_at <= silent_since)
        return (
            jobs.c.model_name == who.model_name,
            or_(jobs.c.home.is_(None), jobs.c.home == who.home),
            or_(jobs.c.status == "queued", is_abandoned),
        )

    def _change(self, job: Job, values: Mapping[str, object], *, is_end: bool = False) -> None:
        is_ours = and_(jobs.c.worker == job.worker, jobs.c.attempts == job.attempts, jobs.c.status == "running")
        with writing(self._engine) as connection:
            now = database_now_text(connection)
            moments = {"seen_at": now, **({"finished_at": now} if is_end else {})}
            changed = update(jobs).where(jobs.c.job_id == job.job_id, is_ours).values({**moments, **values})
            if connection.execute(changed).rowcount != 1:
                raise ConflictError(f"job {job.job_id} is no longer {job.worker}'s: another runner has taken it")


def _set(connection: Connection, job_id: str, **values: object) -> None:
    connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**values))


def _read(connection: Connection, job_id: str) -> Job:
    row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).first()
    if row is None:
        raise NotFoundError(f"there is no job {job_id}: GET /api/v1/jobs lists the newest")
    return _from_row(row)


def _text(values: object) -> str:
    return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()


def _from_row(row: Row[Any]) -> Job:
    fields = row._asdict()
    return Job(**{**fields, "parameters": orjson.loads(fields["parameters"]), "result": orjson.loads(fields["result"])})
