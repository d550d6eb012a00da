"""Single values: as large figures, and as bars."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from monitoring.boards.plots.answers import GREY, Answers, named, words

MOST_BARS = 12


def draw_figures(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    """Draw the newest values beside each other."""
    axes.axis("off")
    every = named(answers)
    size = 21 if len(every) == 1 else 15 if len(every) < 4 else 12
    for place, (name, one) in enumerate(every):
        middle = (place + 0.5) / len(every)
        text, colour = words(panel, one.values[-1])
        axes.text(middle, 0.58, text, ha="center", va="center", color=colour, size=size, weight="bold")
        axes.text(middle, 0.12, name.removeprefix("churn-"), ha="center", va="center", color=GREY, size=7.5)


def draw_bars(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    """Draw the newest values below each other."""
    every = named(answers)[:MOST_BARS]
    values = np.nan_to_num([one.values[-1] for _, one in every])
    told = [words(panel, one.values[-1]) for _, one in every]
    axes.barh(range(len(every)), values, color=[colour for _, colour in told], height=0.6)
    axes.set_yticks(range(len(every)), [name for name, _ in every], size=7.5)
    axes.set(xticks=[], ylim=(max(len(every), 4) - 0.5, -0.5))
    axes.set_xlim(min(values.min(), 0), max(values.max() * 1.2, 1e-9))
    for place, (value, (text, _)) in enumerate(zip(values, told, strict=True)):
        axes.text(max(value, 0), place, f" {text}", va="center", size=7.5)
