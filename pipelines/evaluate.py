"""Evaluate: score the held-out customers with the bundle itself, so that what is judged is what is served.

Reads:  a training run: its bundle and its held-out rows.
Writes: `holdout_…` metrics with intervals and pictures, on the same run.
"""

import logging
from dataclasses import dataclass

import mlflow

from churn.evaluation.metrics import MEASURES, decision_metrics, interval, measure
from churn.evaluation.plots import plots
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
    metrics = {**measure(holdout.labels, scores), **decision_metrics(holdout.labels, scores, scorer.threshold)}
    for name in ("roc_auc", "pr_auc", "brier"):
        metrics[f"{name}_low"], metrics[f"{name}_high"] = interval(MEASURES[name], holdout.labels, scores)
    metrics["threshold"] = scorer.threshold
    client = mlflow.MlflowClient()
    for name, value in metrics.items():
        client.log_metric(run.info.run_id, f"holdout_{name}", value)
    for name, figure in plots(holdout.labels, scores, scorer.threshold).items():
        client.log_figure(run.info.run_id, figure, f"plots/holdout/{name}.png")
    log.info("bundle evaluated", extra={"run": run.info.run_id, "rows": len(scores), **metrics})
    return Evaluated(run.info.run_id, len(scores), metrics)
