"""Movers that start at one moment: children of a process that has imported what is slow, one for each errand."""

import os
import sys
import time
from importlib import import_module
from multiprocessing import Pipe

from pydantic import BaseModel, TypeAdapter

from churn.errors import ConflictError, StoreError
from churn.settings import set_library_defaults


class Errand(BaseModel, frozen=True):
    """One move of a race."""

    at: float
    """When it begins; seconds since 1970."""

    version: int | None
    """To promote, whatever the gate says; None: roll back."""

    expected: int
    """In production when the race was decided upon."""


ERRANDS = TypeAdapter(tuple[Errand, ...])
ANSWERS = TypeAdapter(tuple[str, ...])


def main() -> None:
    """Read races from standard input, one a line; answer each with what each mover was told."""
    set_library_defaults()
    for name in ("pipelines.promote", "pipelines.gate", "pipelines.tracking", "mlflow.artifacts"):
        import_module(name)
    import_module("mlflow.store.tracking.sqlalchemy_store")
    say(b'["ready"]')
    for line in sys.stdin:
        races = [_started(errand) for errand in ERRANDS.validate_json(line)]
        say(ANSWERS.dump_json(tuple(_answer(*race) for race in races)))


def _started(errand: Errand) -> tuple[int, object]:
    """Fork a child that does one errand, and return how to hear of it."""
    ours, theirs = Pipe(duplex=False)
    if child := os.fork():
        theirs.close()
        return child, ours
    try:
        theirs.send_bytes(_moved(errand).encode())
    except BaseException:  # noqa: BLE001  a child must not go on in its parent's loop
        import traceback

        traceback.print_exc()
    os._exit(0)


def _answer(child: int, ours: object) -> str:
    try:
        return str(ours.recv_bytes().decode())  # type: ignore[attr-defined]
    except EOFError:
        return "died"
    finally:
        os.waitpid(child, 0)


def _moved(errand: Errand) -> str:
    from churn.evaluation.gate import Gate
    from pipelines.moves import Order
    from pipelines.parameters import read_parameters
    from pipelines.promote import promote, rollback
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings, gate = PipelineSettings(), read_parameters("gate", Gate)
    open_tracking(settings)
    order = Order(f"process {os.getpid()}", "a race", is_override=True, expected=errand.expected)
    time.sleep(max(0.0, errand.at - time.time()))
    try:
        if errand.version is None:
            return f"won {rollback(order, settings=settings).version}"
        return f"won {promote(errand.version, order, gate, settings=settings).version}"
    except ConflictError:
        return "conflict"
    except StoreError as error:
        return f"failed: {' '.join(str(error).split())}"


def say(text: bytes) -> None:
    sys.stdout.write(f"{text.decode()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
