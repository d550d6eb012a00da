"""Axes: moments from left to right, amounts from bottom to top."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from monitoring.boards.amounts import shown
from monitoring.boards.asking import Series

MOST_NAMES = 8
NAMES_BELOW_PIXELS = 24


def moment(seconds: float) -> datetime:
    """Return a moment for matplotlib."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def moments(one: Series) -> list[datetime]:
    """Return the moments of a series for matplotlib."""
    return [moment(at) for at in one.times]


def show_time(axes: Any) -> None:
    """Write moments below."""
    from matplotlib import dates  # noqa: PLC0415  takes a second

    kinds: Any = dates  # it has types in part
    locator = kinds.AutoDateLocator(maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(kinds.ConciseDateFormatter(locator, show_offset=False))
    axes.tick_params(axis="x", labelsize=7, length=2, colors="#495057")


def show_amounts(axes: Any, defaults: Mapping[str, Any]) -> None:
    """Write amounts at the left, from 0 where the panel says so."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415  takes a second

    _, high = axes.get_ylim()
    if defaults.get("custom", {}).get("axisSoftMin") == 0 and axes.dataLim.y0 >= 0:
        axes.set_ylim(0, high if axes.dataLim.y1 > 0 else 1)
    axes.grid(visible=True, color="#e9ecef", lw=0.6)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=defaults.get("decimals") == 0))
    unit = defaults.get("unit", "")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(float(f"{value:.4g}"), unit)))
    axes.tick_params(axis="y", labelsize=7, length=2, colors="#495057")


def show_names(axes: Any) -> None:
    """Write the series' names below, the first of them when there are many."""
    handles, names = axes.get_legend_handles_labels()
    below = -NAMES_BELOW_PIXELS / axes.get_window_extent().height
    more = len(names) - MOST_NAMES
    if more > 0:
        names = [*names[: MOST_NAMES - 1], f"… and {more + 1} more"]
    axes.legend(
        handles[: len(names)], names, loc="upper left", bbox_to_anchor=(0, below), ncols=4, fontsize=6.5, frameon=False,
        handlelength=1, columnspacing=1, borderaxespad=0,
    )  # fmt: skip
