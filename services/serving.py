"""Serving: what `churn serve` does before and around a door."""

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import orjson

from churn.errors import UsageError
from churn.stores.file_locks import exclusive, share
from services.attendance import Attendance
from services.settings import Door, ServiceSettings, prepare_serving, run_lock

MEMORY_DISK = Path("/dev/shm")  # noqa: S108  a full disk kills processes whose metrics are mapped files on it
RUN_PREFIX = "holdfast-"
READY_SECONDS = 120.0
EMPTY_SECONDS = 15.0
"""A door that is open for so long without a model waits for somebody to make one."""

Say = Callable[[str], None]


def serve(door: Door, settings: ServiceSettings, *, port: int, say: Say) -> None:
    """Serve at a door until SIGTERM.

    Args:
        door: which.
        settings: with the host and the number of workers.
        port: where.
        say: is told once when the door is open.

    Raises:
        UsageError: the port is taken.
    """
    require_free(settings.host, port)
    with _run_folder(door) as folder:
        prepare_serving(settings, run_folder=folder)
        # The attendant takes seconds to start, the door too: side by side. Workers start the next one if this one dies.
        attendance = Attendance(settings)
        attendance.look()
        threading.Thread(target=_announce, args=(settings.host, port, say), daemon=True).start()
        if door == "bento":
            from services import bento  # noqa: PLC0415  takes seconds, and not needed for the other door

            bento.serve(settings, host=settings.host, port=port)
        else:
            from services import fallback  # noqa: PLC0415

            fallback.serve(settings, host=settings.host, port=port)


def require_free(host: str, port: int) -> None:
    """Make sure that a port can be listened on.

    Raises:
        UsageError: it can't.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"can't listen on {host}:{port}: {error.strerror}. Stop what uses it, or choose another with --port"
            ) from error


@contextmanager
def _run_folder(door: Door) -> Iterator[Path]:
    parent = MEMORY_DISK if MEMORY_DISK.is_dir() else Path(tempfile.gettempdir())
    remove_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{RUN_PREFIX}{door}-", dir=parent))
    share(run_lock(folder))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(parent: Path) -> None:
    """Remove the run folders of doors that were killed, once their last worker is gone too."""
    for folder in parent.glob(f"{RUN_PREFIX}*"):
        with suppress(OSError), exclusive(run_lock(folder)) as is_abandoned:
            if is_abandoned:
                shutil.rmtree(folder, ignore_errors=True)


def _announce(host: str, port: int, say: Say) -> None:
    """Wait until the door answers, and say what it serves."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  only compared
    deadline, empty_since = time.monotonic() + READY_SECONDS, None
    while (now := time.monotonic()) < deadline:
        health = _health(shown, port)
        if health is not None:
            empty_since = empty_since or now
            if health.get("model") or now - empty_since > EMPTY_SECONDS:
                say(_sentence(health, f"http://{shown}:{port}"))
                return
        time.sleep(0.2)


def _health(host: str, port: int) -> dict[str, object] | None:
    connection = HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/api/v1/health")
        answer = connection.getresponse()
        found: dict[str, object] = orjson.loads(answer.read())
    except (OSError, HTTPException, orjson.JSONDecodeError):
        return None
    finally:
        connection.close()
    return found if answer.status == 200 else None


def _sentence(health: dict[str, object], url: str) -> str:
    model = health.get("model")
    if isinstance(model, dict):
        return f"serving {model['name']} version {model['version']} at {url}/predict, docs at {url}/docs"
    return f"open at {url}, with no model in production yet: `churn ring` makes one, and it is taken up by itself"
