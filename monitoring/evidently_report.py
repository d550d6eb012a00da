"""Evidently, behind one function: labelled windows in, distances and a page for people out.

Evidently takes 5 to 12 s to import and 280 MB: only the drift job does it, when there is something to compare.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitoring.labels import inert

if TYPE_CHECKING:
    import pandas as pd


Thresholds = Mapping[tuple[str, str], float]
"""(column, Evidently's name of a method) → threshold."""

SHOWN = "psi"
"""The method of the page; the others are measured beside it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What Evidently found.

    Attributes:
        values: (column, method) → distance.
        html: a page that needs no network: the headline column, then a table of the others, the drifted ones first.
        metrics: Evidently's own JSON, a list of metrics.
    """

    values: Mapping[tuple[str, str], float]
    html: str
    metrics: str


def compare(
    live: "pd.DataFrame", reference: "pd.DataFrame", thresholds: Thresholds, *, headline: str, share: float
) -> Comparison:
    """Compare columns, each with the methods that are named for it, PSI among them.

    Args:
        live: labels, shape (rows, columns); no value is missing.
        reference: labels of the same columns.
        thresholds: without a method's name Evidently would choose the test by the size of the reference.
        headline: the column that the page begins with.
        share: of the other columns, from which the page says that there is drift.
    """
    with _quiet():
        names = _safe_names(list(reference.columns))
        named = {(names[column], method): threshold for (column, method), threshold in thresholds.items()}
        windows = live.rename(columns=names), reference.rename(columns=names)
        page = _run(*windows, _on_the_page(named, names[headline], share))
        beside = _run(*windows, _beside_it(named))
        metrics = [*json.loads(page.json())["metrics"], *json.loads(beside.json())["metrics"]]
        html: str = page.get_html_str(as_iframe=False)
    return Comparison(_values(metrics, {safe: name for name, safe in names.items()}), html, json.dumps(metrics))


def _on_the_page(thresholds: Thresholds, headline: str, share: float) -> list[Any]:
    from evidently.metrics import ValueDrift  # noqa: PLC0415  see the module's docstring
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    shown = {column: threshold for (column, method), threshold in thresholds.items() if method == SHOWN}
    first = ValueDrift(column=headline, method=SHOWN, threshold=shown.pop(headline))
    others = {"columns": list(shown), "method": SHOWN, "per_column_threshold": shown, "drift_share": share}
    return [first, DataDriftPreset(**others)] if shown else [first]


def _beside_it(thresholds: Thresholds) -> list[Any]:
    from evidently.metrics import ValueDrift  # noqa: PLC0415  see the module's docstring

    return [
        ValueDrift(column=column, method=method, threshold=threshold)
        for (column, method), threshold in thresholds.items()
        if method != SHOWN
    ]


def _run(live: "pd.DataFrame", reference: "pd.DataFrame", metrics: list[Any]) -> Any:
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415  see the module's docstring

    definition = DataDefinition(categorical_columns=list(reference.columns))
    return Report(metrics).run(Dataset.from_pandas(live, definition), Dataset.from_pandas(reference, definition))


def _safe_names(columns: list[str]) -> dict[str, str]:
    """Column name → a name that is safe in a page, and still nobody else's."""
    names: dict[str, str] = {}
    for column in columns:
        safe = inert(column)
        while safe in names.values():
            safe += "′"
        names[column] = safe
    return names


def _values(metrics: list[dict[str, Any]], names: Mapping[str, str]) -> dict[tuple[str, str], float]:
    of_columns = ((one["config"], one["value"]) for one in metrics if "column" in one["config"])
    return {(names[config["column"]], config["method"]): float(value) for config, value in of_columns}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Evidently 0.7.23 and what it imports say about themselves; none of it is about our data."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "numpy.core is deprecated", DeprecationWarning)  # evidently.legacy.tests
        warnings.filterwarnings("ignore", "invalid escape sequence", DeprecationWarning)  # its text_match.py, compiled
        warnings.filterwarnings("ignore", r"(Call to|Use of) deprecated .*Dependency")  # litestar, by evidently.ui
        yield
