"""States over time: stretches of equal values, one line for each series."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from monitoring.boards.plots.answers import Answers, named, words
from monitoring.boards.plots.axes import moments, show_time

SHORT = 0.04
"""Of a graph's width: a shorter stretch has no room for its word."""

MANY = 12


def draw_states(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    """Draw each series as stretches in the colours of its values."""
    from matplotlib import dates  # noqa: PLC0415  takes a second

    number: Any = dates.date2num
    every = named(answers)
    for place, (_, one) in enumerate(every):
        times = np.asarray(number(moments(one)))
        point = float(np.median(np.diff(times))) if len(times) > 1 else 1 / 1440
        for start, end in _stretches(one.values):
            _draw_stretch(axes, place, (times[start], times[end] + point), words(panel, one.values[start]))
    axes.set_yticks(range(len(every)), [name for name, _ in every], size=6.5 if len(every) > MANY else 7.5)
    axes.set_ylim(len(every) - 0.5, -0.5)
    show_time(axes)
    _word_the_long(axes)


def _stretches(values: Sequence[float]) -> list[tuple[int, int]]:
    """Return the first and the last place of each stretch of equal values."""
    changes = [place for place in range(1, len(values)) if values[place] != values[place - 1]]
    return list(zip([0, *changes], [*(place - 1 for place in changes), len(values) - 1], strict=True))


def _draw_stretch(axes: Any, place: int, between: tuple[float, float], told: tuple[str, str]) -> None:
    start, end = between
    text, colour = told
    axes.broken_barh([(start, end - start)], (place - 0.38, 0.76), color=colour, alpha=0.7, lw=0)
    drawn = axes.text((start + end) / 2, place, text, ha="center", va="center", size=7, color="white")
    drawn.set_gid(str(end - start))


def _word_the_long(axes: Any) -> None:
    left, right = axes.get_xlim()
    for text in list(axes.texts):
        if float(text.get_gid()) < SHORT * (right - left):
            text.remove()
