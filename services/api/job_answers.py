"""Jobs as the doors show them."""

from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from churn.stores.orders import Job, Kind, Status

PATH = "/api/v1/jobs"


class JobOut(BaseModel):
    """One job. Moments are ISO-8601 in UTC."""

    job_id: str
    kind: Kind
    status: Status
    progress: float = Field(description="Share that is done, 0 … 1.")
    words: str = Field(description="What it does now, or did.")
    problem: str | None = Field(description="Why it failed; null unless it did.")
    result: dict[str, object] | None = Field(description="What came of it; null until it is done.")
    result_url: str | None = Field(description="Where its file is; null when it has none, or is not done.")
    parameters: dict[str, object]
    actor: str = Field(description="Who asked for it.")
    attempts: int = Field(description="How often a runner began: more than 1 when one died.")
    created_at: str
    started_at: str | None
    finished_at: str | None


class JobsOut(BaseModel):
    """The newest jobs, the newest first."""

    jobs: list[JobOut]


def job_out(job: Job) -> JobOut:
    """Return a job as it is shown."""
    is_done = job.status == "done"
    return JobOut(
        job_id=job.job_id,
        kind=job.kind,
        status=job.status,
        progress=job.progress,
        words=job.words,
        problem=job.problem or None,
        result=dict(job.result) if is_done else None,
        result_url=f"{PATH}/{job.job_id}/result" if is_done and job.kind == "score" else None,
        parameters=dict(job.parameters),
        actor=job.actor,
        attempts=job.attempts,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return statuses of problems as a route declares them."""
    return {status: {} for status in statuses}


def accepted(job: Job) -> Response:
    """Answer that a job is queued, and where to look."""
    headers = {"location": f"{PATH}/{job.job_id}", "retry-after": "2"}
    return JSONResponse(job_out(job).model_dump(), 202, headers=headers)


def shown(job: Job) -> Response:
    """Answer with a job that has ended."""
    return JSONResponse(job_out(job).model_dump(), 200, headers={"location": f"{PATH}/{job.job_id}"})
