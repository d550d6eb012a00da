import subprocess
import sys


def test_bentoml_puts_no_layer_round_a_request() -> None:
    """An upgrade that brings them back would halve the throughput and stay above the benchmark's goal."""
    question = "from services.bento import Churn; print(len(Churn.to_asgi().user_middleware), 'layers')"

    done = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "0 layers"
