"""`python -m services`: what an image of the Bento runs; that it serves is shown with an engine."""

import socket
import subprocess
import sys

from churn.settings import environment_for_own_children


def _run(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services"],
        env={**environment_for_own_children(), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_taken_port_is_one_sentence_and_a_failure(tmp_path: object) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = _run(CHURN_HOME=str(tmp_path), CHURN_BENTO_PORT=str(taken.getsockname()[1]))

    assert done.returncode == 1
    assert done.stderr.startswith("churn: can't listen on 127.0.0.1:")
    assert "Traceback" not in done.stderr


def test_a_secret_that_does_not_hold_is_named_and_not_shown(tmp_path: object) -> None:
    done = _run(CHURN_HOME=str(tmp_path), CHURN_TOKEN_SECRET="hunter2-hunter2")

    assert done.returncode == 1
    assert "CHURN_TOKEN_SECRET" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout
