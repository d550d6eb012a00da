"""A board as a picture, for people without Grafana.

`python -m monitoring.boards.picture --prometheus http://127.0.0.1:9090 --out pictures` asks what the boards ask.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from churn.errors import ChurnError
from monitoring.boards.__main__ import FOLDER
from monitoring.boards.asking import Prometheus, Span, choose, fill
from monitoring.boards.plots.answers import Answer
from monitoring.boards.plots.drawing import draw

COLUMNS, COLUMN_PIXELS, ROW_PIXELS, DOTS_PER_INCH = 24, 80, 38, 100
HEAD_ROWS = 2
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of a picture, in pixels from its upper left corner."""

    left: float
    top: float
    width: float
    height: float

    def inside(self, kind: str) -> "Place":
        """Return where a panel's data are: below its title, and beside what is written at the axes."""
        left, top, right, bottom = MARGINS.get(kind, (10, 28, 10, 8))
        return Place(self.left + left, self.top + top, self.width - left - right, self.height - top - bottom)


MARGINS = {
    "timeseries": (62, 32, 18, 68),
    "heatmap": (62, 32, 18, 28),
    "bargauge": (190, 30, 20, 14),
    "state-timeline": (190, 30, 20, 28),
}
"""Kind of panel → pixels at its left, top, right and bottom."""


class Canvas:
    """A picture of a board, whose places are pixels from its upper left corner."""

    def __init__(self, rows: int) -> None:
        from matplotlib.figure import Figure  # noqa: PLC0415  takes a second

        self.width, self.height = COLUMNS * COLUMN_PIXELS, (rows + HEAD_ROWS) * ROW_PIXELS
        size = (self.width / DOTS_PER_INCH, self.height / DOTS_PER_INCH)
        self.figure: Any = Figure(figsize=size, dpi=DOTS_PER_INCH, facecolor="#f1f3f5")

    def write(self, text: str, left: float, top: float, **style: object) -> None:
        """Write a line whose middle is at `top`."""
        self.figure.text(left / self.width, 1 - top / self.height, text, va="center", **style)

    def axes(self, at: Place) -> Any:
        """Return axes that fill a place."""
        bottom = 1 - (at.top + at.height) / self.height
        return self.figure.add_axes((at.left / self.width, bottom, at.width / self.width, at.height / self.height))


def picture_all(
    address: str, out: Path, *, minutes: float = 60, scrape_seconds: float = 15, boards: Path = FOLDER
) -> list[Path]:
    """Write one PNG for each board, and return them.

    Args:
        address: of Prometheus.
        out: folder, made when it is not there.
        minutes: how far back graphs look.
        scrape_seconds: of Prometheus; rates are taken over at least four.
        boards: folder of the boards' JSON.

    Raises:
        UnreachableError: Prometheus does not answer.
        UsageError: it does not answer as Prometheus.
    """
    out.mkdir(parents=True, exist_ok=True)
    now = time.time()
    span = Span(now - 60 * minutes, now)
    with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
        prometheus = Prometheus(address, client)
        for file in sorted(boards.glob("*.json")):
            board = json.loads(file.read_text(encoding="utf-8"))
            values = choose(board, prometheus, span, scrape_seconds=scrape_seconds)
            canvas = _draw_board(board, _Asker(prometheus, span, values))
            canvas.figure.savefig(out / f"{file.stem}.png")
    return sorted(out / f"{file.stem}.png" for file in boards.glob("*.json"))


@dataclass(frozen=True, slots=True)
class _Asker:
    """Whom to ask about when, with the values of the board's variables."""

    prometheus: Prometheus
    span: Span
    values: Mapping[str, str]

    def answer(self, target: Mapping[str, Any]) -> Answer:
        query, is_range = fill(target["expr"], self.values), target.get("range", False)
        return Answer(target["legendFormat"], self.prometheus.ask(query, self.span, is_range=is_range))


def _draw_board(board: Mapping[str, Any], asker: _Asker) -> Canvas:
    canvas = Canvas(max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"]))
    canvas.write(board["title"], 10, 30, size=16, weight="bold")
    canvas.write(board["description"], 0.3 * canvas.width, 30, size=9, color="#495057")
    for panel in board["panels"]:
        title, at = fill(panel["title"], asker.values), _place(panel["gridPos"])
        if panel["type"] == "row":
            canvas.write(title, at.left, at.top + 18, size=11, weight="bold")
            continue
        _draw_card(canvas, title, at)
        answers = [asker.answer(target) for target in panel["targets"]]
        draw(canvas.axes(at.inside(panel["type"])), panel, answers, asker.span)
    return canvas


def _place(grid: Mapping[str, int]) -> Place:
    left, top = grid["x"] * COLUMN_PIXELS, (grid["y"] + HEAD_ROWS) * ROW_PIXELS
    return Place(left + 5, top, grid["w"] * COLUMN_PIXELS - 10, grid["h"] * ROW_PIXELS - 8)


def _draw_card(canvas: Canvas, title: str, at: Place) -> None:
    card = canvas.axes(at)
    card.set(xticks=[], yticks=[], facecolor="white")
    for side in card.spines.values():
        side.set_color("#dee2e6")
    canvas.write(title, at.left + 9, at.top + 15, size=9, weight="bold")


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(
    *,
    prometheus: Annotated[str, typer.Option(help="Address of Prometheus.")] = "http://127.0.0.1:9090",
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("pictures"),
    minutes: Annotated[float, typer.Option(help="How far back graphs look.", min=1)] = 60,
    scrape_seconds: Annotated[float, typer.Option(help="How often Prometheus scrapes.", min=0.1)] = 15,
    boards: Annotated[Path, typer.Option(help="Folder of the boards' JSON.")] = FOLDER,
) -> None:
    """Draw the boards with what a Prometheus knows, one PNG each."""
    try:
        files = picture_all(prometheus, out, minutes=minutes, scrape_seconds=scrape_seconds, boards=boards)
    except ChurnError as error:
        typer.echo(f"churn: {error}", err=True)
        raise typer.Exit(1) from error
    for file in files:
        typer.echo(str(file))


if __name__ == "__main__":
    app()
