import subprocess
import sys

QUESTION = """
import asyncio, inspect
from services.bento import Churn, mounted

async def application(scope, receive, send):
    print(len(inspect.stack()) - before, "frames")

mounted.open(application)
app = Churn.to_asgi()

async def ask():
    global before
    before = len(inspect.stack())
    await app({"type": "http", "method": "POST", "path": "/predict", "headers": []}, None, None)

asyncio.run(ask())
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_bentoml_puts_no_layer_round_a_request() -> None:
    """An upgrade that brings them back would halve the throughput and stay above the benchmark's goal."""
    assert run(QUESTION) == "3 frames"


def test_bentomls_uvicorn_believes_no_header_about_the_client_and_writes_no_access_log() -> None:
    answer = "import uvicorn; from services.bento import Churn; app = Churn.to_asgi(); made = uvicorn.Config(app); "

    assert run(answer + "print(made.proxy_headers, made.access_log)") == "False False"
