"""The Swagger page, with its assets from BentoML's package: it works without the internet, and tells nobody."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, RedirectResponse
from starlette.exceptions import HTTPException

from services.api.address import address_of
from services.api.endpoint import Endpoint
from services.api.examples import Place, with_examples
from services.api.headers import page_policy
from services.api.openapi import openapi_document
from services.api.security import with_security
from services.worker import Worker

TITLE = "Holdfast churn prediction"
ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
NO_ICON = "data:,"


def docs_routes(worker: Worker, endpoints: Sequence[Endpoint], routers: Sequence[APIRouter]) -> APIRouter:
    """Return the page, its document and its assets.

    Args:
        worker: whose live contract is described.
        endpoints: what the page describes.
        routers: what else it describes.
    """
    router = APIRouter()

    @router.get("/")
    async def root() -> Response:
        """Lead people to the page."""
        return RedirectResponse("docs", status_code=307)

    @router.get("/docs")
    async def docs() -> Response:
        """Return the page; all addresses in it are relative, so that it works behind a proxy's prefix."""
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=TITLE,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url=NO_ICON,
        )
        page.headers["content-security-policy"] = page_policy(bytes(page.body))
        return page

    @router.get("/docs/{asset}")
    async def docs_asset(asset: str) -> Response:
        """Return a script or style of the page."""
        if asset not in ASSETS:
            raise HTTPException(404)
        return FileResponse(_folder() / asset, media_type=ASSETS[asset], headers={"cache-control": "max-age=86400"})

    @router.get("/openapi.json")
    async def openapi(request: Request) -> dict[str, Any]:
        """Return the OpenAPI document of the live contract, with examples for this address."""
        served, is_open = worker.live.served, worker.settings.predict_access == "open"
        document = openapi_document(served, endpoints, routers, title=TITLE, version=program_version())
        return with_examples(
            with_security(document, predict_is_open=is_open), served, Place(address_of(request), is_open)
        )

    return router


@cache
def _folder() -> Path:
    found = find_spec("bentoml")
    if found is None or found.origin is None:
        raise HTTPException(404, "the page's assets come with the package bentoml, which is not installed")
    return Path(found.origin).parent / "_internal" / "server" / "static_content"


@cache
def program_version() -> str:
    """Return this program's version."""
    try:
        return version("holdfast")
    except PackageNotFoundError:  # a Bento carries the source without installing it
        return "unknown"
