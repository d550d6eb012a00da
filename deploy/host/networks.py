"""What the engine has: networks to keep away from, and volumes that may hold something."""

from __future__ import annotations  # hosts may have Python 3.9

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

from deploy.host.failure import HostError

RANGES = ("172.28", "172.29", "172.30", "10.83")
"""Where we look for 256 free addresses."""

ROUTES = Path("/proc/net/route")


def free_net(taken: Iterable[IPv4Network] | None = None) -> str:
    """Return the first three numbers of 256 addresses that no network of the engine and no route of this host has.

    Raises:
        HostError: all that we know are taken.
    """
    others = list(taken) if taken is not None else [*_of_the_engine(), *_of_the_host()]
    for net in (f"{begin}.{number}" for begin in RANGES for number in range(16, 256)):
        if not any(IPv4Network(f"{net}.0/24").overlaps(one) for one in others):
            return net
    raise HostError("no network is free: set HOLDFAST_NET to the first three numbers of 256 addresses, as 10.9.8")


def may_have_data(project: str) -> bool:
    """Say whether a project has volumes, or the engine does not say that it has none."""
    answer = _docker("volume", "ls", "-q", "--filter", f"label=com.docker.compose.project={project}")
    return answer is None or bool(answer.split())


def _of_the_engine() -> Iterator[IPv4Network]:
    ids = (_docker("network", "ls", "-q") or "").split()
    for network in json.loads(_docker("network", "inspect", *ids) or "[]") if ids else ():
        for part in network["IPAM"]["Config"] or ():
            if "." in part.get("Subnet", ""):
                yield IPv4Network(part["Subnet"], strict=False)


def _of_the_host() -> Iterator[IPv4Network]:
    """Yield what this host's routes lead to (Linux), but for the one that leads everywhere."""
    if not ROUTES.is_file():
        return
    for line in ROUTES.read_text(encoding="ascii").splitlines()[1:]:
        _, address, *_, mask = line.split()[:8]
        numbers = [int.from_bytes(bytes.fromhex(one), "little") for one in (address, mask)]
        if numbers[1]:
            yield IPv4Network((numbers[0], bin(numbers[1]).count("1")))


def _docker(*words: str) -> str | None:
    """Return what docker says; None when it is not there, or does not answer."""
    if shutil.which("docker") is None:
        return None
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout
