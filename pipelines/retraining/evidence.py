"""What is known about the version in production: its age, its drift, its performance, and earlier attempts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import takewhile

from sqlalchemy import Engine

from churn.errors import NotFoundError, UsageError
from churn.evaluation.retraining import Attempts, DriftEvidence, PerformanceEvidence
from churn.stores.drift import DriftRun, DriftStore
from churn.stores.performance import DEGRADED, NOT_ENOUGH, PerformanceStore
from churn.stores.registry import RegisteredBundle
from churn.stores.retrain_decisions import RetrainDecision, RetrainDecisionStore
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training

FAILED = "failed"
DAY_SECONDS = 86_400
LOOKED_AT = 200
"""How far back runs of the version in production are looked for among those of others."""


def trained_at(production: RegisteredBundle, settings: PipelineSettings) -> datetime | None:
    """Return when production's training began; None when its run is not known here."""
    try:
        run = find_training(settings, production.run_id)
    except (NotFoundError, UsageError):
        return None
    return datetime.fromtimestamp(run.info.start_time / 1000, UTC)


def drift_of(engine: Engine, production: RegisteredBundle) -> DriftEvidence | None:
    """Return the newest drift run of production that had enough data; None when there was none."""
    runs = DriftStore(engine).history(production.name, LOOKED_AT)
    run = next((one for one in runs if _says_something(one, production.version)), None)
    if run is None:
        return None
    return DriftEvidence(days_since(run.at), run.is_drifted, bool(run.prediction_drifted), run.profit_change)


def _says_something(run: DriftRun, version: int) -> bool:
    return run.model_version == version and run.status != NOT_ENOUGH


def performance_of(engine: Engine, production: RegisteredBundle) -> PerformanceEvidence | None:
    """Return the newest performance run of production that had enough labels; None when there was none."""
    runs = PerformanceStore(engine).history(production.name, model_version=production.version, limit=LOOKED_AT)
    run = next((one for one in runs if one.status != NOT_ENOUGH), None)
    return PerformanceEvidence(days_since(run.at), run.status == DEGRADED, run.words) if run else None


def attempts_of(engine: Engine, model: str) -> Attempts | None:
    """Return what became of the newest attempts to train; None when there was none."""
    tried = RetrainDecisionStore(engine).history(model, decision="train")
    return Attempts(days_since(tried[0].at) * 24, _failures(tried)) if tried else None


def _failures(tried: Sequence[RetrainDecision]) -> int:
    return len(list(takewhile(lambda one: one.outcome.startswith(FAILED) or one.is_unfinished, tried)))


def days_since(moment: str) -> float:
    """Return how many days ago a stored moment was."""
    return seconds_since(datetime.fromisoformat(moment)) / DAY_SECONDS


def seconds_since(moment: datetime) -> float:
    """Return how long ago a moment was; 0 when another machine's clock is ahead."""
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())
