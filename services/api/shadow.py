"""The shadow: how the version that is scored and not answered differs from the one that is."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from churn.errors import NotFoundError
from services.exchange import Pointer, read_note
from services.settings import ServiceSettings
from services.shadow_report import Question, ShadowReport, report_shadow
from services.worker import Worker

MOST = 20_000
"""Pairs of one answer: about a second of one core."""


REFUSALS: dict[int | str, dict[str, object]] = {status: {} for status in (401, 403, 404, 422, 429, 503)}


def shadow_routes(worker: Worker) -> APIRouter:
    """Return the route that tells of the shadow."""
    router = APIRouter(tags=["models"])

    @router.get("/api/v1/shadow", responses=REFUSALS)
    def shadow(
        version: Annotated[int | None, Query(ge=1, description="Absent: the one with the alias `shadow`.")] = None,
        since: Annotated[AwareDatetime | None, Query(description="Only customers from this moment on.")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST, description="Predictions at most, the newest.")] = MOST,
    ) -> ShadowReport:
        """Compare the shadow with production, on live customers that both have scored."""
        scorer = worker.live.require().scorer
        question = Question(version or _current(worker.settings), since, limit)
        return report_shadow(scorer, worker.stores.engine(), question)

    return router


def _current(settings: ServiceSettings) -> int:
    pointer = read_note(Pointer, settings.shadow_file)
    if pointer is None:
        raise NotFoundError("no version has the alias shadow: `churn shadow set VERSION` gives it to one")
    return pointer.version
