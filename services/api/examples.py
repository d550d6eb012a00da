"""Examples in the OpenAPI document: for each route a command line, and Python where the client has it; ready to run."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.api.access import RULES, Rule
from services.api.endpoint import Document
from services.api.python_examples import PYTHON
from services.served import Served

JSON = "application/json"
FORM = "multipart/form-data"
FILE = "customers.csv"
SERVERS = [{"url": "./", "description": "where this document is: right behind a proxy's prefix too"}]
MOST_LINES = 30
"""Longer JSON is written on one line."""

BODIES: Mapping[str, Document] = {
    "POST /api/v1/models/{version}/activate": {"reason": "better on last month's customers"},
    "POST /api/v1/retrain": {"trials": 5},
    "POST /api/v1/outcomes": {
        "outcomes": [{"customer_id": "A-1", "churned": 1, "observed_at": "2026-01-31T00:00:00Z"}]
    },
    "POST /api/v1/token": {"username": "ada", "password": "correct horse battery staple"},
}
"""Bodies of routes that the contract says nothing of."""

QUERIES = {"GET /api/v1/explain": "?customer_id=A-1"}
BEARER = frozenset({"DELETE /api/v1/token"})
"""Routes that are about the token that is shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where examples are to run.

    Attributes:
        address: of the door, as its client sees it.
        predict_is_open: prediction needs no key.
    """

    address: str
    predict_is_open: bool


def with_examples(document: Document, served: Served | None, place: Place) -> Document:
    """Return the document with examples below each operation's description, its routes in the order of RULES."""
    paths = {rule.path: document["paths"][rule.path] for rule in RULES if rule.path in document["paths"]}
    for rule in RULES:
        operation = paths.get(rule.path, {}).get(rule.method.lower())
        if operation is not None:
            _give_body(operation, BODIES.get(f"{rule.method} {rule.path}"))
            blocks = _blocks(rule, operation, served, place)
            operation["description"] = "\n\n".join([operation.get("description", ""), *blocks]).strip()
    return {**document, "paths": paths, "servers": SERVERS}


def _give_body(operation: Document, body: Document | None) -> None:
    """Let the page's own form begin with the example."""
    if body is not None and JSON in (content := operation.get("requestBody", {}).get("content", {})):
        content[JSON].setdefault("example", body)


def _blocks(rule: Rule, operation: Document, served: Served | None, place: Place) -> Iterator[str]:
    customer = dict(served.scorer.contract.example) if served else {}
    yield f"```bash\n{_curl(rule, operation, served, place)}\n```"
    if python := PYTHON.get(f"{rule.method} {rule.path}"):
        text = python.text(place.address, customer, has_key=_needs_key(rule, place))
        version = str(served.scorer.version) if served else "1"
        yield f"```python\n{text.replace('VERSION', version)}\n```"


def _curl(rule: Rule, operation: Document, served: Served | None, place: Place) -> str:
    route = f"{rule.method} {rule.path}"
    address = f'"{place.address}{_filled(rule.path, served)}{QUERIES.get(route, "")}"'
    method = [] if rule.method == "GET" else [f"-X {rule.method}"]
    parts = [" ".join(["curl -sS", *method, address]), *_credentials(rule, place), *_content(operation)]
    return "\n".join([*_preparation(operation, served), " \\\n  ".join(parts)])


def _filled(path: str, served: Served | None) -> str:
    name, version = (served.scorer.name, str(served.scorer.version)) if served else ("churn", "1")
    return path.replace("{name}", name).replace("{version}", version).replace("{job_id}", "$JOB")


def _needs_key(rule: Rule, place: Place) -> bool:
    return rule.access != "open" and not (rule.access == "predict" and place.predict_is_open)


def _credentials(rule: Rule, place: Place) -> Iterator[str]:
    if f"{rule.method} {rule.path}" in BEARER:
        yield '-H "Authorization: Bearer $TOKEN"'
    elif _needs_key(rule, place):
        yield '-H "X-API-Key: $CHURN_API_KEY"'


def _content(operation: Document) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {})
    if FORM in content:
        yield f"-F file=@{FILE}"
    elif "example" in content.get(JSON, {}):
        yield f"-H 'Content-Type: {JSON}'"
        yield f"-d {shlex.quote(_written(content[JSON]['example']))}"


def _preparation(operation: Document, served: Served | None) -> Iterator[str]:
    """Make the file that is sent."""
    if FORM in operation.get("requestBody", {}).get("content", {}) and served is not None:
        example = served.scorer.contract.example
        lines = [",".join(map(_cell, cells)) for cells in (example, example.values())]
        yield f"printf '%s\\n' {' '.join(map(shlex.quote, lines))} > {FILE}"


def _cell(value: Any) -> str:
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(letter in text for letter in ',"\n') else text


def _written(body: Any) -> str:
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return text if text.count("\n") < MOST_LINES else json.dumps(body, ensure_ascii=False)
