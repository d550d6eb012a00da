"""Endpoints outside FastAPI's routers: their bodies change with the live contract, and so does what documents them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from starlette.types import ASGIApp

from services.api.problems import MEDIA_TYPE
from services.served import Served

Document = dict[str, Any]
"""A part of an OpenAPI document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One route.

    Attributes:
        answer: an ASGI application, or a function from request to response.
        describe: returns the route's OpenAPI operation for the contract that is live; None: no model is, yet.
        models: the schemas that the operation refers to.
        is_hot: the front calls `answer`, an ASGI application, without any layer between.
    """

    method: str
    path: str
    answer: ASGIApp | Callable[[Request], Awaitable[Response]]
    describe: Callable[[Served | None], Document]
    models: tuple[type[BaseModel], ...] = ()
    is_hot: bool = False


def responses(answer: Document, *refusals: int) -> Document:
    """Describe the answer of status 200, and the statuses of problems.

    Args:
        answer: schema or content of the answer.
        refusals: what else may come, each a Problem.
    """
    content = answer if any("/" in name for name in answer) else {"application/json": {"schema": answer}}
    return {"200": {"description": "Answer", "content": content}, **{str(each): refusal() for each in refusals}}


def refusal() -> Document:
    """Describe a problem."""
    return {"description": "Refused", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def ref(model: type[BaseModel]) -> Document:
    """Refer to a model's schema."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}
