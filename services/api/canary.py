"""The canary: how the customers fare whom it answers, beside the others."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from churn.errors import NotFoundError
from services.canary_report import CanaryQuestion, CanaryReport, report_canary
from services.door_figures import figures_of
from services.exchange import read_note
from services.listed import Catalogue
from services.served import Canary
from services.worker import Worker

REFUSALS: dict[int | str, dict[str, object]] = {status: {} for status in (401, 403, 404, 422, 429, 503)}
SINCE_TAG = "canary_since"


def canary_routes(worker: Worker) -> APIRouter:
    """Return the route that tells of the canary."""
    router = APIRouter(tags=["models"])

    @router.get("/api/v1/canary", responses=REFUSALS)
    def canary(
        since: Annotated[
            AwareDatetime | None, Query(description="From this moment on; absent: since its share was set.")
        ] = None,
    ) -> CanaryReport:
        """Compare the customers whom the canary answers with those whom production answers."""
        served = worker.live.require()
        if served.canary is None:
            raise NotFoundError("there is no canary: `churn canary set VERSION --share 0.1` makes a version one")
        found, version = served.canary, served.canary.served.scorer.version
        question = CanaryQuestion(version, found.share, since or _since(worker, found))
        text = worker.metrics().decode()
        doors = [figures_of(worker.door, text, (version, served.scorer.version))]
        return report_canary(served.scorer, worker.stores.engine(), question, doors)

    return router


def _since(worker: Worker, canary: Canary) -> datetime | None:
    """Return when the share was set, as far as the attendant has seen it."""
    catalogue = read_note(Catalogue, worker.settings.catalogue_file)
    listed = catalogue.version(canary.served.scorer.version) if catalogue else None
    text = listed.tags.get(SINCE_TAG) if listed else None
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
