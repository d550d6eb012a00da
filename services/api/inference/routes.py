"""Routes that say what there is: the server, its health, the live model."""

from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException

from services.api.inference.models import (
    ModelMetadata,
    ModelReady,
    ServerLive,
    ServerMetadata,
    ServerReady,
    metadata_of,
)
from services.served import Served
from services.worker import Worker


def inference_routes(worker: Worker, *, version: str) -> APIRouter:
    """Return the routes that say what there is.

    Args:
        worker: what answers.
        version: of this program.
    """
    router = APIRouter(tags=["open inference protocol"], prefix="/v2")
    refusals: dict[int | str, dict[str, Any]] = {404: {}, 503: {}}

    @router.get("")
    async def server_metadata() -> ServerMetadata:
        """Name the server and what it understands."""
        return ServerMetadata(name="holdfast", version=version, extensions=["binary_tensor_data"])

    @router.get("/health/live")
    async def server_live() -> ServerLive:
        """Say that this process answers."""
        return ServerLive(live=True)

    @router.get("/health/ready", responses={503: {}})
    async def server_ready() -> ServerReady:
        """Say whether a model is live; 503 when there is none."""
        worker.live.require()
        return ServerReady(ready=True)

    @router.get("/models/{name}", responses=refusals)
    @router.get("/models/{name}/versions/{version}", responses=refusals)
    async def model_metadata(name: str, version: str | None = None) -> ModelMetadata:
        """Describe the inputs and outputs of the live model; 404 for any other."""
        return metadata_of(live_model(worker, name, version))

    @router.get("/models/{name}/ready", responses=refusals)
    @router.get("/models/{name}/versions/{version}/ready", responses=refusals)
    async def model_ready(name: str, version: str | None = None) -> ModelReady:
        """Say whether a model is the live one; 404 for any other."""
        return ModelReady(name=live_model(worker, name, version).scorer.name, ready=True)

    return router


def live_model(worker: Worker, name: str, version: str | None = None) -> Served:
    """Return what is served, if it is the one that is named.

    Raises:
        ModelNotReadyError: nothing is served, yet.
        HTTPException: 404, another model or version is.
    """
    served = worker.live.require()
    if name != served.scorer.name or version not in (None, str(served.scorer.version)):
        live = f"{served.scorer.name!r}, version {served.scorer.version}"
        raise HTTPException(404, f"there is no such model here: the live one is {live}")
    return served
