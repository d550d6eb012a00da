"""The record: whether predictions and moves are as they were written, as `churn audit verify` last found."""

from sqlalchemy import Engine

from churn import metrics
from churn.stores.log.checking import BROKEN
from churn.stores.stage_runs import StageRunLog
from monitoring.exporter.facts import Facts, alone

STAGE = "audit"
LOOKED_AT = 20
"""Newest runs among which the last that came to its end is looked for; the others failed, were killed, or run."""


def record_facts(engine: Engine, model: str) -> Facts:
    """Return what was found last; nothing when nobody has looked yet."""
    for run in StageRunLog(engine).recent(model, STAGE, LOOKED_AT):
        if run.status == "done":
            return {metrics.LOG_BROKEN: alone(run.words.startswith(BROKEN))}
    return {}
