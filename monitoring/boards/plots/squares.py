"""A heat map: how many were in which bucket of a histogram when."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from monitoring.boards.amounts import shown
from monitoring.boards.plots.answers import Answers
from monitoring.boards.plots.axes import moment, show_time

EVERY = 4
"""Bucket that has its bound written."""


def draw_squares(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    """Draw the buckets from below, the more customers the darker."""
    ordered = sorted(answers[0].series, key=lambda one: float(one.labels["le"]))
    times = sorted({time for one in ordered for time in one.times})
    up_to = [[dict(zip(one.times, one.values, strict=True)).get(at, 0.0) for at in times] for one in ordered]
    inside = np.diff(np.nan_to_num(up_to), axis=0, prepend=0).clip(0)
    lasting = [*times, times[-1] + (times[1] - times[0] if len(times) > 1 else 60)]
    edges = [moment(at) for at in lasting]
    axes.pcolormesh(edges, np.arange(len(ordered) + 1), inside, cmap="Blues", shading="flat")
    bounds = [float(one.labels["le"]) for one in ordered]
    unit = panel["options"]["yAxis"].get("unit", "")
    places = [place for place in range(len(bounds)) if np.isfinite(bounds[place])][EVERY - 1 :: EVERY]
    axes.set_yticks([place + 1 for place in places], [shown(bounds[place], unit) for place in places], size=7)
    show_time(axes)
