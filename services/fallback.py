"""The fallback: the same application alone under uvicorn, for the time when BentoML is away."""

import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import multiprocess

from churn.settings import set_library_defaults
from services.api.app import create_app
from services.logs import configure_logs
from services.settings import Door, ServiceSettings
from services.wire import WIRE
from services.worker import Worker

DOOR: Door = "fastapi"
PATIENCE_SECONDS = 60
"""A worker that starts on a busy machine is not dead: killing it would make it slower."""


class PromptProcess(multiprocess.Process):
    """A worker whose death ends the wait for its answer: one that dies while it is asked was missed for a minute."""

    def start(self) -> None:
        """Start the worker, and keep only our end of the line to it."""
        super().start()
        self.child_conn.close()


def create() -> ASGIApp:
    """Return one worker's application; uvicorn calls it in each worker process."""
    set_library_defaults()
    settings = ServiceSettings()
    worker = Worker(DOOR, settings)
    configure_logs(DOOR, settings.log_format, version=lambda: worker.live.version)
    return create_app(worker, owns_worker=True)


def serve(settings: ServiceSettings, *, host: str, port: int) -> None:
    """Serve until SIGTERM; a worker that dies is replaced, also when it is the only one."""
    configure_logs(DOOR, settings.log_format)
    config = uvicorn.Config(
        "services.fallback:create",
        factory=True,
        host=host,
        port=port,
        workers=settings.workers,
        log_config=None,
        log_level="warning",
        timeout_graceful_shutdown=settings.drain_seconds,
        timeout_worker_healthcheck=PATIENCE_SECONDS,
        **WIRE,
    )
    listening: socket.socket = config.bind_socket()
    setattr(multiprocess, "Process", PromptProcess)  # noqa: B010  uvicorn has no setting for it, and mypy no word
    multiprocess.Multiprocess(config, sockets=[listening]).run()
