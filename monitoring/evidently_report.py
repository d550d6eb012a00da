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


@dataclass(frozen=True, slots=True)
class Comparison:
    """What Evidently found.

    Attributes:
        values: (column, method) → distance.
        html: a page that needs no network.
        metrics: Evidently's own JSON.
    """

    values: Mapping[tuple[str, str], float]
    html: str
    metrics: str


def compare(live: "pd.DataFrame", reference: "pd.DataFrame", thresholds: Mapping[tuple[str, str], float]) -> Comparison:
    """Compare columns, each with the methods that are named for it.

    Args:
        live: labels, shape (rows, columns); no value is missing.
        reference: labels of the same columns.
        thresholds: (column, Evidently's name of a method) → threshold; the report keeps this order. Without a name
            Evidently would choose the test by the size of the reference.
    """
    with _quiet():
        names = _safe_names(list(reference.columns))
        named = {(names[column], method): threshold for (column, method), threshold in thresholds.items()}
        snapshot = _run(live.rename(columns=names), reference.rename(columns=names), named)
        metrics: str = snapshot.json()
        html: str = snapshot.get_html_str(as_iframe=False)
    return Comparison(_values(metrics, {safe: name for name, safe in names.items()}), html, metrics)


def _run(live: "pd.DataFrame", reference: "pd.DataFrame", thresholds: Mapping[tuple[str, str], float]) -> Any:
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415  see the module's docstring
    from evidently.metrics import ValueDrift  # noqa: PLC0415

    definition = DataDefinition(categorical_columns=list(reference.columns))
    metrics = [
        ValueDrift(column=column, method=method, threshold=threshold)
        for (column, method), threshold in thresholds.items()
    ]
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


def _values(metrics: str, names: Mapping[str, str]) -> dict[tuple[str, str], float]:
    found = ((one["config"], one["value"]) for one in json.loads(metrics)["metrics"])
    return {(names[config["column"]], config["method"]): float(value) for config, value in found}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Evidently 0.7.23 and what it imports say about themselves; none of it is about our data."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "numpy.core is deprecated", DeprecationWarning)  # evidently.legacy.tests
        warnings.filterwarnings("ignore", "invalid escape sequence", DeprecationWarning)  # its text_match.py, compiled
        warnings.filterwarnings("ignore", r"(Call to|Use of) deprecated .*Dependency")  # litestar, by evidently.ui
        yield
