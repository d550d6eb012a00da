"""Releases: where the one is that is under way, and how often they ended how."""

from typing import get_args

from sqlalchemy import Engine

from churn import metrics
from churn.stores.counts import CountStore
from churn.stores.releases import Ending, ReleaseStore
from monitoring.exporter.facts import Facts

ENDINGS = get_args(Ending)


def release_facts(engine: Engine, model: str) -> Facts:
    """Return what is known of a model's releases."""
    now, counts = ReleaseStore(engine).open_one(model), CountStore(engine, model).releases()
    return {
        metrics.RELEASE_STAGE: {(str(now.version), now.stage): 1.0} if now else {},
        metrics.RELEASES: {(ending,): float(counts.get((ending,), 0)) for ending in ENDINGS},
    }
