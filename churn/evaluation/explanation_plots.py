"""Pictures of a model's reasons: what matters, in which direction, along which values, and what acts together."""

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from churn.evaluation.explanations import Reasons, groups_of, importance, interactions
from churn.evaluation.plots import CHANCE_COLOUR, MARK_COLOUR, MODEL_COLOUR, STYLE

MOST_COLUMNS = 15
MOST_PANELS = 6
MOST_POINTS = 2_000
LOW_TO_HIGH = LinearSegmentedColormap.from_list("low to high", ["#7fb2dd", "#5b6770", MARK_COLOUR])
NO_TO_MUCH = LinearSegmentedColormap.from_list("no to much", ["#ffffff", MODEL_COLOUR])
LOG_ODDS = "contribution to the risk, log-odds"


def explanation_plots(reasons: Reasons) -> dict[str, Figure]:
    """Draw every picture of many customers' reasons; figure per name, not yet saved."""
    shown = len(reasons.ranked()[:MOST_COLUMNS])
    draw: dict[str, tuple[Callable[[Figure, Reasons], None], tuple[float, float]]] = {
        "importance": (_importance, (7, 1.4 + 0.3 * shown)),
        "beeswarm": (_beeswarm, (8, 1.6 + 0.42 * shown)),
        "dependence": (_dependence, (11, 6.5)),
        "interactions": (_interactions, (8, 7)),
    }
    return {name: _figure(how, reasons, size) for name, (how, size) in draw.items()}


def _figure(draw: Callable[[Figure, Reasons], None], reasons: Reasons, size: tuple[float, float]) -> Figure:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure, reasons)
    return figure


def _importance(figure: Figure, reasons: Reasons) -> None:
    axes = figure.subplots()
    ranked = reasons.ranked()[:MOST_COLUMNS][::-1]
    bars = axes.barh(
        [reasons.names[one] for one in ranked], importance(reasons.contributions)[ranked], color=MODEL_COLOUR
    )
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")
    axes.set(title="Which columns matter", xlabel="mean size of the contribution, log-odds")


def _beeswarm(figure: Figure, reasons: Reasons) -> None:
    axes = figure.subplots()
    ranked = reasons.ranked()[:MOST_COLUMNS][::-1]
    chosen = _sample(len(reasons.contributions))
    for place, position in enumerate(ranked):
        values = reasons.columns[reasons.names[position]][chosen]
        _swarm(axes, place, reasons.contributions[chosen, position], _colours(values))
    axes.axvline(0, color=CHANCE_COLOUR, linewidth=1)
    axes.set_yticks(range(len(ranked)), [reasons.names[one] for one in ranked])
    axes.set(title="How each customer's columns move the risk", xlabel=f"{LOG_ODDS}: left lowers, right raises")
    scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, 1), LOW_TO_HIGH)
    bar = figure.colorbar(scale, ax=axes, ticks=[0, 1], aspect=40, pad=0.01)
    bar.ax.set_yticklabels(["low", "high"])
    bar.set_label("value among all customers (grey: a category)")


def _swarm(axes: Axes, place: int, amounts: np.ndarray, colours: np.ndarray) -> None:
    """Points of one column, spread where they lie close to each other."""
    counts, edges = np.histogram(amounts, bins=60)
    crowd = counts[np.clip(np.digitize(amounts, edges) - 1, 0, len(counts) - 1)] / max(int(counts.max()), 1)
    heights = np.random.default_rng(0).uniform(-0.38, 0.38, len(amounts)) * np.sqrt(crowd)
    axes.scatter(amounts, place + heights, c=colours, s=5, linewidths=0, alpha=0.8, rasterized=True)


def _colours(values: np.ndarray) -> np.ndarray:
    """Colour by rank for numbers; grey for categories, which have no order, and for missing numbers."""
    grey = np.array(mpl.colors.to_rgba(CHANCE_COLOUR))
    colours = np.tile(grey, (len(values), 1))
    if values.dtype != object:
        known = ~np.isnan(values)
        ordered = np.sort(values[known])
        ranks = (np.searchsorted(ordered, values[known], "left") + np.searchsorted(ordered, values[known], "right")) / 2
        colours[known] = LOW_TO_HIGH(_stretched(ranks))
    return colours


def _stretched(ranks: np.ndarray) -> np.ndarray:
    """0 at the lowest and 1 at the highest, also when there are two values only."""
    low, high = (ranks.min(), ranks.max()) if len(ranks) else (0.0, 1.0)
    return np.asarray((ranks - low) / (high - low) if high > low else np.full(len(ranks), 0.5))


def _dependence(figure: Figure, reasons: Reasons) -> None:
    ranked = reasons.ranked()[:MOST_PANELS]
    panels = np.ravel(figure.subplots(-(-len(ranked) // 3), min(3, len(ranked)), sharey=True, squeeze=False))
    for axes, position in zip(panels, ranked, strict=False):
        name = reasons.names[position]
        values, amounts = reasons.columns[name], reasons.contributions[:, position]
        (_by_category if values.dtype == object else _by_number)(axes, values, amounts)
        axes.axhline(0, color=CHANCE_COLOUR, linewidth=1)
        axes.set_title(name)
    for unused in panels[len(ranked) :]:
        unused.set_visible(False)
    figure.suptitle("What the value of a column does to the risk")
    figure.supylabel(LOG_ODDS)


def _by_number(axes: Axes, values: np.ndarray, amounts: np.ndarray) -> None:
    chosen = _sample(len(values))
    axes.scatter(values[chosen], amounts[chosen], s=5, linewidths=0, alpha=0.35, color=MODEL_COLOUR, rasterized=True)
    groups = groups_of(values)
    known = [group for group in np.unique(groups) if group > 0]
    middles = [(float(np.median(values[groups == group])), float(amounts[groups == group].mean())) for group in known]
    if middles:
        axes.plot(*zip(*middles, strict=True), "o-", color=MARK_COLOUR, markersize=4, label="mean of customers alike")
        axes.legend(frameon=False, fontsize=8, loc="upper right")


def _by_category(axes: Axes, values: np.ndarray, amounts: np.ndarray) -> None:
    texts, counts = np.unique(values.astype(str), return_counts=True)
    shown = texts[np.argsort(-counts, kind="stable")][:8][::-1]
    chosen = _sample(len(values))
    rng = np.random.default_rng(0)
    for place, text in enumerate(shown):
        own = amounts[chosen][values[chosen] == text]
        axes.scatter(place + rng.uniform(-0.3, 0.3, len(own)), own, s=5, linewidths=0, alpha=0.35, color=MODEL_COLOUR)
        axes.plot([place - 0.35, place + 0.35], [amounts[values == text].mean()] * 2, color=MARK_COLOUR, linewidth=2)
    axes.set_xticks(range(len(shown)), [_short(text) for text in shown], rotation=20, ha="right", fontsize=8)


def _short(text: str) -> str:
    return "missing" if not text else text if len(text) <= 18 else f"{text[:17]}…"


def _interactions(figure: Figure, reasons: Reasons) -> None:
    axes = figure.subplots()
    ranked = reasons.ranked()[:MOST_COLUMNS]
    strengths = interactions(reasons)[np.ix_(ranked, ranked)]
    names = [reasons.names[one] for one in ranked]
    image = axes.imshow(strengths, cmap=NO_TO_MUCH, vmin=0, vmax=max(float(strengths.max()), 1e-9))
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.grid(visible=False)
    for row, column in zip(*np.nonzero(strengths >= 0.3 * strengths.max()), strict=True):
        if strengths[row, column] > 0:
            shade = "white" if strengths[row, column] > 0.6 * strengths.max() else "black"
            axes.text(column, row, f"{strengths[row, column]:.2f}", ha="center", va="center", fontsize=7, color=shade)
    axes.set_title("Which columns act together")
    figure.colorbar(image, ax=axes, shrink=0.8, label="spread of one's contribution by the other, log-odds")


def _sample(rows: int) -> np.ndarray:
    return np.random.default_rng(0).permutation(rows)[:MOST_POINTS]
