"""Health: alive, ready, and how it fares."""

import time

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from services.exchange import CanaryState, ShadowState
from services.worker import Worker

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class ModelHealth(BaseModel):
    """The version that this worker serves."""

    name: str
    version: str
    digest: str
    loaded_at: float


class CanaryHealth(BaseModel):
    """The version with the alias `canary`. Production answers whom it can't: `status` does not know it."""

    version: str
    share: float
    """Of the customers, at this worker; 0: it answers nobody."""

    problem: str


class Health(BaseModel):
    """How this door fares. Only `status` says whether it answers; the rest says what is wrong around it.

    `status` is ok, degraded (answering; something around it is away) or no_model.
    """

    status: str
    door: str
    uptime_seconds: float
    model: ModelHealth | None
    model_problem: str
    registry_reachable: bool
    registry_problem: str
    database_reachable: bool
    database_problem: str
    recorder_backlog: int
    recorder_in_memory: int
    attendant_age_seconds: float | None
    quarantined: dict[str, str]
    jobs_problem: str
    """Why jobs that wait are not done here; a door answers as well without."""

    waiting_problem: str
    """Why a version that an alias names is not taken up yet: the log of registrations does not answer."""

    canary: CanaryHealth | None
    """The version that answers a share of the customers, or should; null: none has the alias."""

    shadow: ShadowState | None
    """Of the version that is scored and not answered; whatever is wrong with it, `status` does not know it."""


class Alive(BaseModel):
    """Said by a process that answers."""

    status: str


def health_routes(worker: Worker) -> APIRouter:
    """Return the routes that say how a worker fares."""
    router = APIRouter(tags=["health"])

    @router.get("/livez")
    async def livez() -> Alive:
        """Say that this process answers."""
        return Alive(status="alive")

    @router.get("/readyz", responses={503: {}})
    async def readyz() -> Alive:
        """Say whether a model is live; 503 when there is none."""
        worker.live.require()
        return Alive(status="ready")

    @router.get("/api/v1/health")
    def health() -> Health:
        """Say how this door fares."""
        return health_of(worker)

    @router.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        """Return the metrics of all workers of this door."""
        return Response(worker.metrics(), media_type=TEXT)

    return router


def health_of(worker: Worker) -> Health:
    """Gather what is known without asking anybody."""
    state = worker.attendant()
    model = _model_of(worker)
    is_well = state is not None and state.is_registry_up and state.is_database_up and not state.quarantined
    return Health(
        status="no_model" if model is None else "ok" if is_well and not worker.live.problem else "degraded",
        door=worker.door,
        uptime_seconds=round(time.time() - worker.started_at, 1),
        model=model,
        model_problem=worker.live.problem,
        registry_reachable=state is not None and state.is_registry_up,
        registry_problem=state.registry_problem if state else "no attendant",
        database_reachable=state is not None and state.is_database_up,
        database_problem=state.database_problem if state else "no attendant",
        recorder_backlog=worker.backlog_records(),
        recorder_in_memory=worker.spool.backlog,
        attendant_age_seconds=round(time.time() - state.at, 1) if state else None,
        quarantined=state.quarantined if state else {},
        jobs_problem=state.jobs_problem if state else "",
        waiting_problem=state.waiting_problem if state else "",
        canary=_canary_of(worker, state.canary if state else None),
        shadow=state.shadow if state else None,
    )


def _model_of(worker: Worker) -> ModelHealth | None:
    if worker.live.served is None:
        return None
    scorer = worker.live.served.scorer
    version = str(scorer.version)
    return ModelHealth(name=scorer.name, version=version, digest=scorer.digest, loaded_at=worker.live.loaded_at)


def _canary_of(worker: Worker, wanted: CanaryState | None) -> CanaryHealth | None:
    """Return what this worker has loaded; else what the attendant could not bring here, or this worker not load."""
    canary = worker.live.served.canary if worker.live.served else None
    if canary is not None:
        return CanaryHealth(version=str(canary.served.scorer.version), share=canary.share, problem="")
    if wanted is None:
        return None
    problem = wanted.problem or worker.live.canary_problem or "not loaded yet"
    return CanaryHealth(version=str(wanted.version), share=0.0, problem=problem)
