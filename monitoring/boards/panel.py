"""What a board is made of, before it becomes Grafana's JSON: panels in rows."""

import zlib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["timeseries", "stat", "heatmap", "bargauge", "table", "states"]
Destination = Literal["mlflow", "reports", "drift", "performance"]

HEIGHT: dict[Kind, int] = {"timeseries": 8, "stat": 4, "heatmap": 8, "bargauge": 8, "table": 9, "states": 6}
IDS = 1_000_000
WINDOW = "[$__rate_interval]"
"""Grafana's: at least four scrapes, and as long as a point of the graph."""

REFERENCE = "held out"
"""Legend of what lines are held against; it is dashed."""

State = tuple[float, str, str]
"""Value, the word shown for it, and its colour."""

YES_NO: tuple[State, ...] = ((0, "no", "green"), (1, "yes", "red"))
BY_RISK = ((".*LOW", "green"), (".*MEDIUM", "yellow"), (".*HIGH", "red"))
UP: tuple[State, ...] = ((0, "down", "red"), (1, "up", "green"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        text: what it shows and what to make of it.
        unit: Grafana's name of the unit.
        queries: PromQL, and the legend of its series; in a table the heading of its column. Series named `x low` and
            `x high` beside an `x` are drawn as its interval.
        page: of docs/, without its ending, that explains the numbers.
        waits_for: what has to happen before there is data; "": there is data as soon as the doors run.
        steps: value from which → colour; below the first one the panel is green.
        states: words for single values.
        hidden: labels that a table does not show.
        span: width, of 24.
        height: None: as its kind.
        runbook: name of the alert whose page in docs/runbooks/ says what to do; "": none.
        leads_to: other places that know more.
        is_stacked: whether series are shown on top of each other.
        is_from_zero: whether a graph begins at 0; what may be negative, or is far from it, does not.
        colours: pattern of series' names → their colour.
        decimals: None: as many as fit.
    """

    title: str
    text: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    page: str
    waits_for: str = ""
    kind: Kind = "timeseries"
    steps: tuple[tuple[float, str], ...] = ()
    states: tuple[State, ...] = ()
    hidden: tuple[str, ...] = ()
    span: int = 8
    height: int | None = None
    runbook: str = ""
    leads_to: tuple[Destination, ...] = ()
    is_stacked: bool = False
    is_from_zero: bool = True
    colours: tuple[tuple[str, str], ...] = ()
    decimals: int | None = None

    @property
    def id(self) -> int:
        """Return a number that depends on the title alone: links to a panel outlive its neighbours."""
        return 1 + zlib.crc32(self.title.encode()) % IDS

    @property
    def description(self) -> str:
        """Return what people read, with what an empty panel waits for."""
        return f"{self.text} Empty until {self.waits_for}." if self.waits_for else self.text


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading, from left to right."""

    title: str
    panels: tuple[Panel, ...]

    @property
    def id(self) -> int:
        """Return a number that no panel has."""
        return IDS + 1 + zlib.crc32(self.title.encode()) % IDS


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard.

    Attributes:
        name: of its file, and the end of its lasting address `churn-<name>`.
        text: for whom it is, and which question it answers.
        since: how far back it looks when it is opened.
        variables: those that its panels use, beside those of every board.
    """

    name: str
    title: str
    text: str
    rows: tuple[Row, ...]
    since: str = "now-6h"
    variables: tuple[Literal["door", "version", "measure"], ...] = ()

    @property
    def uid(self) -> str:
        """Return its lasting address."""
        return f"churn-{self.name}"

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Return the panels of all rows."""
        return tuple(panel for row in self.rows for panel in row.panels)
