"""The scheduler: what runs how often, each run a process with a limit, and an end that leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from churn.errors import UsageError
from churn.settings import environment_for_own_children
from churn.stores.database import open_migrated
from churn.stores.stage_runs import StageRunLog
from pipelines.scheduling import scheduler
from pipelines.scheduling.children import Children
from pipelines.scheduling.scheduler import last_run_in, run_schedule
from pipelines.scheduling.settings import ScheduleSettings
from pipelines.scheduling.timetable import Errand, timetable
from pipelines.settings import PipelineSettings

PATIENCE_SECONDS = 60.0

STAGE = """
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
with (folder / f"{sys.argv[2]}.runs").open("a") as runs:
    runs.write(f"{os.getpid()} {os.getpgid(0)} {os.getpriority(os.PRIO_PROCESS, 0)}\\n")
print("began")
if sys.argv[2] == "drift":
    print("all is well")
else:
    time.sleep(600)
"""


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def runs_of(folder: Path, stage: str) -> list[str]:
    path = folder / f"{stage}.runs"
    return path.read_text().splitlines() if path.exists() else []


def is_alive(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    children = Children(tmp_path / "logs", (sys.executable, "-c", STAGE, str(tmp_path)))
    yield children
    children.end()


def test_every_stage_runs_daily_unless_told_otherwise() -> None:
    found = {
        one.stage: one.every for one in timetable(ScheduleSettings(drift_minutes=90), ["retrain=2h", "reports=off"])
    }

    assert found == {"drift": 5400.0, "performance": 86_400.0, "retrain": 7200.0, "audit": 86_400.0}


@pytest.mark.parametrize("change", ["drift", "drift=", "drift=1", "drift=-1m", "score=1m", "drift=0.5s", "drift=1m;x"])
def test_a_change_that_can_not_be_read_is_told_of(change: str) -> None:
    with pytest.raises(UsageError, match="--every"):
        timetable(ScheduleSettings(), [change])


def test_with_every_stage_switched_off_there_is_nothing_to_do() -> None:
    with pytest.raises(UsageError, match="nothing to schedule"):
        timetable(ScheduleSettings(), [f"{one}=off" for one in ("drift", "performance", "retrain", "reports", "audit")])


def test_a_run_is_a_process_of_its_own_with_low_priority_and_what_it_says_is_kept(
    children: Children, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    status = children.run(Errand("drift", 1.0, PATIENCE_SECONDS))

    (run,) = runs_of(tmp_path, "drift")
    process, group, _ = map(int, run.split())
    assert status == 0
    assert process == group != os.getpgid(0)
    assert (tmp_path / "logs" / "drift.log").read_text() == "began\nall is well\n"
    (line,) = [record for record in caplog.records if record.getMessage() == "stage ended"]
    assert (line.stage, line.status, line.words) == ("drift", 0, "all is well")  # type: ignore[attr-defined]


def test_a_run_that_hangs_is_ended_at_its_limit(children: Children, caplog: pytest.LogCaptureFixture) -> None:
    status = children.run(Errand("performance", 1.0, limit=0.3))

    assert status == -signal.SIGTERM
    assert [record.getMessage() for record in caplog.records] == ["stage ended at its limit"]


def test_stages_run_at_their_times_and_none_is_left_at_the_end(children: Children, tmp_path: Path) -> None:
    errands = [Errand("drift", 1.0, 60.0), Errand("retrain", 1.0, 60.0)]
    stopping = threading.Event()
    thread = threading.Thread(target=run_schedule, args=(errands, children, lambda _: None, stopping))
    thread.start()
    until(lambda: len(runs_of(tmp_path, "drift")) >= 2 and len(runs_of(tmp_path, "retrain")) == 1)

    stopping.set()
    thread.join(PATIENCE_SECONDS)

    assert not thread.is_alive()
    assert len(runs_of(tmp_path, "retrain")) == 1, "a stage that still runs is not begun again"
    assert not is_alive(int(runs_of(tmp_path, "retrain")[0].split()[0]))
    assert children.run(Errand("drift", 1.0, 60.0)) is None, "nothing begins after the end"


def test_a_stage_is_due_when_its_time_has_passed_since_its_last_run() -> None:
    now, drift = datetime.now(UTC), Errand("drift", 3600.0, 60.0)

    assert scheduler._first_time(drift, None) >= now
    assert scheduler._first_time(drift, now - timedelta(days=9)) - now < timedelta(seconds=30)
    assert scheduler._first_time(drift, now - timedelta(seconds=600)) == now + timedelta(seconds=3000)


def test_a_decision_that_is_due_waits_a_little_for_what_is_measured_before_it() -> None:
    now = datetime.now(UTC)

    assert scheduler._first_time(Errand("retrain", 86_400.0, 60.0), None) >= now + timedelta(seconds=60)


def test_when_a_stage_last_ran_is_known_from_the_store(tmp_path: Path) -> None:
    settings = PipelineSettings.model_validate({"home": tmp_path})
    look = last_run_in(settings)
    before = look("drift")
    engine = open_migrated(settings.database_url)
    StageRunLog(engine).begin(settings.model, "drift")

    assert before is None
    assert look("retrain") is None
    assert abs(datetime.now(UTC) - (look("drift") or datetime.min.replace(tzinfo=UTC))) < timedelta(minutes=5)


def test_a_second_scheduler_of_a_home_says_so_and_sigterm_ends_the_first(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "schedule", "--every", "drift=1d"]
    command += [
        part for stage in ("performance", "retrain", "reports", "audit") for part in ("--every", f"{stage}=off")
    ]
    environment = {**environment_for_own_children(), "CHURN_HOME": str(tmp_path)}
    first = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert first.stderr is not None
        assert "stage scheduled" in first.stderr.readline()
        second = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
        first.terminate()
        _, said = first.communicate(timeout=PATIENCE_SECONDS)
    finally:
        first.kill()
        first.wait()

    assert second.returncode == 75
    assert "another scheduler is at work" in second.stderr
    assert first.returncode == 0, said
