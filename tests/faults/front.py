"""A real nginx with the files of deploy/nginx before two addresses."""

import json
import os
import shutil
import signal
import socket
import string
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.doors import ROOT, wait_until
from tests.postgres import CiSettings, free_port

FILES = ROOT / "deploy" / "nginx"
PROGRAM = shutil.which("nginx") or "/usr/sbin/nginx"  # Debian keeps it from the path of ordinary people


def render(bento: str, fastapi: str, listen: str) -> str:
    """Do what the container's envsubst does."""
    template = string.Template((FILES / "templates" / "front.conf.template").read_text(encoding="utf-8"))
    return template.substitute(CHURN_BENTO_ADDRESS=bento, CHURN_FASTAPI_ADDRESS=fastapi, CHURN_FRONT_LISTEN=listen)


def require_nginx() -> None:
    """Skip where there is none, but never in CI."""
    if Path(PROGRAM).exists():
        return
    if CiSettings().ci:
        pytest.fail("nothing is skipped in CI for want of a server: apt-get install nginx-light")
    pytest.skip("nginx is not installed: apt-get install nginx-light")


@dataclass
class Front:
    """Nginx in a folder of its own at a free port."""

    folder: Path
    bento_port: int
    fastapi_port: int
    port: int = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.port = free_port()
        shutil.copytree(FILES, self.folder / "conf")
        addresses = [f"127.0.0.1:{port}" for port in (self.bento_port, self.fastapi_port, self.port)]
        (self.folder / "conf" / "conf.d" / "front.conf").write_text(render(*addresses), encoding="utf-8")
        with self.log.open("wb") as log, (self.folder / "errors.log").open("wb") as errors:
            self.process = subprocess.Popen(self.command("daemon off;"), stdout=log, stderr=errors)
        wait_until(self._listens, "nginx listens")

    @property
    def log(self) -> Path:
        return self.folder / "access.log"

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def command(self, directives: str) -> list[str]:
        owner = "user root; " if os.geteuid() == 0 else ""  # a test's folder is closed to others
        configuration = str(self.folder / "conf" / "nginx.conf")
        return [PROGRAM, "-p", str(self.folder), "-c", configuration, "-g", f"{owner}{directives}"]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=10)

    def _listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "errors.log").read_text(encoding="utf-8")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
