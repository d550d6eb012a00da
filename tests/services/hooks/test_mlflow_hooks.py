"""A real MLflow server whose webhook tells a real door, which starts the job at a server in Jenkins' place."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookAction, WebhookEntity, WebhookEvent

from churn.settings import environment_for_children
from services.api.app import create_app
from services.settings import ServiceSettings
from services.worker import Worker
from tests.faults.doors import wait_until
from tests.postgres import free_port
from tests.services.hooks.jenkins_stand_in import JenkinsStandIn, jenkins_stand_in
from tests.services.hooks.test_hooks import PATH, SECRET

pytestmark = pytest.mark.slow


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
         "--backend-store-uri", f"sqlite:///{tmp_path / 'mlflow.db'}"],
        cwd=tmp_path,
        env=environment_for_children(
            MLFLOW_WEBHOOK_ALLOWED_SCHEMES="http,https",
            MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS="true",
            MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY=urlsafe_b64encode(bytes(range(32))).decode(),
            MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
        ),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _is_up(address), "MLflow answers", seconds=120)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def jenkins() -> Iterator[JenkinsStandIn]:
    with jenkins_stand_in() as standing_in:
        yield standing_in


@pytest.fixture
def door(tmp_path: Path, jenkins: JenkinsStandIn) -> Iterator[str]:
    given = {"home": tmp_path / "home", "attended": False, "webhook_secret": SECRET, "jenkins_user": "mlflow"}
    job = {"jenkins_url": f"{jenkins.url}/job/holdfast", "jenkins_token": "a token"}
    app, port = (
        create_app(Worker("fastapi", ServiceSettings.model_validate({**given, **job})), owns_worker=False),
        free_port(),
    )
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the door is open")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


def test_an_alias_given_in_mlflow_starts_a_release_at_jenkins(
    mlflow_server: str, door: str, jenkins: JenkinsStandIn
) -> None:
    client = MlflowClient(mlflow_server)
    created = [
        WebhookEvent(WebhookEntity.MODEL_VERSION_ALIAS, WebhookAction.CREATED),
        WebhookEvent(WebhookEntity.MODEL_VERSION, WebhookAction.CREATED),
    ]
    client.create_webhook("holdfast", f"{door}{PATH}", created, secret=SECRET)
    client.create_registered_model("churn")
    version = client.create_model_version("churn", "s3://nowhere/model")

    client.set_registered_model_alias("churn", "shadow", version.version)
    client.set_registered_model_alias("churn", "candidate", version.version)

    wait_until(lambda: jenkins.asked, "Jenkins is asked", seconds=60)
    time.sleep(0.5)
    form = {"VERSION": ["1"], "REASON": ["MLflow: model_version_alias.created candidate"]}
    assert [asked[0] for asked in jenkins.asked] == ["/job/holdfast/buildWithParameters"]
    assert jenkins.asked[0][2] == form
