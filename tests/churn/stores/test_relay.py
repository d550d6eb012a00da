import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from churn.errors import StoreError
from churn.scoring.prediction import Prediction
from churn.stores.backlog import backlog
from churn.stores.database import migrate, open_database, open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.relay import Relay, RelayReport
from churn.stores.segments import segments_in
from churn.stores.spool import SpoolLimits, SpoolWriter
from churn.stores.tables import predictions
from churn.stores.transactions import reading
from tests.churn.stores.databases import Server
from tests.churn.stores.log.logged import checked
from tests.churn.stores.records import prediction

QUIET = SpoolLimits(sync_seconds=3600.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def spool_some(folder: Path, numbers: Sequence[int]) -> None:
    with SpoolWriter(folder, "api", QUIET) as spool:
        for number in numbers:
            assert spool.append(prediction(number).to_json())


def ids_in(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.execute(select(predictions.c.prediction_id)).scalars())


def ids_of(numbers: Sequence[int]) -> list[str]:
    return sorted(f"p-{number}" for number in numbers)


def test_what_was_spooled_is_moved_and_its_segment_is_gone(engine: Engine, folder: Path) -> None:
    spool_some(folder, range(10))

    assert Relay(folder, PredictionStore(engine)).run_once() == RelayReport(moved=10)
    assert ids_in(engine) == ids_of(range(10))
    assert segments_in(folder) == []


def test_a_segment_that_is_still_written_is_moved_as_far_as_it_goes(engine: Engine, folder: Path) -> None:
    relay = Relay(folder, PredictionStore(engine))
    with SpoolWriter(folder, "api", QUIET) as spool:
        for numbers in (range(3), range(3, 5)):
            for number in numbers:
                spool.append(prediction(number).to_json())
            assert relay.run_once() == RelayReport(moved=len(numbers))
        assert len(segments_in(folder)) == 1

    assert relay.run_once() == RelayReport()
    assert segments_in(folder) == []
    assert ids_in(engine) == ids_of(range(5))


def test_a_new_relay_goes_on_where_the_last_one_stopped(engine: Engine, folder: Path) -> None:
    with SpoolWriter(folder, "api", QUIET) as spool:
        spool.append(prediction(1).to_json())
        Relay(folder, PredictionStore(engine)).run_once()
        assert backlog(folder).records == 0
        spool.append(prediction(2).to_json())
        assert backlog(folder).records == 1

        assert Relay(folder, PredictionStore(engine)).run_once() == RelayReport(moved=1)


def test_a_folder_that_is_not_there_is_no_work(engine: Engine, folder: Path) -> None:
    assert Relay(folder, PredictionStore(engine)).run_once() == RelayReport()


def test_the_torn_last_line_of_a_dead_writer_is_dropped_and_counted(engine: Engine, folder: Path) -> None:
    folder.mkdir()
    (folder / "api-1-1.jsonl").write_bytes(prediction(1).to_json() + b"\n" + prediction(2).to_json()[:50])

    assert Relay(folder, PredictionStore(engine)).run_once() == RelayReport(moved=1, torn=1)
    assert segments_in(folder) == []


BAD_LINES = [
    b"",
    b"no json",
    b"\xff\xfe",
    prediction(9, probability=7.0).to_json(),
    prediction(9).to_json().replace(b"Month", b"\\ud800"),
]


@pytest.mark.parametrize("bad", BAD_LINES)
def test_a_line_that_is_no_record_is_set_aside_and_blocks_nothing(engine: Engine, folder: Path, bad: bytes) -> None:
    folder.mkdir()
    lines = [prediction(1).to_json(), bad, prediction(2).to_json(), b""]
    (folder / "api-1-1.jsonl").write_bytes(b"\n".join(lines))

    assert Relay(folder, PredictionStore(engine)).run_once() == RelayReport(moved=2, bad=1)
    assert ids_in(engine) == ids_of([1, 2])
    (rejected,) = [orjson.loads(line) for line in (folder / "rejected.jsonl").read_bytes().splitlines()]
    assert rejected["segment"] == "api-1-1.jsonl"
    assert rejected["reason"].startswith("not a prediction record")
    assert rejected["line"] == bad.decode(errors="backslashreplace")


NARROWER = {
    "postgresql": "ALTER TABLE predictions ALTER COLUMN customer_id TYPE varchar(10)",
    "mariadb": "ALTER TABLE predictions MODIFY customer_id varchar(10) NOT NULL",
}


@pytest.mark.parametrize("kind", NARROWER, indirect=True)
def test_a_record_that_the_database_refuses_does_not_hold_up_the_others(
    folder: Path, database_url: str, kind: str
) -> None:
    """A record may be well formed and still be refused: here the column was made narrower by somebody."""
    engine = open_migrated(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(NARROWER[kind])
    with SpoolWriter(folder, "api", QUIET) as spool:
        for number in range(10):
            spool.append(prediction(number, customer_id="x" * (11 if number == 4 else 10)).to_json())

    assert Relay(folder, PredictionStore(engine)).run_once() == RelayReport(moved=9, bad=1)
    assert "p-4" in (folder / "rejected.jsonl").read_text()
    engine.dispose()


def test_two_relays_on_one_folder_store_nothing_twice(engine: Engine, folder: Path) -> None:
    spool_some(folder, range(3000))
    relays = [Relay(folder, PredictionStore(engine)) for _ in range(2)]
    threads = [threading.Thread(target=relay.run_once) for relay in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ids_in(engine) == ids_of(range(3000))
    assert backlog(folder).records == 0


class WaitingStore:
    """Holds a relay in the middle of its work until it is let go."""

    def __init__(self) -> None:
        self.began, self.may_end = threading.Event(), threading.Event()

    def add(self, records: Sequence[Prediction]) -> int:
        self.began.set()
        assert self.may_end.wait(30)
        return len(records)


def test_only_one_relay_works_on_a_folder(engine: Engine, folder: Path) -> None:
    spool_some(folder, range(3))
    store = WaitingStore()
    first = threading.Thread(target=Relay(folder, store).run_once)
    first.start()
    assert store.began.wait(30)

    second = Relay(folder, PredictionStore(engine)).run_once()
    store.may_end.set()
    first.join()

    assert second == RelayReport(moved=0, waiting=3, is_alone=False)
    assert ids_in(engine) == []


def test_every_record_that_a_killed_writer_acknowledged_is_stored_once(engine: Engine, folder: Path) -> None:
    command = [sys.executable, "-m", "tests.churn.stores.spool_writer"]
    writers = [
        subprocess.Popen([*command, name, str(folder)], stdout=subprocess.PIPE, text=True) for name in ("a", "b")
    ]
    relay, acknowledged = Relay(folder, PredictionStore(engine)), []
    for number, writer in enumerate(writers):
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline().strip() for _ in range(500 + 300 * number)]
        relay.run_once()
        writer.send_signal(signal.SIGKILL)
        acknowledged += writer.stdout.read().split("\n")[:-1]
        writer.wait()
        writer.stdout.close()
    relay.run_once()

    stored = ids_in(engine)
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    assert len(stored) - len(acknowledged) <= len(writers), "more was stored than acknowledged or in the making"
    assert segments_in(folder) == []


@pytest.mark.parametrize("step", ["stored", "noted"])
def test_a_relay_that_is_killed_in_the_middle_is_continued(
    engine: Engine, database_url: str, folder: Path, step: str
) -> None:
    spool_some(folder, range(20))
    command = [sys.executable, "-m", "tests.churn.stores.dying_relay", step, str(folder), database_url]

    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert ids_in(engine) == ids_of(range(20))
    assert len(segments_in(folder)) == 1
    assert checked(engine).is_sound

    Relay(folder, PredictionStore(engine)).run_once()
    assert ids_in(engine) == ids_of(range(20))
    assert checked(engine).predictions == 20
    assert segments_in(folder) == []


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"], indirect=True)
def test_records_wait_while_the_database_is_away(folder: Path, server: Server, engine: Engine) -> None:
    relay = Relay(folder, PredictionStore(engine))
    with SpoolWriter(folder, "api", QUIET) as spool:
        spool.append(prediction(1).to_json())
        relay.run_once()

        server.stop()
        try:
            assert spool.append(prediction(2).to_json())
            with pytest.raises(StoreError, match=r"127\.0\.0\.1.*refused"):
                relay.run_once()
            assert spool.append(prediction(3).to_json())
            assert backlog(folder).records == 2
        finally:
            server.start()

        assert relay.run_once() == RelayReport(moved=2)
    assert ids_in(engine) == ids_of([1, 2, 3])


class AwayStore:
    """A database that is away for the first calls."""

    def __init__(self, store: PredictionStore, *, calls: int) -> None:
        self.store, self.calls = store, calls

    def add(self, records: Sequence[Prediction]) -> int:
        self.calls -= 1
        if self.calls >= 0:
            raise StoreError("away")
        return self.store.add(records)


def test_the_loop_goes_on_by_itself_when_the_database_returns(engine: Engine, folder: Path) -> None:
    spool_some(folder, range(5))
    stopping, relay = threading.Event(), Relay(folder, AwayStore(PredictionStore(engine), calls=3))
    loop = threading.Thread(target=relay.run_until, args=(stopping,), kwargs={"every_seconds": 0.02})
    loop.start()
    deadline = time.monotonic() + 10
    while ids_in(engine) == [] and time.monotonic() < deadline:
        time.sleep(0.02)
    spool_some(folder, [5])
    stopping.set()
    loop.join()

    assert ids_in(engine) == ids_of(range(6))


ACTIONS = st.lists(
    st.sampled_from(["append", "append", "append", "relay", "restart relay", "restart writer", "die", "away"]),
    max_size=40,
)


@given(ACTIONS)
@settings(max_examples=25, deadline=None)
def test_in_any_order_of_events_each_record_is_stored_once(actions: list[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder, engine = Path(temporary) / "spool", open_database(f"sqlite:///{temporary}/churn.db")
        migrate(engine)
        _play(actions, folder, engine)
        engine.dispose()


def _play(actions: list[str], folder: Path, engine: Engine) -> None:
    limits = SpoolLimits(segment_bytes=1500, sync_seconds=3600.0)
    spool, relay, number = SpoolWriter(folder, "api", limits), Relay(folder, PredictionStore(engine)), 0
    for action in actions:
        match action:
            case "append":
                assert spool.append(prediction(number).to_json())
                number += 1
            case "relay":
                relay.run_once()
            case "restart relay":
                relay = Relay(folder, PredictionStore(engine))
            case "away" if backlog(folder).records:
                with pytest.raises(StoreError, match="away"):
                    Relay(folder, AwayStore(PredictionStore(engine), calls=1)).run_once()
            case "restart writer" | "die":
                spool.close()
                if action == "die":
                    folder.mkdir(exist_ok=True)
                    (folder / f"dead-1-{time.time_ns()}.jsonl").write_bytes(prediction(number).to_json()[:-1])
                spool = SpoolWriter(folder, "api", limits)
    spool.close()
    relay.run_once()
    assert ids_in(engine) == ids_of(range(number))
    assert segments_in(folder) == []
