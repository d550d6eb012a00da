import subprocess
import sys
from pathlib import Path

from churn.settings import environment_for_children

COUNT_ONCE = """
from services import telemetry
telemetry.count_request("bento", "/predict", "POST", status=200, seconds=0.01)
telemetry.WAITING.labels("bento").set(1)
telemetry.MODEL_VERSION.labels("bento", "1").set(3)
telemetry.settle()
{more}
"""
READ = """
import sys, pathlib
from services import telemetry
sys.stdout.buffer.write(telemetry.exposition(pathlib.Path(sys.argv[1]), []))
"""


def run(code: str, folder: Path, *arguments: str) -> str:
    environment = environment_for_children(PROMETHEUS_MULTIPROC_DIR=str(folder))
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_metrics_add_up_over_workers_and_forget_only_what_a_dead_one_showed(tmp_path: Path) -> None:
    for _ in range(2):
        run(COUNT_ONCE.format(more=""), tmp_path)

    text = run(READ, tmp_path, str(tmp_path))

    assert 'churn_http_requests_total{door="bento",method="POST",route="/predict",status="200"} 2.0' in text
    assert 'churn_http_request_duration_seconds_bucket{door="bento",le="0.25",route="/predict"} 2.0' in text
    assert "churn_recorder_memory{" not in text
    assert "churn_model_version{" not in text


def test_a_living_workers_gauges_are_shown(tmp_path: Path) -> None:
    more = f"import pathlib; print(telemetry.exposition(pathlib.Path({str(tmp_path)!r}), []).decode())"

    text = run(COUNT_ONCE.format(more=more), tmp_path)

    assert 'churn_recorder_memory{door="bento"} 1.0' in text
    assert 'churn_model_version{door="bento",worker="1"} 3.0' in text


COUNT = """
import pathlib, threading
from services import telemetry
def count():
    for number in range(20_000):
        telemetry.count_request("bento", "/predict", "POST", status=200, seconds=number % 3)
        telemetry.count_missing("tenure")
        if number % 500 == 0:
            telemetry.settle()
threads = [threading.Thread(target=count) for _ in range(3)]
[each.start() for each in threads]
[each.join() for each in threads]
print(telemetry.exposition(pathlib.Path({folder!r}), []).decode())
"""


def test_what_several_threads_count_while_others_settle_is_counted_once(tmp_path: Path) -> None:
    text = run(COUNT.format(folder=str(tmp_path)), tmp_path)

    assert 'churn_http_requests_total{door="bento",method="POST",route="/predict",status="200"} 60000.0' in text
    assert 'churn_http_request_duration_seconds_bucket{door="bento",le="0.001",route="/predict"} 20001.0' in text
    assert 'churn_http_request_duration_seconds_bucket{door="bento",le="1.0",route="/predict"} 40002.0' in text
    assert 'churn_http_request_duration_seconds_bucket{door="bento",le="+Inf",route="/predict"} 60000.0' in text
    assert 'churn_http_request_duration_seconds_sum{door="bento",route="/predict"} 59997.0' in text
    assert 'churn_input_missing_total{column="tenure"} 60000.0' in text
