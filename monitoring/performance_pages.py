"""The pages of a performance run: HTML and Markdown for people, JSON for programs, PNG for both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from churn.stores.labelled import DuePrediction
from churn.stores.performance import PerformanceMeasure, Source
from monitoring.drift_summary import plain
from monitoring.performance_found import PerformanceFound
from monitoring.performance_pictures import pictures

SOURCES = ("observed", "estimated", "reference")
TITLES = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_slope": "calibration slope",
    "calibration_error": "calibration error",
    "lift_at_10_percent": "lift in the top 10 %",
    "lift_at_20_percent": "lift in the top 20 %",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "at_risk": "share called at risk",
    "base_rate": "share who leave",
    "profit": "profit of the decisions",
    "profit_contact_all": "profit of contacting all",
    "profit_ahead_of_all": "decisions ahead of contacting all",
}
"""Measure → its name for people, in the order of the page."""

OF_PARTS = ("roc_auc", "brier", "calibration_slope", "base_rate", "profit")


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a page.

    Attributes:
        has_names: the first cell of each row is text of the company's, which nobody has made safe yet.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    has_names: bool = False


def pages(found: PerformanceFound, rows: Sequence[DuePrediction]) -> dict[str, str | bytes]:
    """Return every file of a run by its name.

    Args:
        found: with measures.
        rows: that are due, for the curves.
    """
    drawn = pictures(found, rows)
    facts, tables = tuple(_facts(found)), tuple(_tables(found))
    page = _template().render(found=found, facts=facts, tables=tables, pictures=list(drawn))
    markdown = "\n".join(_markdown(found, facts, tables, drawn)) + "\n"
    return {
        "performance.html": page,
        "performance.md": markdown,
        "performance.json": found.to_json(),
        **drawn,
    }


def _facts(found: PerformanceFound) -> Iterator[tuple[str, str]]:
    run = found.run
    yield "predicted", f"{run.window_start[:16]} … {run.window_end[:16]} UTC; after that no outcome is due yet"
    yield "customers", f"{run.predictions:,}, each with the first prediction of the window"
    yield "outcome known", f"{run.labelled:,}"
    yield "nothing heard", f"{run.unknown:,}" + ("; figures hold for the others" if run.unknown else "")
    yield "outcome not due", f"{run.waiting:,}"
    yield "contradicting reports", f"{run.contradicted:,}; the later one is believed"


def _tables(found: PerformanceFound) -> Iterator[Table]:
    heads = ("measure", "observed", "expected of those not due", "held out")
    rows = [(_title(name, found), *(said(found.of_all(name, source)) for source in SOURCES)) for name in TITLES]
    yield Table("All customers", heads, tuple(row for row in rows if any(cell != "–" for cell in row[1:])))
    for dimension in ("segment", "door", "week"):
        yield from _parts(found, dimension)


def _parts(found: PerformanceFound, dimension: str) -> Iterator[Table]:
    of_dimension = [one for one in found.measures if one.dimension == dimension and one.measure in OF_PARTS]
    keys = sorted({(one.part, one.source) for one in of_dimension})
    if keys:
        named = {(one.part, one.source, one.measure): one for one in of_dimension}
        rows = tuple(_part(named, *key) for key in keys)
        heads = (dimension, "customers", "source", *(_title(name, found) for name in OF_PARTS))
        yield Table(f"By {dimension}", heads, rows, has_names=dimension != "week")


def _part(named: Mapping[tuple[str, Source, str], PerformanceMeasure], part: str, source: Source) -> tuple[str, ...]:
    ours = [named.get((part, source, name)) for name in OF_PARTS]
    rows = next(one.rows for one in ours if one)
    return part, f"{rows:,}", source, *map(said, ours)


def said(one: PerformanceMeasure | None) -> str:
    """Return a value with its interval as text."""
    if one is None:
        return "–"
    ends = f" ({one.low:.3f} to {one.high:.3f})" if one.low is not None and one.high is not None else ""
    return f"{one.value:.3f}{ends}"


def _title(name: str, found: PerformanceFound) -> str:
    is_money = name.startswith("profit") and found.currency
    return f"{TITLES[name]}, {found.currency} per customer" if is_money else TITLES[name]


def _markdown(
    found: PerformanceFound, facts: Iterable[tuple[str, str]], tables: Iterable[Table], drawn: Iterable[str]
) -> Iterator[str]:
    run = found.run
    yield f"# Performance of {plain(run.model_name)}, version {run.model_version}: {run.status}\n"
    yield f"{run.words}\n"
    yield from _rows(("", ""), facts)
    for table in tables:
        yield f"## {table.title}\n"
        named = ((plain(row[0]), *row[1:]) if table.has_names else row for row in table.rows)
        yield from _rows(table.heads, named)
    yield from (f"![{name.removesuffix('.png')}]({name})\n" for name in drawn)


def _rows(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("monitoring"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("performance.html")
