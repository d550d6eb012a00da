"""Evidently, behind one function: labelled windows in, a page for people and Evidently's own JSON out.

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


SHOWN = "psi"
"""The method of the page: Evidently's name of it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What Evidently found.

    Attributes:
        values: column → PSI.
        html: a page that needs no network: the headline column, then a table of the others, the drifted ones first.
        metrics: Evidently's own JSON, a list of metrics.
    """

    values: Mapping[str, float]
    html: str
    metrics: str


def compare(
    live: "pd.DataFrame", reference: "pd.DataFrame", thresholds: Mapping[str, float], *, headline: str, share: float
) -> Comparison:
    """Compare columns by PSI.

    Args:
        live: labels, shape (rows, columns); no value is missing.
        reference: labels of the same columns.
        thresholds: column → PSI from which the page calls it drift.
        headline: the column that the page begins with.
        share: of the other columns, from which the page says that there is drift.
    """
    with _quiet():
        names = _safe_names(list(reference.columns))
        named = {names[column]: threshold for column, threshold in thresholds.items()}
        windows = live.rename(columns=names), reference.rename(columns=names)
        page = _run(*windows, _on_the_page(named, names[headline], share))
        metrics = json.loads(page.json())["metrics"]
        html: str = page.get_html_str(as_iframe=False)
    return Comparison(_values(metrics, {safe: name for name, safe in names.items()}), html, json.dumps(metrics))


def _on_the_page(thresholds: Mapping[str, float], headline: str, share: float) -> list[Any]:
    """Name the method: without it Evidently would choose the test by the size of the reference."""
    from evidently.metrics import ValueDrift  # noqa: PLC0415  see the module's docstring
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    shown = dict(thresholds)
    first = ValueDrift(column=headline, method=SHOWN, threshold=shown.pop(headline))
    others = {"columns": list(shown), "method": SHOWN, "per_column_threshold": shown, "drift_share": share}
    return [first, DataDriftPreset(**others)] if shown else [first]


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


def _values(metrics: list[dict[str, Any]], names: Mapping[str, str]) -> dict[str, float]:
    of_columns = ((one["config"], one["value"]) for one in metrics if "column" in one["config"])
    return {names[config["column"]]: float(value) for config, value in of_columns}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Evidently 0.7.23 and what it imports say about themselves; none of it is about our data."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "numpy.core is deprecated", DeprecationWarning)  # evidently.legacy.tests
        warnings.filterwarnings("ignore", "invalid escape sequence", DeprecationWarning)  # its text_match.py, compiled
        warnings.filterwarnings("ignore", r"(Call to|Use of) deprecated .*Dependency")  # litestar, by evidently.ui
        yield
