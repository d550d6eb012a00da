import subprocess
import sys
from pathlib import Path

from churn.settings import environment_for_children
from churn.stores.database import open_migrated
from churn.stores.file_locks import exclusive
from churn.stores.jobs import JobStore
from churn.stores.orders import NewJob

ROOT = Path(__file__).parent.parent.parent


def work(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "work", *words],
        capture_output=True, text=True, timeout=120, check=False, cwd=ROOT,
        env=environment_for_children(CHURN_HOME=str(home)),
    )  # fmt: skip


def test_one_job_is_done_and_its_end_told(tmp_path: Path) -> None:
    engine = open_migrated(f"sqlite:///{tmp_path / 'churn.db'}")
    store = JobStore(engine)
    wanted = {"file": "input.csv", "sha256": "0" * 64}
    job = store.add(NewJob(job_id="1" * 32, kind="score", model_name="churn", actor="me", parameters=wanted))

    answer = work(tmp_path, "--once")

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == f"score {job.job_id}: the file of this job is gone: send it again\n"
    assert store.get(job.job_id).status == "failed"
    assert "Traceback" not in answer.stderr


def test_a_second_runner_of_a_home_leaves_the_work_to_the_first(tmp_path: Path) -> None:
    with exclusive(tmp_path / "work.lock"):
        assert work(tmp_path, "--until-empty").returncode == 75
