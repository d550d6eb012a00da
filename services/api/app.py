"""The application: one, behind both doors."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from services.access.desk import Desk
from services.access_log import access_log
from services.api.access import Body, rules_for
from services.api.batch import batch_endpoints
from services.api.body import BodyLimit
from services.api.canary import canary_routes
from services.api.cors import allow_origins
from services.api.docs import TITLE, docs_routes, program_version
from services.api.endpoint import Endpoint
from services.api.explain import explain_endpoints, explain_routes
from services.api.front import Front
from services.api.guard import Guard
from services.api.health import health_routes
from services.api.hooks import hook_routes
from services.api.inference.infer import inference_endpoints
from services.api.inference.routes import inference_routes
from services.api.invocations import invocation_endpoints, invocation_routes
from services.api.jobs import job_routes
from services.api.models import models_routes
from services.api.outcomes import outcome_routes
from services.api.performance import performance_routes
from services.api.predict import predict_endpoints
from services.api.problems import install_problems
from services.api.shadow import shadow_routes
from services.api.tokens import token_routes
from services.settings import ServiceSettings
from services.tracing import traced
from services.worker import Worker


def create_app(worker: Worker, *, owns_worker: bool) -> ASGIApp:
    """Return the application around a worker.

    Args:
        worker: what answers.
        owns_worker: open and close the worker with the application; False: somebody else does.
    """
    desk = Desk(worker.settings, worker.stores)
    app = FastAPI(
        title=TITLE,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(worker, desk, owns_worker=owns_worker),
    )
    app.state.desk = desk
    install_problems(app)
    endpoints, routers = _endpoints(worker), (*_routers(worker), token_routes(desk))
    for each in endpoints:
        app.add_route(each.path, cast("Any", each.answer), methods=[each.method])  # ASGI applications are endpoints
    for router in (*routers, docs_routes(worker, endpoints, routers)):
        app.router.routes.extend(router.routes)  # not included: an included router hides its routes from the rules
    shortcuts = {(each.method, each.path): cast("ASGIApp", each.answer) for each in endpoints if each.is_hot}
    front = Front(
        app,
        worker.door,
        rules=rules_for(app.routes),
        shortcuts=shortcuts,
        admit=Guard(desk).admit,
        body_limits=_body_limits(worker.settings),
    )
    front.load = worker.load
    front.access_log = access_log(worker.door, worker.settings)
    return allow_origins(traced(front, worker.door), worker.settings.allowed_origins)


def _endpoints(worker: Worker) -> tuple[Endpoint, ...]:
    """Routes whose body is validated by the live contract, so that FastAPI has nothing to add but time."""
    return (
        *predict_endpoints(worker),
        *batch_endpoints(worker),
        *explain_endpoints(worker),
        *inference_endpoints(worker),
        *invocation_endpoints(worker),
    )


def _routers(worker: Worker) -> tuple[APIRouter, ...]:
    """Routes with models of their own."""
    return (
        health_routes(worker),
        explain_routes(worker),
        inference_routes(worker, version=program_version()),
        invocation_routes(worker),
        models_routes(worker),
        performance_routes(worker),
        job_routes(worker),
        outcome_routes(worker),
        shadow_routes(worker),
        canary_routes(worker),
        hook_routes(worker),
    )


def _body_limits(settings: ServiceSettings) -> dict[Body, BodyLimit]:
    return {
        "one": BodyLimit(settings.body_bytes, settings.body_seconds),
        "batch": BodyLimit(settings.batch_bytes, settings.batch_seconds),
        "upload": BodyLimit(settings.upload_bytes),
    }


def _lifespan(
    worker: Worker, desk: Desk, *, owns_worker: bool
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def opened(_: FastAPI) -> AsyncIterator[None]:
        if owns_worker:
            worker.open()
        yield
        await desk.close()
        if owns_worker:
            worker.close()

    return opened
