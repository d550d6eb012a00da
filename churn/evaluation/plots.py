"""Pictures of a model: ROC, precision-recall, calibration, lift and threshold. Light background, readable in grey."""

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from churn.evaluation.metrics import lift

MODEL_COLOUR, CHANCE_COLOUR, MARK_COLOUR = "#1f5a94", "#8c8c8c", "#b5400f"
STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "font.size": 10,
    "figure.dpi": 110,
}
BINS = 10


def plots(target: np.ndarray, probability: np.ndarray, threshold: float) -> dict[str, Figure]:
    """Draw every picture of one set of probabilities; figure per name, not yet saved."""
    draw: dict[str, Callable[[Axes], None]] = {
        "roc": lambda axes: _roc(axes, target, probability),
        "precision_recall": lambda axes: _precision_recall(axes, target, probability, threshold),
        "calibration": lambda axes: _calibration(axes, target, probability),
        "lift": lambda axes: _lift(axes, target, probability),
        "threshold": lambda axes: _threshold(axes, target, probability, threshold),
    }
    return {name: _figure(how) for name, how in draw.items()}


def _figure(draw: Callable[[Axes], None]) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6, 4.5), layout="constrained")
        draw(figure.subplots())
    return figure


def _labels(axes: Axes, title: str, x: str, y: str, *, legend: Any = "upper right") -> None:
    axes.set(title=title, xlabel=x, ylabel=y)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc=legend)


def _roc(axes: Axes, target: np.ndarray, probability: np.ndarray) -> None:
    false_positive, true_positive, _ = roc_curve(target, probability)
    axes.plot(
        false_positive, true_positive, color=MODEL_COLOUR, label=f"model, AUC {roc_auc_score(target, probability):.3f}"
    )
    axes.plot([0, 1], [0, 1], color=CHANCE_COLOUR, linestyle="--", label="chance, AUC 0.5")
    _labels(
        axes,
        "Who is ranked above whom (ROC)",
        "share of stayers called",
        "share of leavers found",
        legend="lower right",
    )


def _precision_recall(axes: Axes, target: np.ndarray, probability: np.ndarray, threshold: float) -> None:
    precision, recall, cuts = precision_recall_curve(target, probability)
    axes.plot(recall, precision, color=MODEL_COLOUR, label="model")
    axes.axhline(target.mean(), color=CHANCE_COLOUR, linestyle="--", label=f"base rate {target.mean():.1%}")
    here = int(np.searchsorted(cuts, threshold))
    axes.plot(recall[here], precision[here], "o", color=MARK_COLOUR, label=f"threshold {threshold:.2f}")
    _labels(
        axes, "How many calls are right", "share of leavers found (recall)", "share of calls that are right (precision)"
    )


def _calibration(axes: Axes, target: np.ndarray, probability: np.ndarray) -> None:
    observed, predicted = calibration_curve(target, probability, n_bins=BINS, strategy="quantile")
    axes.plot([0, 1], [0, 1], color=CHANCE_COLOUR, linestyle="--", label="perfect")
    axes.plot(predicted, observed, "o-", color=MODEL_COLOUR, label=f"model, {BINS} equal groups")
    _labels(axes, "Does 30 % mean 30 %?", "predicted probability", "share that left", legend="upper left")


def _lift(axes: Axes, target: np.ndarray, probability: np.ndarray) -> None:
    shares = np.arange(1, BINS + 1) / BINS
    heights = [lift(target, probability, share) for share in shares]
    bars = axes.bar([f"{share:.0%}" for share in shares], heights, color=MODEL_COLOUR)
    axes.bar_label(bars, fmt="%.1f", padding=2)
    axes.axhline(1, color=CHANCE_COLOUR, linestyle="--", label="random calls")
    _labels(axes, "Leavers among the first calls", "share of customers called, riskiest first", "lift")


def _threshold(axes: Axes, target: np.ndarray, probability: np.ndarray, threshold: float) -> None:
    cuts = np.linspace(0.02, 0.98, 97)
    at_risk = probability[None, :] >= cuts[:, None]
    hits = (at_risk & (target == 1)).sum(axis=1)
    axes.plot(cuts, hits / target.sum(), color=MODEL_COLOUR, label="leavers found (recall)")
    axes.plot(
        cuts,
        hits / np.where(at_risk.any(axis=1), at_risk.sum(axis=1), np.nan),
        color=MODEL_COLOUR,
        linestyle=":",
        label="calls right (precision)",
    )
    axes.plot(cuts, at_risk.mean(axis=1), color=CHANCE_COLOUR, linestyle="--", label="customers called")
    axes.axvline(threshold, color=MARK_COLOUR, label=f"threshold {threshold:.2f}")
    _labels(axes, "What another threshold would do", "threshold", "share")
