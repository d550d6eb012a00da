"""The application: one, behind both doors."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

from fastapi import FastAPI
from starlette.routing import Route
from starlette.types import ASGIApp

from services.api.batch import Batch
from services.api.docs import TITLE, docs_routes
from services.api.front import Front
from services.api.health import health_routes
from services.api.predict import Predict
from services.api.problems import install_problems
from services.worker import Worker

PREDICT = ("/predict", "/api/v1/predict")
BATCH = ("/predict/batch",)


def create_app(worker: Worker, *, owns_worker: bool) -> ASGIApp:
    """Return the application around a worker.

    Args:
        worker: what answers.
        owns_worker: open and close the worker with the application; False: somebody else does.
    """
    app = FastAPI(
        title=TITLE,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(worker) if owns_worker else None,
    )
    install_problems(app)
    # Plain routes: the body is validated by the live contract's own model, so FastAPI has nothing to add but time.
    predict = Predict(worker)
    for path in PREDICT:
        app.add_route(path, cast("Any", predict), methods=["POST"])  # Starlette takes ASGI applications as endpoints
    for path in BATCH:
        app.add_route(path, Batch(worker).answer, methods=["POST"])
    routers = [health_routes(worker), docs_routes(worker)]
    for router in routers:
        app.include_router(router)
    known = {route.path for router in routers for route in router.routes if isinstance(route, Route)}
    limits = {"": worker.settings.body_bytes, **dict.fromkeys(BATCH, worker.settings.batch_bytes)}
    shortcuts: dict[tuple[str, str], ASGIApp] = {("POST", path): predict for path in PREDICT}
    return Front(app, worker.door, routes=known.union(PREDICT, BATCH), shortcuts=shortcuts, body_limits=limits)


def _lifespan(worker: Worker) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def opened(_: FastAPI) -> AsyncIterator[None]:
        worker.open()
        yield
        worker.close()

    return opened
