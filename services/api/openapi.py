"""The OpenAPI document: made from the contract that is live now, so it changes with a promotion."""

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.api.endpoint import Document, Endpoint, refusal
from services.api.problems import Problem
from services.served import Served

REF = "#/components/schemas/{model}"
TAGS = {
    "predict": "Who leaves, and what to do about it.",
    "explain": "Why.",
    "outcomes": "What became of customers.",
    "models": "Versions, how good they are, and which is in production.",
    "jobs": "What takes longer than a request.",
    "access": "Signing in and out.",
    "health": "How the door fares.",
    "open inference protocol": "KServe's, version 2: for clients of Triton, Seldon, KServe. A refusal has `error` too.",
    "mlflow": "What `mlflow models serve` answers. A refusal has `error_code` and `message` too.",
}
NOT_OURS = ("HTTPValidationError", "ValidationError")
"""FastAPI's own shape of refusals; ours is Problem."""


def openapi_document(
    served: Served | None, endpoints: Sequence[Endpoint], routers: Sequence[APIRouter], *, title: str, version: str
) -> Document:
    """Describe every route; without a model, a customer is any object."""
    routes = [route for router in routers for route in router.routes]
    document: Document = get_openapi(title=title, version=version, description=_description(served), routes=routes)
    paths = _with_problems(document.get("paths", {}))
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = each.describe(served)
    schemas = document.get("components", {}).get("schemas", {})
    ours = _schemas((Problem, *(model for each in endpoints for model in each.models)))
    kept = {name: schema for name, schema in schemas.items() if name not in NOT_OURS}
    tags = [{"name": name, "description": words} for name, words in TAGS.items()]
    return {
        **document,
        "tags": tags,
        "paths": paths,
        "components": {"schemas": {**kept, **ours, "Customer": _customer(served)}},
    }


def _description(served: Served | None) -> str:
    if served is None:
        return "No model is in production yet."
    scorer = served.scorer
    return f"{scorer.contract.description or scorer.contract.name}. Model {scorer.name}, version {scorer.version}."


def _schemas(models: Sequence[type[BaseModel]]) -> Document:
    distinct = tuple(dict.fromkeys(models))
    _, definitions = models_json_schema([(model, "serialization") for model in distinct], ref_template=REF)
    found: Document = definitions["$defs"]
    return found


def _customer(served: Served | None) -> Document:
    if served is None:
        return {"type": "object"}
    schema = served.scorer.form.model.model_json_schema(mode="validation", by_alias=True)
    schema.pop("$defs", None)
    return schema


def _with_problems(paths: Document) -> Document:
    """Replace FastAPI's 422 and summaries, and let every status of refusal be a Problem."""
    for item in paths.values():
        for operation in item.values():
            _summarise(operation)
            answers = operation["responses"]
            for status in [each for each in answers if each.startswith(("4", "5"))]:
                answers[status] = refusal()
    return paths


def _summarise(operation: Document) -> None:
    """FastAPI's summary is the function's name; the first sentence of its docstring says more."""
    first, _, rest = operation.get("description", "").partition(".")
    operation["summary"], operation["description"] = " ".join(first.split()) or operation["summary"], rest.strip()
