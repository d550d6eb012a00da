"""A whole installation of its own for a test: a copy of the tree, a project name, a network, free ports."""

import json
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from churn.contract.reading import load_contract
from churn.settings import environment_for_children
from deploy.host import environment
from deploy.host.compose import program
from deploy.host.containers import ids

ROOT = Path(__file__).parent.parent.parent
LABORATORY = ROOT.parent / "shared" / "lab" / "containers"
PORTS = ("front", "mlflow", "prometheus", "alertmanager", "grafana", "reports")
TAG = "test"
"""Of the images that the tests build: nobody's `local` ones are replaced."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One installation.

    Attributes:
        folder: the copy of the tree, with its `.env`.
        name: of the compose project; its containers, volumes and network begin with it.
    """

    folder: Path
    name: str

    def make(self, *targets: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `make targets… NAME=value…` in the copy; its words are in `stdout`, errors too.

        Raises:
            AssertionError: it failed, and `check` was not False; the message has its words.
        """
        given = [f"{name}={value}" for name, value in variables.items()]
        return self.run("make", "--no-print-directory", *targets, *given, check=check)

    def compose(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of compose on the project.

        Raises:
            AssertionError: it failed, and `check` was not False; the message has its words.
        """
        return self.run(*program(), *words, check=check)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run any command in the copy."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=make_environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0 or not check, (
            f"`{' '.join(command)}` gave {done.returncode}:\n{done.stdout[-8000:]}"
        )
        return done

    def churn(self, *words: str, service: str = "worker", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `churn words…` in a running container."""
        return self.compose("exec", "-T", service, "churn", *words, check=check)

    @property
    def settings(self) -> dict[str, str]:
        """What `.env` says."""
        return environment.parse((self.folder / ".env").read_text(encoding="utf-8"))

    def set(self, **values: str) -> None:
        """Change variables of `.env`; what runs has the old ones until it is made anew."""
        environment.write({**self.settings, **values}, self.folder / ".env")

    def url(self, service: str) -> str:
        """Return where a published service is: front, mlflow, prometheus, alertmanager, grafana or reports."""
        return f"http://127.0.0.1:{self.settings[f'HOLDFAST_{service.upper()}_PORT']}"

    def predict(self, row: Mapping[str, object] | None = None, **headers: str) -> httpx.Response:
        """Ask the front about one customer; without a row about the contract's example."""
        with httpx.Client(base_url=self.url("front"), timeout=10, trust_env=False) as client:
            return client.post("/api/v1/predict", json=dict(row or self.example), headers=headers)

    @property
    def example(self) -> dict[str, object]:
        """A typical customer."""
        return dict(load_contract(self.folder / "contracts" / "telco.yaml").example)

    def state_of(self, service: str) -> dict[str, Any]:
        """Return the `State` that the engine tells of a service's container; empty when it has none."""
        found = ids(self.name, service)
        if not found:
            return {}
        state: dict[str, Any] = json.loads(self.run("docker", "inspect", "-f", "{{json .State}}", found[0]).stdout)
        return state

    def remove(self) -> None:
        """Delete containers, network and volumes, of every profile; the folder stays."""
        if (self.folder / ".env").exists():
            self.set(COMPOSE_PROFILES="core,monitoring,redis,mysql,grafana,demo")
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)


def make_stack(folder: Path, name: str, *, profiles: str) -> Stack:
    """Copy the tree, and give the copy a name, a network and ports of its own; nothing is started.

    Args:
        folder: to make.
        name: of the project; two that live at the same time need two.
        profiles: of compose, by comma.
    """
    copy_tree(folder)
    ports = {f"HOLDFAST_{one.upper()}_PORT": str(port) for one, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    identity = {"COMPOSE_PROJECT_NAME": name, "COMPOSE_PROFILES": profiles, "HOLDFAST_NET": free_net()}
    environment.write({**identity, **ports, "HOLDFAST_TAG": TAG}, folder / ".env")
    return Stack(folder, name)


def copy_tree(folder: Path) -> None:
    """Copy what git knows or would add: no state, no environment, no secrets."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def free_net() -> str:
    """Return the first three numbers of a /24 that no network of the engine uses."""
    names = subprocess.run(["docker", "network", "ls", "-q"], capture_output=True, text=True, check=True).stdout.split()
    subnets = subprocess.run(
        ["docker", "network", "inspect", "-f", "{{range .IPAM.Config}}{{.Subnet}} {{end}}", *names],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    return next(net for net in (f"172.29.{number}" for number in range(1, 255)) if f"{net}." not in subnets)


def has_engine() -> bool:
    """Docker answers."""
    if shutil.which("docker") is None:
        return False
    return not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode


def start_laboratory() -> bool:
    """Start the engine that lies beside the repository, when there is one; False: there is none."""
    return LABORATORY.is_file() and not subprocess.run([LABORATORY, "up"], check=False).returncode


def make_environment() -> dict[str, str]:
    """The laboratory builds on the host's network; a make that runs the tests lends its variables to nobody."""
    network = {"HOLDFAST_BUILD_NETWORK": "host"} if LABORATORY.is_file() else {}
    return environment_for_children(**network, HOLDFAST_TAG=TAG, MAKEFLAGS="", MAKELEVEL="0")
