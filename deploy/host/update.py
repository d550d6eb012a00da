"""`python3 -m deploy.host update`: new images for what runs, the doors one after the other, without a failed request.

docs/updates.md says what stays compatible, and how to go back.
"""

from __future__ import annotations  # hosts may have Python 3.9

import argparse
import subprocess
from collections.abc import Sequence

from deploy.host import doors, environment, former, images
from deploy.host.compose import compose
from deploy.host.containers import container
from deploy.host.failure import HostError
from deploy.host.services import PUBLISHED, active

DATABASES = frozenset({"postgres", "mariadb", "redis"})
"""Never touched: a database moves to a new major version by backup and restore."""

ONCE, FRONT = "migrate", "front"
RELOAD = ("nginx", "-p", "/tmp", "-e", "stderr", "-c", "/etc/nginx/nginx.conf", "-s", "reload")  # noqa: S108  the front's own
"""As the front was started; a configuration that does not hold leaves it with the one that it has."""


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--back", action="store_true", help="put the images of before the last update back")
    parser.add_argument(
        "--no-build", action="store_true", help="take images that are here already, or that --pull brings"
    )
    parser.add_argument("--pull", action="store_true", help="pull the images of HOLDFAST_TAG instead of building them")
    parser.add_argument("--patience", type=float, default=180.0, metavar="SECONDS", help="for each door; default 180")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    settings = environment.read()
    services, front = active(settings), f"http://127.0.0.1:{settings.get(PUBLISHED['front'], '8080')}"
    order = doors.broken_first()
    doors.require_serving(order[-1])
    _choose_images(arguments, services, settings.get("COMPOSE_PROJECT_NAME", "holdfast"))
    if not arguments.back:
        _migrate()
    for door in order:
        _say(f"{door} is made anew")
        doors.replace(door, front, seconds=arguments.patience)
        _say(f"{door} serves")
    _rest(services)
    _front(services)
    _say("done. `make smoke` checks each service")
    return 0


def _choose_images(arguments: argparse.Namespace, services: Sequence[str], project: str) -> None:
    """Build or pull, and keep what ran; or bring that back."""
    if arguments.back:
        _say(f"back to {', '.join(former.bring_back(former.our_images(), project))}")
        return
    running = former.running_images(services)
    if arguments.pull:
        compose("pull", *own(services))
    elif not arguments.no_build:
        images.build_all()
    former.require_here(former.our_images())
    kept = former.keep(running, former.our_images(), project)
    _say(f"new: {', '.join(kept)}" if kept else "no image changed: everything is made anew from those that run")


def _migrate() -> None:
    """Bring the store to the new tables: they only add, so the old doors go on with them."""
    _say("the store is migrated")
    compose("run", "--rm", "--no-deps", "-T", ONCE)


def _rest(services: Sequence[str]) -> None:
    """Make the others anew where their image or configuration changed; a worker gives its job back, or ends it."""
    rest = others(services)
    _say(f"{', '.join(rest)}: made anew where something changed")
    compose("up", "-d", "--no-deps", *rest)


def _front(services: Sequence[str]) -> None:
    """Let the front read its files again. Another image or configuration makes it anew, which closes connections."""
    if FRONT not in services:
        return
    before = container(FRONT)
    compose("up", "-d", "--no-deps", FRONT)
    after = container(FRONT)
    if before and after and before.id == after.id:
        compose("exec", "-T", FRONT, *RELOAD, stdin=subprocess.DEVNULL)
        return
    _say("the front was made anew, because its image or its configuration changed: open connections were closed")
    if after is None:
        raise HostError("the front has no container: `make up` starts it")


def others(services: Sequence[str]) -> list[str]:
    """Return those that are made anew together."""
    return [each for each in own(services) if each not in {*doors.PORTS, ONCE, FRONT}]


def own(services: Sequence[str]) -> list[str]:
    """Return all but the databases."""
    return [each for each in services if each not in DATABASES]


def _say(text: str) -> None:
    print(f"update: {text}", flush=True)
