"""Performance: how good the model in production was on customers that its training never saw."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.exchange import read_note
from services.listed import Catalogue, Listed, Measure
from services.worker import Worker

NAMED = ("roc_auc", "pr_auc", "brier", "calibration_slope", "lift_at_10_percent", "lift_at_20_percent")


class Performance(BaseModel):
    """How good the version is that this worker serves, each measure with its 95 % interval.

    A measure is null when nobody measured it, or when the registry was not read yet.
    """

    model_name: str
    model_version: str
    threshold: float = Field(description="Probability from which a customer counts as at risk.")
    evaluated_at: str | None
    evaluation_rows: int | None = Field(description="Customers held out of training, on whom this was measured.")
    training_rows: int | None
    roc_auc: Measure | None
    pr_auc: Measure | None
    brier: Measure | None
    calibration_slope: Measure | None
    lift_at_10_percent: Measure | None
    lift_at_20_percent: Measure | None
    metrics: dict[str, Measure] = Field(description="Every measure on the held-out customers.")
    profit: dict[str, float] = Field(
        description="What a campaign at the threshold would earn, out of fold, in the contract's currency."
    )


def performance_routes(worker: Worker) -> APIRouter:
    """Return the route of the model's performance."""
    router = APIRouter(tags=["models"])

    @router.get("/api/v1/metrics", responses={503: {}})
    def performance() -> Performance:
        """Say how good the model in production is; 503 when there is none."""
        scorer = worker.live.require().scorer
        listed = _listed(worker, scorer.version, scorer.digest)
        metrics = listed.metrics if listed else {}
        return Performance(
            model_name=scorer.name,
            model_version=str(scorer.version),
            threshold=scorer.threshold,
            evaluated_at=listed.evaluated_at if listed else None,
            evaluation_rows=listed.evaluation_rows if listed else None,
            training_rows=listed.training_rows if listed else None,
            metrics=metrics,
            profit=listed.money if listed else {},
            **{name: metrics.get(name) for name in NAMED},
        )

    return router


def _listed(worker: Worker, version: int, digest: str) -> Listed | None:
    """Find the version that is served; another with its number, of another registry, is not it."""
    catalogue = read_note(Catalogue, worker.settings.catalogue_file)
    found = catalogue.version(version) if catalogue and catalogue.name == worker.settings.model else None
    return found if found is not None and found.digest == digest else None
