"""Tokens: signing in and out, and who one is."""

from typing import Any
from urllib.parse import parse_qsl

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr
from starlette.exceptions import HTTPException

from churn.errors import StoreError
from churn.stores.roles import Role
from services.access.audit import audit, subject_of
from services.access.desk import Desk
from services.access.subjects import Kind
from services.api.guard import AWAY
from services.api.sign_in import SignIn

PATH = "/api/v1/token"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class Credentials(BaseModel):
    """Who signs in."""

    grant_type: str = Field(default="password", pattern="^password$")
    username: str = Field(min_length=1, max_length=256)
    password: SecretStr = Field(min_length=1, max_length=256)


class TokenAnswer(BaseModel):
    """A token: send it as `Authorization: Bearer …`."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105  the kind of token, not one
    expires_in: int = Field(description="Seconds.")
    role: Role


class Me(BaseModel):
    """Who one is."""

    name: str
    role: Role | None
    kind: Kind


def token_routes(desk: Desk) -> APIRouter:
    """Return the routes of tokens."""
    router = APIRouter(tags=["access"])
    signing_in = SignIn(desk)

    @router.post(PATH, responses={400: {}, 401: {}, 415: {}, 422: {}, 429: {}, 503: {}}, openapi_extra=_body())
    async def sign_in(request: Request) -> TokenAnswer:
        """Sign in with a name and a password."""
        shown = await _read(request)
        token, role = await signing_in.token(request, shown.username, shown.password.get_secret_value())
        return TokenAnswer(access_token=token, expires_in=desk.settings.token_minutes * 60, role=role)

    @router.delete(PATH, status_code=204, responses={422: {}})
    async def sign_out(request: Request) -> Response:
        """Revoke the token that is shown: it is void in every worker within 30 seconds, here at once."""
        credential = request.scope["churn_credential"]
        if credential.kind != "token":
            raise HTTPException(422, "an API key is no token: `churn key revoke` makes it void")
        claims = await desk.identities.claims(credential)
        await anyio.to_thread.run_sync(_revoke, desk, request, claims.token_id, claims.expires_at)
        desk.identities.forget(credential)
        return Response(status_code=204)

    @router.get("/api/v1/users/me")
    async def me(request: Request) -> Me:
        """Say who one is."""
        subject = subject_of(request)
        return Me(name=subject.name, role=subject.role, kind=subject.kind)

    return router


async def _read(request: Request) -> Credentials:
    """Read JSON, or the form of OAuth 2 that Swagger's Authorize sends."""
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    body = await request.body()
    if kind == JSON:
        return Credentials.model_validate_json(body)
    if kind != FORM:
        raise HTTPException(415, f"send {JSON} or {FORM}")
    try:
        fields = dict(parse_qsl(body.decode("ascii"), max_num_fields=10, errors="strict"))
    except ValueError as error:
        raise HTTPException(400, "the form can't be read") from error
    known = {name: value for name, value in fields.items() if name in Credentials.model_fields}
    return Credentials.model_validate(known)


def _revoke(desk: Desk, request: Request, token_id: str, expires_at: float) -> None:
    from churn.stores.tokens import RevokedTokenStore  # noqa: PLC0415  it brings sqlalchemy

    try:
        RevokedTokenStore(desk.stores.engine()).add(token_id, expires_at=expires_at)
        audit(request, action="sign_out", subject=token_id, outcome="done")
    except StoreError as error:
        raise HTTPException(503, AWAY, headers={"retry-after": "5"}) from error


def _body() -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["username", "password"],
        "properties": {
            "grant_type": {"type": "string", "enum": ["password"], "default": "password"},
            "username": {"type": "string", "minLength": 1, "maxLength": 256},
            "password": {"type": "string", "format": "password", "minLength": 1, "maxLength": 256},
        },
    }
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema}, FORM: {"schema": schema}}}}
