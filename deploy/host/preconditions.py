"""What must hold on this host before anything is started, one sentence for each thing that does not."""

from __future__ import annotations  # hosts may have Python 3.9

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.host.compose import compose, program
from deploy.host.services import PUBLISHED, active

GIBIBYTE = 1 << 30
LEAST_DISK = 3 * GIBIBYTE
LEAST_DISK_TO_BUILD = 10 * GIBIBYTE
LEAST_MEMORY = 3.5 * GIBIBYTE
GOOD_MEMORY = 7.5 * GIBIBYTE


@dataclass(frozen=True)
class Objection:
    """Something that is wrong: what, where, and what to do.

    Attributes:
        is_fatal: nothing can be started like this.
    """

    words: str
    is_fatal: bool = True


def objections(settings: Mapping[str, str], *, must_build: bool) -> Iterator[Objection]:
    """Look at everything; what follows from an engine that does not answer is left out.

    Args:
        settings: `.env`.
        must_build: images have to be built first.

    Raises:
        HostError: docker or compose is not there, or `.env` names profiles that are not.
    """
    program()
    services = active(settings)
    engine = _answer("info")
    if not engine.get("ServerVersion"):
        yield Objection("the docker engine does not answer (`docker info`): start it, or join the group `docker`")
        return
    yield from _of_compose()
    yield from _of_ports(services, settings)
    yield from _of_net(settings)
    yield from of_disk(Path(str(engine.get("DockerRootDir", "/"))), LEAST_DISK_TO_BUILD if must_build else LEAST_DISK)
    yield from of_memory(int(str(engine.get("MemTotal", 0))))


def of_disk(folder: Path, least: int) -> Iterator[Objection]:
    """Object to a disk that is nearly full.

    Args:
        folder: where the engine keeps images and volumes.
        least: bytes that must be free.
    """
    place = next((one for one in (folder, *folder.parents) if _is_seen(one)), Path("/"))
    free = shutil.disk_usage(place).free
    if free < least:
        words = f"{free / GIBIBYTE:.1f} GiB are free under {place} and {least / GIBIBYTE:.0f} are needed"
        yield Objection(f"{words}: make room (`docker image prune` deletes images that nobody uses)")


def of_memory(found: int) -> Iterator[Objection]:
    """Object to too little memory; less than is good is said and no more.

    Args:
        found: bytes that the engine has; 0: it does not say.
    """
    if 0 < found < GOOD_MEMORY:
        words = f"the engine has {found / GIBIBYTE:.1f} GiB of memory; {GOOD_MEMORY / GIBIBYTE:.0f} and more are good"
        yield Objection(f"{words}: training may be killed; give it more", is_fatal=found < LEAST_MEMORY)


def of_images(names: Sequence[str], tree: str) -> Iterator[Objection]:
    """Warn of images that were built from another state of the tree than the services are described in.

    Args:
        names: images that are there.
        tree: its commit; empty: nobody knows.
    """
    label = '{{index .Config.Labels "org.opencontainers.image.revision"}}'
    built = {name: _out("image", "inspect", "-f", label, name).strip() for name in names if tree}
    old = {name: found for name, found in built.items() if found not in ("", "<no value>", "unknown", tree)}
    if old:
        words = f"{', '.join(sorted(old))} was built at {', '.join(sorted({one[:9] for one in old.values()}))}"
        yield Objection(
            f"{words}, and this tree is at {tree[:9]}: they may not fit together. `make images` builds new ones; "
            "`make update` does, and replaces what runs one after the other",
            is_fatal=False,
        )


def is_built(image: str) -> bool:
    """Say whether the engine has an image of this name."""
    return bool(_out("image", "inspect", "-f", "{{.Id}}", image).strip())


def is_free(port: int) -> bool:
    """Say whether nobody listens on a port of this host."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104  a port that is taken on one address is taken
        except OSError:
            return False
    return True


def _of_compose() -> Iterator[Objection]:
    done = compose("config", "-q", check=False, capture_output=True)
    if done.returncode:
        said = " ".join(done.stderr.split())[-500:]
        yield Objection(f"docker-compose.yml does not hold with this .env: {said}; `make secrets` adds what is missing")


def _of_ports(services: Sequence[str], settings: Mapping[str, str]) -> Iterator[Objection]:
    ours = _published(settings["COMPOSE_PROJECT_NAME"])
    for service, variable in PUBLISHED.items():
        if service in services and variable in settings:
            port = int(settings[variable])
            if port not in ours and not is_free(port):
                yield Objection(
                    f"port {port}, meant for {service}, is taken by another program (`ss -ltnp | grep :{port}`): "
                    f"stop it, or choose another port as {variable} in .env"
                )


def _of_net(settings: Mapping[str, str]) -> Iterator[Objection]:
    ours = f"{settings.get('HOLDFAST_NET', '')}."
    names = _lines("network", "ls", "--format", "{{.Name}}")
    for network in json.loads(_out("network", "inspect", *names) or "[]"):
        subnets = [one.get("Subnet", "") for one in (network.get("IPAM") or {}).get("Config") or ()]
        labels = network.get("Labels") or {}
        if labels.get("com.docker.compose.project") == settings["COMPOSE_PROJECT_NAME"]:
            continue
        if any(subnet.startswith(ours) for subnet in subnets):
            yield Objection(
                f"the docker network {network['Name']} has {subnets[0]} already: choose another HOLDFAST_NET in .env"
            )


def _published(project: str) -> set[int]:
    """Return the ports of this host that the project's own containers hold."""
    ids = _lines("ps", "-q", "--filter", f"label=com.docker.compose.project={project}")
    if not ids:
        return set()
    bound = [one["NetworkSettings"]["Ports"] or {} for one in json.loads(_out("inspect", *ids) or "[]")]
    return {int(binding["HostPort"]) for ports in bound for bindings in ports.values() for binding in bindings or ()}


def _answer(*words: str) -> dict[str, Any]:
    try:
        found = json.loads(_out(*words, "--format", "{{json .}}") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lines(*words: str) -> list[str]:
    return _out(*words).split()


def _out(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout


def _is_seen(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # the engine's folder is for root only
        return False
