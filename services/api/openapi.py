"""The OpenAPI document: made from the contract that is live now, so it changes with a promotion."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.api.asking import EXPLAIN
from services.api.batch import FIELD, MOST_EXPLAINED, BatchAnswer
from services.api.health import Alive, Health
from services.api.predict import IDEMPOTENCY_KEY, PredictionAnswer
from services.api.problems import MEDIA_TYPE, Problem
from services.live import Served

Document = dict[str, Any]
ANSWERS: tuple[type[BaseModel], ...] = (PredictionAnswer, BatchAnswer, Health, Alive, Problem)


def openapi_document(served: Served | None, *, title: str, version: str) -> Document:
    """Describe every route; without a model, a customer is any object."""
    _, definitions = models_json_schema(
        [(model, "serialization") for model in ANSWERS], ref_template="#/components/schemas/{model}"
    )
    schemas = {**definitions["$defs"], "Customer": _customer(served)}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _description(served)},
        "paths": _paths(served),
        "components": {"schemas": schemas},
    }


def _description(served: Served | None) -> str:
    if served is None:
        return "No model is in production yet."
    scorer = served.scorer
    return f"{scorer.contract.description or scorer.contract.name}. Model {scorer.name}, version {scorer.version}."


def _customer(served: Served | None) -> Document:
    if served is None:
        return {"type": "object"}
    schema = served.scorer.form.model.model_json_schema(mode="validation", by_alias=True)
    schema.pop("$defs", None)
    return schema


def _paths(served: Served | None) -> Document:
    predict = {"post": _predict(served)}
    batch = {"post": _batch(served)}
    return {
        "/predict": predict,
        "/api/v1/predict": {"post": {**predict["post"], "operationId": "predict_v1"}},
        "/predict/batch": batch,
        "/api/v1/health": {"get": _get("health", "How this door fares", Health)},
        "/livez": {"get": _get("livez", "This process answers", Alive)},
        "/readyz": {"get": _get("readyz", "A model is live", Alive, 503)},
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Metrics of all workers, for Prometheus",
                "tags": ["health"],
                "responses": {
                    "200": {"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}
                },
            }
        },
    }


def _predict(served: Served | None) -> Document:
    example = {"example": dict(served.scorer.contract.example)} if served else {}
    return {
        "operationId": "predict",
        "summary": "Predict for one customer",
        "tags": ["predict"],
        "parameters": [
            {
                "name": "Idempotency-Key", "in": "header", "required": False,
                "description": "Becomes the prediction_id: a prediction sent twice with it is stored once.",
                "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY.pattern.replace("\\Z", "$")},
            },
            _explain("true: with what each column adds to the risk, and the strongest reasons in words."),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("Customer"), **example}},
        },
        "responses": _responses(PredictionAnswer, 400, 413, 415, 422, 503),
    }  # fmt: skip


def _batch(served: Served | None) -> Document:
    columns = ", ".join(served.scorer.contract.columns) if served else "those of the contract"
    form = {
        "type": "object",
        "required": [FIELD],
        "properties": {
            FIELD: {
                "type": "string",
                "contentMediaType": "text/csv",
                "format": "binary",
                "description": f"Columns: {columns}",
            }
        },
    }
    return {
        "operationId": "predict_batch",
        "summary": "Predict for a CSV of customers",
        "tags": ["predict"],
        "parameters": [_explain(f"true: with the reasons of each customer; at most {MOST_EXPLAINED:,} rows.")],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": _responses(BatchAnswer, 400, 413, 415, 422, 503),
    }


def _explain(description: str) -> Document:
    """Describe the query of a prediction: as words, for OpenAPI's booleans would also allow others."""
    schema = {"type": "string", "enum": ["true", "false"], "default": "false"}
    return {"name": EXPLAIN, "in": "query", "required": False, "description": description, "schema": schema}


def _get(name: str, summary: str, answer: type[BaseModel], *refusals: int) -> Document:
    return {"operationId": name, "summary": summary, "tags": ["health"], "responses": _responses(answer, *refusals)}


def _responses(answer: type[BaseModel], *refusals: int) -> Document:
    refused = {"description": "Refused", "content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}
    accepted = {"description": "Answer", "content": {"application/json": {"schema": _ref(answer.__name__)}}}
    return {"200": accepted, **{str(status): refused for status in refusals}}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}
