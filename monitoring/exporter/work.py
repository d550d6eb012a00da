"""Work: jobs of the doors, and runs of scheduled stages."""

from typing import get_args

from sqlalchemy import Engine

from churn import metrics
from churn.stores.counts import CountStore
from churn.stores.orders import Kind
from churn.stores.stage_runs import StageRunLog
from monitoring.exporter.facts import Facts, Series, from_zero, seconds

OPEN, ENDED = ("queued", "running"), ("done", "failed")
STAGES = ("drift", "performance", "retrain", "score", "audit")
LOOKED_AT = 20
"""Newest runs of a stage among which the last finished one is looked for; the others were killed, or run."""


def job_facts(engine: Engine, model: str) -> Facts:
    """Return how many jobs wait, run and have ended."""
    counts = CountStore(engine, model).jobs()
    return {
        metrics.JOBS: _of_kinds(counts, OPEN),
        metrics.JOBS_ENDED: _of_kinds(counts, ENDED),
    }


def _of_kinds(counts: Series, statuses: tuple[str, ...]) -> Series:
    return {(kind, status): counts.get((kind, status), 0) for kind in get_args(Kind) for status in statuses}


def stage_facts(engine: Engine, model: str) -> Facts:
    """Return when each stage last ran, how long, and how often it failed."""
    counts = CountStore(engine, model)
    return {
        metrics.STAGE_LAST_SUCCESS: {(stage,): seconds(at) for stage, at in counts.last_successes().items()},
        metrics.STAGE_LAST_RUN: {(stage,): seconds(at) for stage, at in counts.last_runs().items()},
        metrics.STAGE_LAST_SECONDS: _last_seconds(StageRunLog(engine), model),
        metrics.STAGE_FAILURES: {**from_zero((stage,) for stage in STAGES), **counts.failures()},
    }


def _last_seconds(log: StageRunLog, model: str) -> Series:
    found: dict[tuple[str, ...], float] = {}
    for stage in STAGES:
        for run in log.recent(model, stage, LOOKED_AT):
            if run.finished_at is not None:
                found[stage,] = seconds(run.finished_at) - seconds(run.started_at)
                break
    return found
