"""The courier goes on whatever happens: a thread that died would leave every prediction in the spool for ever."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from churn.stores.database import open_database
from churn.stores.predictions import PredictionStore
from churn.stores.relay import Relay
from churn.stores.spool import SpoolLimits, SpoolWriter
from services.attendant import Courier
from services.foreman import Foreman
from services.settings import ServiceSettings
from tests.churn.stores.records import prediction
from tests.faults.doors import wait_until

RACE = """
import sys, threading
from churn.stores.database import is_current, migrate, open_database

def begin(what, number):
    start.wait()
    what(open_database(f"sqlite:///{sys.argv[1]}/{number}.db"))
    done.append(number)

start, done = threading.Barrier(8), []
threads = [threading.Thread(target=begin, args=(migrate if n % 2 else is_current, n)) for n in range(8)]
[each.start() for each in threads]
[each.join() for each in threads]
sys.exit(0 if len(done) == 8 else 1)
"""


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(home=tmp_path / "home", relay_seconds=0.05)


def test_an_error_that_nobody_foresaw_is_told_and_the_next_round_moves_the_predictions(
    settings: ServiceSettings,
) -> None:
    class Stumbling(Courier):
        stumbles = 0
        told = ""

        def _open(self) -> Relay:
            self.stumbles += 1
            if self.stumbles == 1:
                raise ImportError("cannot import name '_GetRevArg'")
            self.told = self.problem
            return super()._open()

    with SpoolWriter(settings.spool_folder, "bento", SpoolLimits()) as spool:
        assert spool.append(prediction(1).to_json())
    courier, stopping = Stumbling(settings), threading.Event()
    thread = threading.Thread(target=courier.run, args=(stopping,))
    thread.start()
    store = PredictionStore(open_database(settings.database_url))
    try:
        wait_until(lambda: courier.stumbles > 1 and not courier.problem and store.count() == 1, "it is stored")
    finally:
        stopping.set()
        thread.join()

    assert "ImportError" in courier.told
    assert courier.problem == ""


def test_an_error_that_nobody_foresaw_does_not_end_the_foreman(settings: ServiceSettings) -> None:
    class Stumbling(Foreman):
        looks = 0

        def look(self) -> None:
            self.looks += 1
            raise ImportError("cannot import name '_GetRevArg'")

    foreman, stopping = Stumbling(settings), threading.Event()
    thread = threading.Thread(target=foreman.run, args=(stopping,))
    thread.start()
    try:
        wait_until(lambda: foreman.looks > 1, "it looks again")
    finally:
        stopping.set()
        thread.join()

    assert "ImportError" in foreman.problem


def test_threads_that_open_databases_at_once_import_alembic_once(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", RACE, str(tmp_path)], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
