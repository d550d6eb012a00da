"""Hooks: MLflow tells of a version that is wanted in production, and Jenkins is started."""

import logging

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr
from starlette.exceptions import HTTPException

from churn.errors import NotFoundError
from services.api.job_answers import refusals
from services.hooks.deliveries import Deliveries
from services.hooks.events import Event, version_to_release
from services.hooks.jenkins import jenkins_of
from services.hooks.signature import Delivery, NotSignedError
from services.worker import Worker

log = logging.getLogger(__name__)

PATH = "/api/v1/hooks/mlflow"
REFUSALS = refusals(400, 401, 404, 409, 413, 422, 429, 503)


class HookOut(BaseModel):
    """What came of an event."""

    started: bool = Field(description="A release was started at Jenkins.")
    version: int | None = Field(description="The version that is to be released; null when the event asks for none.")
    queue: str = Field(default="", description="Where Jenkins tells of the build.")


def hook_routes(worker: Worker) -> APIRouter:
    """Return the route that takes events of MLflow."""
    router = APIRouter(tags=["models"])
    receiver = Receiver(worker)

    @router.post(PATH, status_code=202, response_model=HookOut, responses={200: {"model": HookOut}, **REFUSALS})
    async def mlflow_hook(request: Request, response: Response) -> HookOut:
        """Take an event of MLflow's registry, signed with CHURN_WEBHOOK_SECRET.

        202: a release was started at Jenkins; 200: the event asks for none.
        """
        body = await request.body()
        found = await anyio.to_thread.run_sync(receiver.receive, request, body)
        response.status_code = 202 if found.started else 200
        return found

    return router


class Receiver:
    """Takes deliveries: believes those that are signed, and acts on each once."""

    def __init__(self, worker: Worker) -> None:
        self._settings = worker.settings
        self._taken = Deliveries(worker.settings.hook_folder)

    def receive(self, request: Request, body: bytes) -> HookOut:
        """Check a delivery, and start what it asks for.

        Raises:
            NotFoundError: this door takes no hooks.
            HTTPException: 401, the delivery is not to be believed.
            ConflictError: it was taken before.
            StoreError: Jenkins does not answer; the delivery may come again.
        """
        delivery = _believed(request, body, self._settings.webhook_secret)
        event = Event.model_validate_json(body)
        version = version_to_release(event, self._settings)
        if version is None:
            return HookOut(started=False, version=None)
        return self._start(delivery, event, version)

    def _start(self, delivery: Delivery, event: Event, version: int) -> HookOut:
        jenkins = jenkins_of(self._settings)
        self._taken.take(delivery.id)
        try:
            queue = jenkins.start(version, f"MLflow: {event.words} {event.data.alias}".strip())
        except BaseException:
            self._taken.give_back(delivery.id)
            raise
        log.info("release started", extra={"version": version, "event": event.words, "queue": queue})
        return HookOut(started=True, version=version, queue=queue)


def _believed(request: Request, body: bytes, secret: SecretStr | None) -> Delivery:
    if secret is None:
        raise NotFoundError("this door takes no hooks: set CHURN_WEBHOOK_SECRET to the secret of MLflow's webhook")
    try:
        delivery = Delivery.of(request.headers)
        delivery.require(secret.get_secret_value(), body)
    except NotSignedError as error:
        raise HTTPException(401, str(error)) from error
    return delivery
