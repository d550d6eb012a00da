"""Does what must survive kill -9, in children that die before or after the n-th call of a named function.

It imports what is slow once; each line of standard input is an errand for a child of its own, and each line of the
answer is how that child ended.
"""

import csv
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from churn.settings import set_library_defaults

CHUNK_ROWS = 150
CUSTOMERS = 500
RECORDS = 40
SEGMENT_BYTES = 4096
"""Some segments, some chunks: so that calls have a second and a last one."""

ACKNOWLEDGED = "acknowledged"
JOB_ID = f"{7:032x}"


class Errand(BaseModel, frozen=True):
    """What a child does, and where it dies; never, without a function."""

    work: str
    home: Path
    model: str = "churn"
    tracking: str = ""
    function: str = ""
    """`module:name`, or `module:Class.name`."""

    is_after: bool = False
    call: int = 1


def main() -> None:
    """Read errands, one a line; answer each with the child's exit code, or minus the signal that ended it."""
    set_library_defaults()
    import_what_is_slow()
    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(Errand.model_validate_json(line))
        say(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def import_what_is_slow() -> None:
    for name in ("churn.stores.predictions", "churn.stores.relay", "pipelines.reconcile", "pipelines.score"):
        import_module(name)
    for name in ("pipelines.work", "services.mirror", "mlflow.artifacts", "mlflow.store.tracking.sqlalchemy_store"):
        import_module(name)


def run(errand: Errand) -> None:
    """Do it, and end this process in any case."""
    try:
        if errand.function:
            die_at(errand)
        WORKS[errand.work](errand)
    except BaseException:  # noqa: BLE001  a child must not go on in its parent's loop
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def die_at(errand: Errand) -> None:
    """Wrap the named function, wherever the real code calls it."""
    module, _, path = errand.function.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, name, dying(getattr(owner, name), errand))


def dying(function: Callable[..., Any], errand: Errand) -> Callable[..., Any]:
    calls = 0

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        is_now = calls == errand.call
        if is_now and not errand.is_after:
            die()
        try:
            return function(*args, **kwargs)
        finally:
            if is_now:
                die()

    return wrapped


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def record(errand: Errand) -> None:
    """A worker: spools predictions, and tells a client of each that it was recorded."""
    from churn.stores.spool import SpoolLimits, SpoolWriter
    from tests.churn.stores.records import prediction

    limits = SpoolLimits(segment_bytes=SEGMENT_BYTES, sync_seconds=3600)
    client = os.open(errand.home / ACKNOWLEDGED, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with SpoolWriter(errand.home / "spool", "door", limits) as spool:
        for number in range(RECORDS):
            if spool.append(prediction(number).to_json()):
                os.writev(client, [f"p-{number}\n".encode()])
            if number % 10 == 9:
                spool.tend()


def relay(errand: Errand) -> None:
    """The attendant's courier."""
    from churn.stores.database import open_migrated
    from churn.stores.predictions import PredictionStore
    from churn.stores.relay import Relay

    engine = open_migrated(f"sqlite:///{errand.home / 'churn.db'}")
    Relay(errand.home / "spool", PredictionStore(engine)).run_once()


def mirror(errand: Errand) -> None:
    """The attendant's look at the registry."""
    from services.mirror import Mirror
    from services.settings import ServiceSettings

    found = Mirror(ServiceSettings(home=errand.home, model=errand.model, tracking=errand.tracking))
    found.sync()
    assert not found.problem, found.problem
    assert not found.quarantined, found.quarantined


def roll_back(errand: Errand) -> None:
    """`churn rollback`; one that finds nothing to go back to is told so, and that is an end too."""
    from churn.errors import NotFoundError
    from pipelines.moves import Order
    from pipelines.promote import rollback

    try:
        rollback(Order("a test", "it crashes"), settings=settings_of(errand))
    except NotFoundError as error:
        sys.stderr.write(f"{error}\n")


def promote_newest(errand: Errand) -> None:
    """`churn promote --override`: the gate is asked, and has nothing to judge by."""
    from churn.evaluation.gate import Gate
    from pipelines.moves import Order
    from pipelines.parameters import read_parameters
    from pipelines.promote import promote
    from pipelines.tracking import open_tracking

    settings = settings_of(errand)
    open_tracking(settings)
    order = Order("a test", "it crashes", is_override=True)
    promote(None, order, read_parameters("gate", Gate), settings=settings)


def give_an_alias(errand: Errand) -> None:
    """`churn canary`: from the version that has the alias to the newest."""
    from churn.stores.registry import ModelRegistry
    from pipelines.moves import Order, give_alias

    settings = settings_of(errand)
    newest = ModelRegistry(settings.tracking_uri).versions(settings.model)[0]
    tags = {"canary_share": "0.1", "canary_salt": "salt"}
    give_alias("canary", newest.version, Order("a test", "it crashes"), settings=settings, tags=tags)


def take_an_alias(errand: Errand) -> None:
    """The end of a canary."""
    from pipelines.moves import Order, take_alias

    take_alias("canary", Order("a test", "it crashes"), settings=settings_of(errand))


def reconcile_all(errand: Errand) -> None:
    """`churn reconcile`, twice: the second time there is nothing to mend."""
    from pipelines.moves import Order
    from pipelines.reconcile import reconcile
    from pipelines.repairs import Wish

    wish = Wish(Order("a test", "after a crash"))
    reconcile(wish, settings=settings_of(errand))
    assert reconcile(wish, settings=settings_of(errand)) == []


def score_file(errand: Errand) -> None:
    """`churn score` into a file."""
    _score(errand, str(errand.home / "scores.csv"))


def score_table(errand: Errand) -> None:
    """`churn score` into a database."""
    _score(errand, f"sqlite:///{errand.home / 'scores.db'}")


def _score(errand: Errand, output: str) -> None:
    from pipelines import score_input
    from pipelines.score import score

    score_input.CHUNK_ROWS = CHUNK_ROWS
    source = errand.home / "customers.csv"
    score(source, output, version=None, settings=settings_of(errand), progress=lambda _: None)


def job(errand: Errand) -> None:
    """`churn work`: one job, whose work leaves a line each time that it is done."""
    from pipelines.jobs.task import Ending, Task
    from pipelines.work import Runner

    def do(task: Task) -> Ending:
        with (errand.home / "worked").open("a", encoding="utf-8") as file:
            file.write(f"{task.job.attempts}\n")
        return Ending("done", {"rows": 3})

    Runner(settings_of(errand), kinds={"score": do}).run_one()


def settings_of(errand: Errand) -> Any:
    from pipelines.settings import PipelineSettings

    facts = {"home": errand.home, "model": errand.model, "job_lease_seconds": 0.2}
    return PipelineSettings.model_validate(facts | ({"tracking": errand.tracking} if errand.tracking else {}))


def write_customers(path: Path) -> None:
    """Write some customers, some of them with a fault."""
    from churn.data.sampler import sample_telco

    columns = sample_telco(CUSTOMERS, seed=4)
    columns["tenure"][49::50] = ["-3"] * len(columns["tenure"][49::50])
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  that is how it answers


WORKS: dict[str, Callable[[Errand], None]] = {
    "record": record, "relay": relay, "mirror": mirror, "roll back": roll_back, "score a file": score_file,
    "score a table": score_table, "job": job, "promote": promote_newest, "give an alias": give_an_alias,
    "take an alias": take_an_alias, "reconcile": reconcile_all,
}  # fmt: skip

if __name__ == "__main__":
    main()
