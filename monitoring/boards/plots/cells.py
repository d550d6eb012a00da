"""A table: one row for each set of labels, one column for each query."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from monitoring.boards.plots.answers import GREY, Answers, words

ROW_PIXELS = 18

Key = tuple[tuple[str, str], ...]
Rows = dict[Key, dict[str, float]]


def draw_cells(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    """Draw as many rows as there is room for, in the order of the last column."""
    axes.axis("off")
    headings = [answer.legend for answer in answers]
    rows = _rows(answers, _hidden(panel))
    order = sorted(rows, key=lambda key: -rows[key].get(headings[-1], -np.inf))
    room = max(1, int(axes.get_window_extent().height / ROW_PIXELS) - 1)
    _draw(axes, panel, {key: rows[key] for key in order[:room]}, headings)
    if len(order) > room:
        more = f"… and {len(order) - room} more"
        axes.text(1, 1.015, more, size=7, color=GREY, ha="right", va="bottom", transform=axes.transAxes)


def _hidden(panel: Mapping[str, Any]) -> set[str]:
    organized = next(one["options"] for one in panel["transformations"] if one["id"] == "organize")
    return set(organized["excludeByName"])


def _rows(answers: Answers, hidden: set[str]) -> Rows:
    rows: Rows = {}
    for answer in answers:
        for one in answer.series:
            key = tuple(sorted((name, label) for name, label in one.labels.items() if name not in hidden))
            rows.setdefault(key, {})[answer.legend] = one.values[-1]
    return rows


def _draw(axes: Any, panel: Mapping[str, Any], rows: Rows, headings: list[str]) -> None:
    labels = list(dict.fromkeys(name for key in rows for name, _ in key))
    nothing = ("–", GREY)
    told = {
        key: [words(panel, values[one]) if one in values else nothing for one in headings]
        for key, values in rows.items()
    }
    texts = [[*(dict(key).get(name, "") for name in labels), *(text for text, _ in told[key])] for key in rows]
    height = (len(rows) + 1) * ROW_PIXELS / axes.get_window_extent().height
    look = {"cellLoc": "left", "colLoc": "left", "edges": "horizontal", "bbox": (0, 1 - height, 1, height)}
    table = axes.table(texts, colLabels=[*labels, *headings], **look)
    table.auto_set_font_size(value=False)
    table.set_fontsize(7.5)
    colours = [told[key][-1][1] for key in rows]
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#dee2e6")
        if row == 0:
            cell.set_text_props(weight="bold")
        elif column == len(labels) + len(headings) - 1:
            cell.set_text_props(color=colours[row - 1])
