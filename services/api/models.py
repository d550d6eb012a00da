"""Models: the registered versions, and putting one of them in production."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from churn.errors import NotFoundError, StoreError
from churn.stores.orders import ActivateOrder, Job, Reason
from services.api.job_answers import JobOut, accepted, refusals, shown
from services.api.job_desk import IDEMPOTENCY_KEY, LONGEST_WAIT, JobDesk
from services.api.problems import problem
from services.exchange import read_note
from services.listed import Catalogue, Listed
from services.worker import Worker

NOT_MOVED = ("refused", "held")
"""How an activation ends when the gate says no, or not yet."""

VersionPath = Annotated[int, Path(ge=1, lt=2**31, description="Number of a registered version.")]


class ActivateIn(BaseModel, extra="forbid"):
    """Why a version is put in production; kept in the audit for ever."""

    reason: Reason
    override: bool = Field(default=False, description="True: move although the gate says no, and answer for it.")


def models_routes(worker: Worker) -> APIRouter:
    """Return the routes of registered versions."""
    router, desk = APIRouter(tags=["models"]), JobDesk(worker)

    @router.get("/api/v1/models", responses=refusals(401, 403, 503))
    def list_models() -> Catalogue:
        """List the registered versions, the newest first."""
        return catalogue_of(worker)

    @router.get("/api/v1/models/{version}", responses=refusals(401, 403, 404, 422, 503))
    def show_model(version: VersionPath) -> Listed:
        """Show one version: where it comes from, what it reached, what the gate said."""
        return _listed(worker, version)

    @router.post(
        "/api/v1/models/{version}/activate",
        status_code=202,
        response_model=JobOut,
        responses={200: {"model": JobOut}, **refusals(400, 401, 403, 404, 409, 422, 429, 503)},
    )
    async def activate(
        request: Request,
        *,
        version: VersionPath,
        order: ActivateIn,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the end.")] = 0.0,
        idempotency_key: Annotated[str | None, Header(pattern=IDEMPOTENCY_KEY)] = None,
    ) -> Response:
        """Put a version in production: a job, for the gate measures it first. An earlier production needs no gate.

        With `wait`, an end within that time is the answer: 200 when it moved, 409 with all reasons when it did not.
        """
        wanted = ActivateOrder(version=version, reason=order.reason, override=order.override)
        job = await desk.activate(request, wanted, key=idempotency_key, is_listed=lambda: _require(worker, version))
        return _answer(request, await desk.ended(job, wait) if wait else job)

    return router


def catalogue_of(worker: Worker) -> Catalogue:
    """Read what the attendant last saw in the registry.

    Raises:
        StoreError: it has not seen it yet.
    """
    found = read_note(Catalogue, worker.settings.catalogue_file)
    if found is None or found.name != worker.settings.model:
        raise StoreError("the registry was not read yet: the attendant reads it; /api/v1/health says how it fares")
    return found


def _listed(worker: Worker, version: int) -> Listed:
    found = catalogue_of(worker).version(version)
    if found is None:
        raise NotFoundError(f"{worker.settings.model} has no version {version}: GET /api/v1/models lists the versions")
    return found


def _require(worker: Worker, version: int) -> None:
    """Refuse a version that can't exist; one newer than all that are listed may just not be listed yet."""
    found = read_note(Catalogue, worker.settings.catalogue_file)
    if found is not None and found.versions and version < found.versions[0].version:
        _listed(worker, version)


def _answer(request: Request, job: Job) -> Response:
    if job.status == "failed":
        return problem(request, 409, job.problem)
    if job.result.get("outcome") in NOT_MOVED:
        reasons = job.result.get("reasons")
        each = [{"field": "version", "message": str(one)} for one in reasons] if isinstance(reasons, list) else []
        return problem(request, 409, job.words, errors=each)
    return shown(job) if job.status == "done" else accepted(job)
