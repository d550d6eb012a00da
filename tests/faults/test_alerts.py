"""Each alert's fault, made at real doors: a real Alertmanager tells of it, and tells that it is over (T21)."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, func, select, update

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.errors import StoreError
from churn.scoring.prediction import utc_now
from churn.settings import Settings, environment_for_children
from churn.stores.database import open_migrated
from churn.stores.jobs import JobStore
from churn.stores.orders import Claimant, NewJob
from churn.stores.performance import DEGRADED, NOT_DEGRADED, PerformanceRun, PerformanceStore
from churn.stores.predictions import PredictionStore
from churn.stores.promotions import Ending, Move, PromotionLog
from churn.stores.releases import NewRelease, ReleaseStore
from churn.stores.stage_runs import StageRunLog, noted
from churn.stores.tables import predictions
from cli.pulse import pulse
from monitoring.rules import alerts, read_rules
from pipelines.record import verify
from tests.bundles import random_columns
from tests.faults.conftest import Logged, Shop, home_of, shop_of, small_disk
from tests.faults.doors import ROOT, START_SECONDS, Home, OpenDoor, wait_until
from tests.faults.receiver import Receiver
from tests.faults.scores import customers
from tests.faults.tally import tell
from tests.faults.watch import Watch
from tests.monitoring.homes import predictions_of
from tests.monitoring.programs import churn
from tests.postgres import Postgres, free_port, postgres

__all__ = ["postgres"]

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 180.0
STAGES = ("drift", "performance", "retrain")
AVAILABILITY = ("ChurnAvailabilityBurnsFast", "ChurnAvailabilityBurns", "ChurnAvailabilityBurnsSlowly")
LATENCY = ("ChurnLatencyBurnsFast", "ChurnLatencyBurns", "ChurnLatencyBurnsSlowly")
NOT_MADE = {"ChurnShadowFailing", "ChurnCanaryFailing"}
"""No bundles at hand that fail on live customers alone; promtool tests are all that these have. What the second counts
is counted at real doors in test_canary.py."""

SLOW_SECONDS = 0.8
NEIGHBOURS = {name: f"127.0.0.1:{free_port()}" for name in ("front", "worker")}
"""Whom the exporter asks for a word."""


@dataclass
class Scene:
    """Two homes, their stores, the eyes over them, and what was seen of each alert.

    Attributes:
        seen: seconds from the beginning of a fault until somebody was told of it, by alert.
        began: when the fault was begun, by alert; seconds of the monotonic clock.
        again: an alert's name for each episode beyond the first while its fault lasted, with the same labels.
    """

    receiver: Receiver
    watch: Watch
    engine: Engine
    shop: Shop
    contract: Contract
    homes: tuple[Home, Home]
    stack: ExitStack
    seen: dict[str, float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)

    @contextmanager
    def fault(self, *names: str) -> Iterator[None]:
        """See each alert arrive after the block has made its fault; what mends it comes after the block."""
        began = time.monotonic()
        yield
        for name in names:
            self.wait(lambda: self.receiver.told_since(name, began), f"{name} fires")  # noqa: B023
            self.seen[name] = min(at for at in self.receiver.fired[name].values() if at >= began) - began
            self.began[name] = began

    def over(self, *names: str) -> None:
        """See that none of the alerts fires any longer, and count those that came more than once."""
        for name in names:
            self.wait(lambda: not self.receiver.is_firing(name), f"{name} ends")  # noqa: B023
            told = [who for who, _ in self.receiver.told_since(name, self.began[name])]
            self.again += [name] * (len(told) - len(set(told)))

    def wait(self, is_so: Callable[[], object], what: str) -> None:
        wait_until(is_so, what, seconds=PATIENCE_SECONDS)

    def promote(self, which: str) -> None:
        """Move production, and note it as our own moves are."""
        version = self.shop.promote(which)
        PromotionLog(self.engine).note(Move(self.shop.name, "promote", None, version, "test"), reason="a test")

    def open_door(self, kind: str, home: Home, *, workers: int = 1) -> OpenDoor:
        door = OpenDoor(kind, home, workers, self.watch.doors[f"churn-{kind}"])
        self.stack.callback(lambda: door.process.poll() is not None or door.kill())
        return door


@pytest.fixture
def scene(logged: Logged, telco: Contract, postgres: Postgres, tmp_path: Path) -> Iterator[Scene]:
    """Two homes, the second with little room and no attendant of its own; nothing is open yet."""
    shop, database = shop_of(logged), postgres.create(f"alerts{time.monotonic_ns()}")
    homes = (home_of(shop, logged, tmp_path / "roomy"), home_of(shop, logged, tmp_path / "small"))
    for home in homes:
        home.environment.update(CHURN_DATABASE_URL=database, CHURN_EMBEDDED_JOBS="false")
    homes[1].environment.update(CHURN_MAX_IN_FLIGHT="4", CHURN_ATTENDED="false")
    engine = open_migrated(database)
    environment = {
        **homes[0].environment, "CHURN_HOME": str(homes[0].folder),
        "CHURN_NEIGHBOURS": ",".join(f"{name}=http://{place}/metrics" for name, place in NEIGHBOURS.items()),
    }  # fmt: skip
    ports = {"churn-bento": free_port(), "churn-fastapi": free_port()}
    with Receiver() as receiver, ExitStack() as stack:
        watch = Watch(tmp_path / "eyes", environment, ports, receiver)
        stack.enter_context(small_disk(homes[1].folder / "spool", "256k"))
        yield Scene(receiver, watch, engine, shop, telco, homes, stack)
    engine.dispose()


def test_every_fault_is_told_of_and_its_end_too(scene: Scene, postgres: Postgres) -> None:
    with scene.fault("ChurnWatchdog", "ChurnNoDoor", "ChurnDoorDown", "ChurnNoProductionVersion", "ChurnStageNeverRan",
                     "ChurnFrontDown", "ChurnNeighbourDown"):  # fmt: skip
        eyes = {name: scene.watch.start(scene.stack, name) for name in ("alertmanager", "prometheus", "exporter")}
    for place in NEIGHBOURS.values():
        scene.stack.enter_context(pulse(place))
    scene.over("ChurnFrontDown", "ChurnNeighbourDown")
    bento, fallback, attendant = _doors_without_a_model(scene)
    _promoted(scene, bento, fallback)
    with scene.fault("ChurnDriftUnknown"):  # it takes longest
        _look_for_drift(scene, random_columns(scene.contract, 20, seed=2))
        _bad_customers(scene, bento)
        _slow_customers_at_the_fallback(scene, fallback)
        _unhappy_jobs_and_promotions(scene)
    _a_record_that_was_changed(scene)
    _drifted_customers(scene)
    _a_home_that_does_not_follow(scene, fallback, attendant)
    _a_bundle_that_does_not_hold(scene)
    _moves_that_nobody_noted_or_ended(scene)
    _a_database_that_is_away(scene, postgres, bento, fallback)
    _a_registry_that_is_away(scene)
    _eyes_that_are_away(scene, eyes)

    assert set(scene.seen) == set(alerts(read_rules())) - NOT_MADE
    print("told again:", scene.again)  # noqa: T201  pytest shows it with -rP
    tell("T21", f"alerts whose fault was made, seen to arrive and to end, time {scene.watch.factor} times faster",
         faults=len(scene.seen), told_again=len(scene.again),
         slowest_seconds=round(max(scene.seen.values()), 1))  # fmt: skip


def _doors_without_a_model(scene: Scene) -> tuple[OpenDoor, OpenDoor, "subprocess.Popen[bytes]"]:
    with scene.fault("ChurnDoorWithoutModel", *AVAILABILITY):
        bento, fallback = (
            scene.open_door("bento", scene.homes[0]),
            scene.open_door("fastapi", scene.homes[1], workers=2),
        )
        attendant = _attend(scene)
        for door in (bento, fallback):
            wait_until(lambda: _answers(door), f"{door.kind} answers", seconds=2 * START_SECONDS)  # noqa: B023
        scene.over("ChurnNoDoor", "ChurnDoorDown")
        with _again_and_again(lambda: bento.predict(scene.contract.example)):
            scene.wait(lambda: all(scene.receiver.is_firing(name) for name in AVAILABILITY), "failures are told of")
    return bento, fallback, attendant


def _promoted(scene: Scene, *doors: OpenDoor) -> None:
    for stage in STAGES:
        with noted(StageRunLog(scene.engine), scene.shop.name, stage):
            pass
    with scene.fault("ChurnStageStale"):
        scene.promote("first")
        for door in doors:
            wait_until(door.is_ready, f"{door.kind} is ready", seconds=PATIENCE_SECONDS)
        scene.over("ChurnNoProductionVersion", "ChurnStageNeverRan", "ChurnDoorWithoutModel", *AVAILABILITY)


def _bad_customers(scene: Scene, bento: OpenDoor) -> None:
    names = ("ChurnMissingValues", "ChurnUnknownValues", "ChurnRowsRejected", "ChurnRequestsRejected")
    rows = customers(scene.contract, 150)
    incomplete = [{name: row[name] for name in scene.contract.required_columns if name in row} for row in rows]
    strange = [{**row, "PaymentMethod": "pigeon"} for row in rows]
    broken = [{**row, "tenure": "long"} for row in rows]

    def send() -> None:
        _batch(bento, [*incomplete, *strange, *broken])
        bento.predict(broken[0])

    with scene.fault(*names), _again_and_again(send, pause=0.3):
        scene.wait(lambda: all(scene.receiver.is_firing(name) for name in names), "bad customers are told of")
    scene.over(*names)


def _slow_customers_at_the_fallback(scene: Scene, fallback: OpenDoor) -> None:
    names = (*LATENCY, "ChurnDoorSlow", "ChurnDoorFull", "ChurnFallbackInUse")
    body = json.dumps(scene.contract.example).encode()
    with scene.fault(*names), ExitStack() as stack:
        for _ in range(8):  # as many as both workers may have in hand
            stack.enter_context(_again_and_again(lambda: _send_slowly(fallback.port, body)))
        scene.wait(lambda: all(scene.receiver.is_firing(name) for name in names), "slow customers are told of")
    scene.over(*names)


def _unhappy_jobs_and_promotions(scene: Scene) -> None:
    log, moves, jobs = StageRunLog(scene.engine), PromotionLog(scene.engine), JobStore(scene.engine)
    performance, releases = PerformanceStore(scene.engine), ReleaseStore(scene.engine)
    endings: tuple[Ending, ...] = ("failed", "refused")
    with scene.fault("ChurnStageFailing", "ChurnPromotionFailed", "ChurnPromotionRefused", "ChurnJobsWait",
                     "ChurnJobFailed", "ChurnPerformanceDegraded", "ChurnReleaseStopped"):  # fmt: skip
        release = releases.begin(NewRelease(scene.shop.name, 2, "canary-1", "{}", "test", "the test wants it"))
        releases.end(release.id, "stopped", "it failed")
        with contextlib.suppress(StoreError), noted(log, scene.shop.name, "drift"):
            raise StoreError("the store was away")
        for ending in endings:
            moves.finish(moves.prepare(Move(scene.shop.name, "promote", 1, 2, "test"), reason=""), ending)
        for kind in ("first", "second"):
            jobs.add(NewJob(job_id=kind, kind="score", model_name=scene.shop.name, actor="test", parameters={}))
        taken = jobs.claim(Claimant("test", scene.shop.name, "here"))
        assert taken is not None
        jobs.fail(taken, "nobody could read it")
        performance.add(_performance(scene, DEGRADED), [])
    taken = jobs.claim(Claimant("test", scene.shop.name, "here"))
    assert taken is not None
    jobs.finish(taken, result={}, words="done")
    performance.add(_performance(scene, NOT_DEGRADED), [])
    for stage in STAGES:
        with noted(log, scene.shop.name, stage):
            pass
    scene.over("ChurnStageFailing", "ChurnStageStale", "ChurnPromotionFailed", "ChurnPromotionRefused", "ChurnJobsWait",
               "ChurnJobFailed", "ChurnPerformanceDegraded", "ChurnReleaseStopped")  # fmt: skip


def _a_record_that_was_changed(scene: Scene) -> None:
    """Half as likely, and twice of that again, is what it was."""
    settings = Settings(model=scene.shop.name, database=scene.homes[0].environment["CHURN_DATABASE_URL"])
    one = select(func.min(predictions.c.prediction_id)).scalar_subquery()
    change = update(predictions).where(predictions.c.prediction_id == one)
    with scene.fault("ChurnLogBroken"):
        with scene.engine.begin() as connection:
            connection.execute(change.values(probability=predictions.c.probability / 2))
        assert not verify(settings=settings).is_sound
    with scene.engine.begin() as connection:
        connection.execute(change.values(probability=predictions.c.probability * 2))
    assert verify(settings=settings).is_sound
    scene.over("ChurnLogBroken")


def _drifted_customers(scene: Scene) -> None:
    with scene.fault("ChurnDrift", "ChurnColumnDrift", "ChurnPredictionDrift", "ChurnRowsUnreadable"):
        live = random_columns(scene.contract, 600, seed=1)
        live["MonthlyCharges"] = live["MonthlyCharges"] * np.float32(3)
        for name in (
            "Contract",
            "InternetService",
            "PaymentMethod",
            "OnlineSecurity",
            "TechSupport",
            "PaperlessBilling",
        ):
            live[name][:] = scene.contract.columns[name].categories[0]
        live["tenure"][:] = 1
        _look_for_drift(scene, live, unreadable=60)
    scene.over("ChurnDriftUnknown")
    _look_for_drift(scene, random_columns(scene.contract, 600, seed=3))
    scene.over("ChurnDrift", "ChurnColumnDrift", "ChurnPredictionDrift", "ChurnRowsUnreadable")


def _look_for_drift(scene: Scene, columns: Columns, *, unreadable: int = 0) -> None:
    """Record customers as the doors do, and run the drift job over them alone."""
    since = utc_now()
    _record(scene, columns, unreadable=unreadable)
    eyes, command = scene.watch, churn("drift", "--since", since)
    environment = environment_for_children(**eyes.environment)
    subprocess.run(
        command, cwd=eyes.folder, env=environment, check=False, capture_output=True, timeout=PATIENCE_SECONDS
    )


def _a_home_that_does_not_follow(scene: Scene, fallback: OpenDoor, attendant: "subprocess.Popen[bytes]") -> None:
    with scene.fault("ChurnAttendantDown", "ChurnVersionsDiverge", "ChurnWorkerStale"):
        _end(attendant)
        scene.promote("second")
    _attend(scene)
    scene.over("ChurnAttendantDown", "ChurnVersionsDiverge", "ChurnWorkerStale")
    assert fallback.is_ready()


def _a_bundle_that_does_not_hold(scene: Scene) -> None:
    with scene.fault("ChurnBundleRefused"):
        scene.promote("bad")
    scene.promote("first")
    scene.over("ChurnBundleRefused")


def _moves_that_nobody_noted_or_ended(scene: Scene) -> None:
    log, name = PromotionLog(scene.engine), scene.shop.name
    with scene.fault("ChurnAliasMovedOutside"):
        version = scene.shop.promote("second")
    log.note(Move(name, "foreign", None, version, "somebody outside"), reason="seen")
    scene.over("ChurnAliasMovedOutside")
    with scene.fault("ChurnMoveUnfinished"):
        move_id = log.prepare(Move(name, "give", None, version, "test", alias="staging"), reason="")
    log.finish(move_id, "failed", reason="its process died")
    scene.over("ChurnMoveUnfinished")


def _a_database_that_is_away(scene: Scene, postgres: Postgres, bento: OpenDoor, fallback: OpenDoor) -> None:
    rows = customers(scene.contract, 400)
    with scene.fault("ChurnStoreDown", "ChurnRecorderBacklogGrows", "ChurnRecorderBacklogOld", "ChurnRecorderInMemory"):
        postgres.stop()
        for _ in range(3):
            _batch(bento, rows)
            _batch(fallback, rows)
        with _again_and_again(lambda: _batch(bento, rows[:20]), pause=0.2):
            scene.wait(lambda: scene.receiver.is_firing("ChurnRecorderBacklogGrows"), "the backlog is told of")
    with scene.fault("ChurnPredictionsLost"):
        for worker in fallback.worker_processes():  # one after the other: the door stays open
            worker.terminate()
            worker.wait(timeout=60)
            scene.wait(lambda: len(fallback.worker_processes()) == 2 and fallback.is_ready(), "another took its place")
    postgres.start()
    scene.over("ChurnStoreDown", "ChurnRecorderBacklogGrows", "ChurnRecorderBacklogOld", "ChurnRecorderInMemory",
               "ChurnPredictionsLost")  # fmt: skip


def _a_registry_that_is_away(scene: Scene) -> None:
    file = Path(scene.shop.uri.removeprefix("sqlite:///"))
    away = file.with_suffix(".away")
    with scene.fault("ChurnRegistryDown"):
        shutil.move(file, away)
    away.replace(file)
    scene.over("ChurnRegistryDown")


def _eyes_that_are_away(scene: Scene, eyes: dict[str, ExitStack]) -> None:
    with scene.fault("ChurnExporterDown"):
        eyes["exporter"].close()
    eyes["exporter"] = scene.watch.start(scene.stack, "exporter")
    scene.over("ChurnExporterDown")
    began = time.monotonic()
    eyes["alertmanager"].close()
    scene.wait(lambda: "ChurnAlertmanagerDown" in scene.watch.firing(), "Prometheus knows of it")  # nobody can be told
    scene.seen["ChurnAlertmanagerDown"] = time.monotonic() - began
    scene.watch.start(scene.stack, "alertmanager")
    scene.wait(lambda: "ChurnAlertmanagerDown" not in scene.watch.firing(), "Prometheus reaches it again")


def _attend(scene: Scene) -> "subprocess.Popen[bytes]":
    """Run the second home's attendant, as an installation with `CHURN_ATTENDED=false` does."""
    home = scene.homes[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "services.attendant"], stdin=subprocess.PIPE, cwd=ROOT,
        env=environment_for_children(**home.environment, CHURN_HOME=str(home.folder)),
    )  # fmt: skip
    scene.stack.callback(_end, process)
    return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.communicate(timeout=30)


def _answers(door: OpenDoor) -> bool:
    try:
        return door.ask("GET", "/livez")[0] == 200
    except OSError:
        return False


@contextmanager
def _again_and_again(send: Callable[[], object], *, pause: float = 0.05) -> Iterator[None]:
    """Do something from a thread of its own while the block runs."""
    stopping = threading.Event()

    def repeat() -> None:
        while not stopping.wait(pause):
            with contextlib.suppress(OSError, ValueError):
                send()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    yield
    stopping.set()
    thread.join()


def _batch(door: OpenDoor, rows: list[dict[str, Any]]) -> None:
    body = json.dumps({"customers": rows}).encode()
    status, said = door.ask("POST", "/api/v1/batch_predict", body, {"content-type": "application/json"}, wait=30)
    assert status == 200, said[:300]


def _send_slowly(port: int, body: bytes) -> None:
    """Send a customer whose second half comes late."""
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(head.encode() + body[:20])
        time.sleep(SLOW_SECONDS)
        wire.sendall(body[20:])
        wire.recv(65536)


def _record(scene: Scene, columns: Columns, *, unreadable: int = 0) -> None:
    """Do what the doors do; the first ones as if their contract had been another."""
    made = [
        replace(
            each, model_name=scene.shop.name, prediction_id=f"{time.monotonic_ns()}-{number}", predicted_at=utc_now()
        )
        for number, each in enumerate(predictions_of(scene.shop.folders["first"], columns))
    ]
    broken = [replace(each, inputs={**each.inputs, "tenure": "long"}) for each in made[:unreadable]]
    PredictionStore(scene.engine).add([*broken, *made[unreadable:]])


def _performance(scene: Scene, status: str) -> PerformanceRun:
    now = utc_now()
    return PerformanceRun(
        model_name=scene.shop.name, model_version=1, at=now, window_start=now, window_end=now, predictions=900,
        labelled=900, unknown=0, waiting=0, contradicted=0, status=status, words="", report="",
    )  # fmt: skip
