"""Jobs: what takes longer than a request may. Retraining and large files are asked for here, and looked after."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, File, Header, Path, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse

from churn.errors import ConflictError, NotFoundError
from churn.stores.job_files import REJECTED, SCORES, JobFiles, file_within
from churn.stores.orders import RetrainOrder, Version
from services.api.job_answers import JobOut, JobsOut, accepted, job_out, refusals
from services.api.job_desk import IDEMPOTENCY_KEY, JobDesk
from services.api.job_uploads import stored
from services.worker import Worker

JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="As the request that made the job was answered.")]
Key = Annotated[
    str | None, Header(pattern=IDEMPOTENCY_KEY, description="The same key and request again is the same job.")
]
FILES = {"scores": SCORES, "rejected": REJECTED}
REFUSALS = refusals(400, 401, 403, 409, 413, 415, 422, 429, 503)


def job_routes(worker: Worker) -> APIRouter:
    """Return the routes of jobs."""
    router, desk = APIRouter(tags=["jobs"]), JobDesk(worker)

    @router.post("/api/v1/retrain", status_code=202, response_model=JobOut, responses=REFUSALS)
    def retrain(
        request: Request,
        order: Annotated[RetrainOrder | None, Body()] = None,
        idempotency_key: Key = None,
    ) -> Response:
        """Train a new version, from a table in the folder of tables or from the newest training's own."""
        wanted = order or RetrainOrder()
        for name in filter(None, (wanted.data, wanted.contract)):
            file_within(worker.settings.table_folder, name)
        return accepted(desk.retrain(request, wanted, key=idempotency_key))

    @router.post("/api/v1/jobs/score", status_code=202, response_model=JobOut, responses=REFUSALS)
    def score_file(
        request: Request,
        *,
        file: Annotated[UploadFile, File(description="CSV or Parquet file of customers.")],
        version: Annotated[Version | None, Query(description="Absent: the one in production.")] = None,
        explain: Annotated[bool, Query(description="Also the three strongest reasons of each.")] = False,
        idempotency_key: Key = None,
    ) -> Response:
        """Score a file of any number of customers; the answer says where to look for the result."""
        job_id = desk.new_id(request, "score", idempotency_key)
        with stored(worker.settings, file, job_id, is_known=desk.is_known) as order:
            wanted = order.model_copy(update={"version": version, "explain": explain})
            return accepted(desk.score(request, wanted, job_id=job_id))

    @router.get("/api/v1/jobs", responses=REFUSALS)
    def list_jobs(limit: Annotated[int, Query(ge=1, le=500)] = 50) -> JobsOut:
        """List the newest jobs, the newest first."""
        found = desk.store().recent(worker.settings.model, limit)
        return JobsOut(jobs=[job_out(job) for job in found])

    @router.get("/api/v1/jobs/{job_id}", responses={**REFUSALS, 404: {}})
    def show_job(job_id: JobId) -> JobOut:
        """Show how one job gets on."""
        return job_out(desk.get(job_id))

    @router.get("/api/v1/jobs/{job_id}/result", response_class=FileResponse, responses={**REFUSALS, 404: {}})
    def job_result(
        job_id: JobId,
        part: Annotated[Literal["scores", "rejected"], Query(description="Which of the two files.")] = "scores",
    ) -> Response:
        """Return a job's file as CSV: one line per customer, or the rows that were set aside, and why."""
        _require_done(desk, job_id)
        path = JobFiles(worker.settings.job_folder).folder(job_id) / FILES[part]
        if not path.is_file():
            days = worker.settings.job_days
            raise NotFoundError(f"the file is not here: kept for {days:g} days, where the job was asked for")
        headers = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
        return FileResponse(
            path, media_type="text/csv; charset=utf-8", filename=f"{part}-{job_id}.csv", headers=headers
        )

    return router


def _require_done(desk: JobDesk, job_id: str) -> None:
    job = desk.get(job_id)
    if job.kind != "score":
        raise NotFoundError(f"a job of the kind {job.kind} has no file: its result is in GET /api/v1/jobs/{job_id}")
    if job.status != "done":
        raise ConflictError(job.problem or f"the job is {job.status}: ask again when it is done")
