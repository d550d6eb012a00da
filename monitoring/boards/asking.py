"""Asking Prometheus what a board asks, as Grafana does: variables filled in, then one query after the other."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from churn.errors import UnreachableError, UsageError

POINTS = 120
"""Of a graph, from its left to its right."""

VARIABLE = re.compile(r"\$\{?(\w+)\}?")
LABEL_VALUES = re.compile(r"^label_values\((\w+), (\w+)\)$")
LABEL_OF = re.compile(r'^/(\w+)="')
QUERY_RESULT = re.compile(r"^query_result\((.*)\)$")


@dataclass(frozen=True, slots=True)
class Series:
    """One series: moments in seconds and values, both of the same length; a single moment for an instant query."""

    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """What a graph shows, in seconds since 1970."""

    start: float
    end: float

    @property
    def step(self) -> float:
        """Seconds between two points."""
        return max((self.end - self.start) / POINTS, 1.0)


class Prometheus:
    """A Prometheus that is asked over HTTP."""

    def __init__(self, address: str, client: httpx.Client) -> None:
        self._address, self._client = address.rstrip("/"), client

    def ask(self, query: str, span: Span, *, is_range: bool) -> list[Series]:
        """Return the series of a query, over the span or at its end.

        Raises:
            UnreachableError: nobody answered.
            UsageError: it is no Prometheus, or the query is none.
        """
        moments = {"start": span.start, "end": span.end, "step": span.step} if is_range else {"time": span.end}
        path = "query_range" if is_range else "query"
        found = self._get(f"/api/v1/{path}", {"query": query, **moments})
        return [_series(one) for one in found["result"] if "metric" in one]

    def _get(self, path: str, parameters: Mapping[str, str | float]) -> Any:
        try:
            answer = self._client.post(
                f"{self._address}{path}", data={key: str(one) for key, one in parameters.items()}
            )
        except httpx.TransportError as error:
            raise UnreachableError(
                f"no Prometheus answers at {self._address}: start one, or say where it is"
            ) from error
        try:
            body = answer.json()
            return body["data"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            said = answer.text[:300]
            raise UsageError(
                f"{self._address} does not answer {parameters.get('query')!r} as Prometheus: {said}"
            ) from error


def _series(one: Mapping[str, Any]) -> Series:
    points = one["values"] if "values" in one else [one["value"]]
    times, values = zip(*points, strict=True)
    return Series(one["metric"], tuple(map(float, times)), tuple(map(float, values)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values where variables stand; an unknown one is left."""
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def choose(board: Mapping[str, Any], prometheus: Prometheus, span: Span, *, scrape_seconds: float) -> dict[str, str]:
    """Return what Grafana would put where the board's variables stand when it is opened."""
    window = f"{max(4 * scrape_seconds, span.step):.0f}s"
    chosen = {"__rate_interval": window, "__interval": f"{span.step:.0f}s"}
    for variable in board["templating"]["list"]:
        chosen[variable["name"]] = _first(variable, prometheus, span)
    return chosen


def _first(variable: Mapping[str, Any], prometheus: Prometheus, span: Span) -> str:
    if variable.get("includeAll"):
        return str(variable["allValue"])
    if variable["type"] != "query":
        query = variable.get("query")
        return str(query).split(",")[0].strip()
    definition = variable["definition"]
    if found := LABEL_VALUES.match(definition):
        series = prometheus.ask(found[1], span, is_range=False)
        return min((one.labels[found[2]] for one in series if found[2] in one.labels), default="")
    asked, label = QUERY_RESULT.match(definition), LABEL_OF.match(variable["regex"])
    series = prometheus.ask(asked[1], span, is_range=False) if asked and label else []
    return next((one.labels[label[1]] for one in series if label and label[1] in one.labels), "")
