"""Evaluate: score the held-out customers with the bundle itself, so that what is judged is what is served.

Reads:  a training run: its bundle and its held-out rows.
Writes: `holdout_…` metrics with intervals, pictures, slices and groups of protected columns, on the same run.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import mlflow
import numpy as np

from churn.contract.table import Columns
from churn.evaluation.fairness import Decided, fairness_markdown, group_reports
from churn.evaluation.intervals import Estimate, estimate
from churn.evaluation.plots import plots
from churn.evaluation.slices import slices, slices_markdown
from churn.scoring.scorer import Scorer
from churn.stores.registry import ModelRegistry
from pipelines.holdout import load_bundle_of, read_holdout
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the held-out customers say about a run's bundle."""

    run_id: str
    rows: int
    metrics: dict[str, float]


def evaluate(run_id: str | None, *, settings: PipelineSettings) -> Evaluated:
    """Evaluate a training run: the named one, else the newest."""
    run = find_training(settings, run_id)
    scorer = load_bundle_of(run, ModelRegistry(settings.tracking_uri), settings.bundle_folder)
    holdout = read_holdout(run)
    scores = scorer.score_columns(holdout.columns(scorer.contract))
    metrics = _metrics(estimate(holdout.labels, scores, threshold=scorer.threshold)) | {"threshold": scorer.threshold}
    client = mlflow.MlflowClient()
    for name, value in metrics.items():
        client.log_metric(run.info.run_id, f"holdout_{name}", value)
    for name, figure in plots(holdout.labels, scores, scorer.threshold).items():
        client.log_figure(run.info.run_id, figure, f"plots/holdout/{name}.png")
    _log_groups(client, run.info.run_id, scorer, (holdout.columns(scorer.contract), holdout.labels, scores))
    log.info("bundle evaluated", extra={"run": run.info.run_id, "rows": len(scores), **metrics})
    return Evaluated(run.info.run_id, len(scores), metrics)


def _metrics(found: Mapping[str, Estimate]) -> dict[str, float]:
    """Every measure, with its interval where there is one."""
    named = {name: one.value for name, one in found.items()}
    named |= {f"{name}_low": one.low for name, one in found.items()}
    named |= {f"{name}_high": one.high for name, one in found.items()}
    return {name: value for name, value in named.items() if isfinite(value)}


def _log_groups(
    client: mlflow.MlflowClient, run_id: str, scorer: Scorer, on: tuple[Columns, np.ndarray, np.ndarray]
) -> None:
    """Log how parts of the customers, and the groups of protected columns, fare."""
    columns, labels, scores = on
    client.log_text(run_id, slices_markdown(slices(scorer.contract, columns, labels, scores)), "holdout/slices.md")
    reports = group_reports(scorer.contract, Decided(columns, labels, scores, scorer.threshold))
    if reports:
        client.log_text(run_id, fairness_markdown(reports), "holdout/fairness.md")
