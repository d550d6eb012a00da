"""A fresh copy of the tree comes up and is whole, a service that is away is named, and nothing is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.host.services import PROFILES
from tests.compose.conftest import MakeStack
from tests.compose.stack import Stack
from tests.object_store import ACCESS, SECRET, ObjectStore, require_object_store

pytestmark = pytest.mark.slow

BUCKET, FOLDER = "holdfast", "artifacts"
QUICK = "--trials 1 --candidates logistic"
AWAY = ("redis", "reports", "scheduler", "fastapi")
"""Services without which most of the others go on. Without the exporter or Alertmanager, minutes are waited."""


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[ObjectStore]:
    """A bucket of the company's own, which containers reach at their network's gateway."""
    require_object_store()
    opened = ObjectStore(tmp_path / "store", listens="0.0.0.0").start()  # noqa: S104
    opened.make_bucket(BUCKET)
    yield opened
    opened.stop()


def test_a_fresh_copy_comes_up_on_postgresql_and_a_service_that_is_away_is_named(
    new_stack: MakeStack, tmp_path: Path
) -> None:
    stack = new_stack("pg")

    said = stack.make("secrets", "up", "smoke").stdout
    assert "no version is in production yet" in said
    assert said.count("SYNTHETIC customers") == 2, "it is said before and after"
    assert "\neverything holds, in " in said
    assert_each_service_is_named(stack, said)
    assert stack.predict().json()["model_version"] == "1"

    again = stack.make("up").stdout
    assert "version 1 is in production; predict with:\n  curl -s http://127.0.0.1:" in again

    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    refused = stack.make("up", check=False, DATA=str(tmp_path / "bad.csv"), RETRAIN="yes")
    assert refused.returncode
    assert "no model was promoted: the table or its contract was refused" in refused.stdout
    assert "the table has no column 'tenure'" in refused.stdout, "the ring's own words are there"
    assert stack.predict().status_code == 200, "everything stays up"

    stack.compose("stop", "--timeout", "10", *AWAY)
    told = stack.make("smoke", check=False)
    assert told.returncode
    for service in AWAY:
        assert f"FAILED  {service}: the engine says that it is well: it is exited" in told.stdout
    assert "ok      bento: it serves version 1 itself" in told.stdout
    assert "ok      a customer is scored through the front" in told.stdout
    assert "FAILED  fastapi: it serves version 1 itself" in told.stdout
    assert "docker-compose up -d redis" in told.stdout, "it says what to do"

    stack.make("down")
    assert volumes_of(stack), "without a word, data is kept"
    stack.make("down", VOLUMES="delete", YES="yes")
    assert (containers_of(stack), volumes_of(stack), networks_of(stack)) == ([], [], [])


def test_a_fresh_copy_comes_up_on_mariadb_and_a_bucket_with_a_model_from_a_table(
    new_stack: MakeStack, customers: Path, bucket: ObjectStore
) -> None:
    stack = new_stack("my", profiles="core,monitoring,redis,mysql")
    stack.make("secrets")
    host = f"{stack.settings['HOLDFAST_NET']}.1"
    stack.set(
        HOLDFAST_ARTIFACTS=f"s3://{BUCKET}/{FOLDER}", HOLDFAST_S3_ENDPOINT=f"http://{host}:{bucket.port}",
        HOLDFAST_S3_REGION="us-east-1", HOLDFAST_S3_ACCESS_KEY=ACCESS, HOLDFAST_S3_SECRET_KEY=SECRET,
    )  # fmt: skip

    said = stack.make("up", "smoke", DATA=str(customers), RING=QUICK, SAMPLE="no").stdout

    assert "version 1 is in production; predict with:" in said
    assert "SYNTHETIC" not in said
    assert "ok      mariadb: the churn store's tables are there" in said
    assert "\neverything holds, in " in said
    assert [key for key in bucket.keys(BUCKET) if key.startswith(f"{FOLDER}/") and key.endswith("/model.onnx")]
    stack.make("down", VOLUMES="delete", YES="yes")
    assert (containers_of(stack), volumes_of(stack), networks_of(stack)) == ([], [], [])


def assert_each_service_is_named(stack: Stack, said: str) -> None:
    profiles = stack.settings["COMPOSE_PROFILES"].split(",")
    for service in (name for profile in profiles for name in PROFILES[profile]):
        assert f"ok      {service}: the engine says that it is well" in said


def containers_of(stack: Stack) -> list[str]:
    return _of(stack, "ps", "-aq")


def volumes_of(stack: Stack) -> list[str]:
    return _of(stack, "volume", "ls", "-q")


def networks_of(stack: Stack) -> list[str]:
    return _of(stack, "network", "ls", "-q")


def _of(stack: Stack, *words: str) -> list[str]:
    return stack.run("docker", *words, "--filter", f"label=com.docker.compose.project={stack.name}").stdout.split()
