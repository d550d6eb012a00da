"""Problems: every refusal in the one shape of RFC 9457, and which error has which status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from churn.errors import (
    BundleError,
    ChurnError,
    ConflictError,
    ContractError,
    ModelNotReadyError,
    NotFoundError,
    RefusedError,
    StoreError,
    TableError,
    UsageError,
)
from services.api.dialects import members_for

STATUS: dict[type[ChurnError], int] = {
    TableError: 422,
    ContractError: 422,
    ModelNotReadyError: 503,
    BundleError: 503,
    UsageError: 422,
    NotFoundError: 404,
    ConflictError: 409,
    RefusedError: 422,
    StoreError: 503,
}
"""The first class that an error is an instance of decides."""

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 50
MOST_LETTERS = 100

PLAINER = {
    "extra_forbidden": "the contract has no such field",
    "missing": "a value is required",
    "multiple_of": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "string_pattern_mismatch": "must be text without control characters",
}
"""Kinds of fault whose standard message is unclear to somebody who has never seen Python."""


class FieldProblem(BaseModel):
    """What is wrong with one field; never the value that was sent."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was refused."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default=[])
    request_id: str


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a refusal."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": errors or [],
        "request_id": request.scope.get("churn_request_id", ""),
        **members_for(request.scope["path"], status, detail),
    }
    return Response(orjson.dumps(content), status, headers=headers, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Make every error that a route raises a problem."""
    app.add_exception_handler(ChurnError, _explain_ours)
    app.add_exception_handler(ValidationError, _explain_fields)
    app.add_exception_handler(RequestValidationError, _explain_fields)
    app.add_exception_handler(HTTPException, _explain_http)


async def explain(request: Request, error: Exception) -> Response | None:
    """Return the refusal that an error means; None when it is not a deliberate one."""
    handlers = {ChurnError: _explain_ours, ValidationError: _explain_fields, HTTPException: _explain_http}
    for kind, handler in handlers.items():
        if isinstance(error, kind):
            return await handler(request, error)
    return None


async def _explain_ours(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)
    headers = {"retry-after": "2"} if status == 503 else None
    return problem(request, status, str(error), headers=headers)


async def _explain_fields(request: Request, error: Exception) -> Response:
    found = _errors_of(error)
    if found and found[0]["type"] == "json_invalid":
        return problem(request, 400, f"the body is not JSON: {_plain(found[0]).removeprefix('Invalid JSON: ')}")
    errors = [{"field": _field(each["loc"]), "message": _plain(each)} for each in found[:MOST_ERRORS]]
    fields = len({each["field"] for each in errors})
    detail = f"{fields} field{'' if fields == 1 else 's'} can't be used: see errors"
    return problem(request, 422, detail, errors=errors)


def field_faults(error: ValidationError) -> list[str]:
    """Say what is wrong with each field of one body, never what was sent."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return list(dict.fromkeys(f"{_field(each['loc'])}: {_plain(each)}" for each in found[:MOST_ERRORS]))


async def _explain_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  it was registered for this class
    return problem(request, error.status_code, str(error.detail), headers=error.headers)


def _errors_of(error: Exception) -> list[Any]:
    if isinstance(error, ValidationError):
        return error.errors(include_url=False, include_context=False, include_input=False)
    if isinstance(error, RequestValidationError):  # its places begin with body, query, path or header
        return [{**each, "loc": each["loc"][1:] or each["loc"]} for each in error.errors()]
    return []


def _field(location: tuple[int | str, ...]) -> str:
    """The field's own name: what follows it names the alternatives of its type."""
    return str(location[0])[:MOST_LETTERS] if location else "body"


def _plain(error: Mapping[str, Any]) -> str:
    text: str = PLAINER.get(error["type"], error["msg"])
    return text.removeprefix("Value error, ").replace("Input should be", "must be")
