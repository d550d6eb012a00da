"""What a panel's queries brought: series with their names, values with their words and colours."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring.boards.amounts import shown
from monitoring.boards.asking import Series

COLOURS = {
    "green": "#2f9e44",
    "yellow": "#e0a800",
    "orange": "#e8590c",
    "red": "#e03131",
    "blue": "#1c7ed6",
    "purple": "#8841d8",
}
"""Grafana's names of colours, as many as the boards use."""

GREY = "#868e96"
LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one query of a panel brought."""

    legend: str
    series: Sequence[Series]

    def name_of(self, one: Series) -> str:
        """Return a series' name: the legend with its labels."""
        return LEGEND.sub(lambda found: one.labels.get(found[1], ""), self.legend).strip() or "value"


Answers = Sequence[Answer]
Named = Sequence[tuple[str, Series]]


def named(answers: Answers) -> Named:
    """Return all series with their names."""
    return [(answer.name_of(one), one) for answer in answers for one in answer.series]


def words(panel: Mapping[str, Any], value: float) -> tuple[str, str]:
    """Return how a panel shows a value, and in which colour."""
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults.get("mappings", ()):
        if word := mapping["options"].get(f"{value:g}"):
            return word["text"], COLOURS[word["color"]]
    return shown(value, defaults.get("unit", ""), defaults.get("decimals")), _by_threshold(defaults, value)


def _by_threshold(defaults: Mapping[str, Any], value: float) -> str:
    colour = "green"
    for step in defaults["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    return COLOURS[colour]
