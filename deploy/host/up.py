"""`python3 -m deploy.host up`: start everything and wait until it is well; with a table, train the first model."""

from __future__ import annotations  # hosts may have Python 3.9

import argparse
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.host import environment, images
from deploy.host.compose import compose
from deploy.host.failure import HostError
from deploy.host.first_model import await_version, bring, curl, require_file, served_version, train
from deploy.host.former import our_images
from deploy.host.inside import aliases
from deploy.host.preconditions import is_built, objections, of_images
from deploy.host.readiness import wait_for
from deploy.host.services import active, seen

DEFAULT_CONTRACT = "contracts/telco.yaml"
PAUSES_SECONDS = (15.0, 30.0)
"""Before each further attempt to start: compose gives up when a service that others need is slow to be well."""

LAST_LOOK_SECONDS = 30.0
"""How long is waited when compose gave up for good: who is not well is told then."""


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--data", type=Path, help="customer table (CSV, Parquet, XLSX) to train a first model from")
    parser.add_argument("--contract", type=Path, default=Path(DEFAULT_CONTRACT), help="its contract")
    parser.add_argument("--retrain", action="store_true", help="train from --data although a version is in production")
    parser.add_argument("--ring", default="", metavar="WORDS", help="options of `churn ring`, as '--trials 10'")
    parser.add_argument("--wait-seconds", type=float, default=600, help="how long services may take to be well")


def run(arguments: argparse.Namespace) -> int:
    """Start, wait, train when there is something to train from and nothing in production, and say what is next.

    Raises:
        HostError: something is missing on this host, a service is not well in time, or no model was promoted.
    """
    settings = environment.read()
    files = _files(arguments)
    services = active(settings)
    prepare(settings)
    seconds = arguments.wait_seconds if start() else LAST_LOOK_SECONDS
    wait_for(services, settings["COMPOSE_PROJECT_NAME"], seconds=seconds)
    front = front_of(settings)
    before = served_version(front) or aliases(settings["COMPOSE_PROJECT_NAME"]).get("production")
    if files and (before is None or arguments.retrain):
        _train(files, settings["COMPOSE_PROJECT_NAME"], shlex.split(arguments.ring))
        print(f"version {await_version(front, before)} is in production; predict with:\n  {curl(front)}")
    else:
        _tell(front, before, has_table=bool(files))
    return 0


def start() -> bool:
    """Start what does not run, again after a while when that fails; say whether everything was started."""
    for seconds in (*PAUSES_SECONDS, 0.0):
        if not compose("up", "-d", check=False).returncode:
            return True
        if seconds:
            print(f"compose gave up: once more in {seconds:.0f} s", flush=True)
            time.sleep(seconds)
    return False


def prepare(settings: Mapping[str, str]) -> None:
    """Look at the host, and build the images when one is missing.

    Raises:
        HostError: the host is not ready; each reason is on the terminal.
    """
    names = our_images()
    missing = [name for name in names if not is_built(name)]
    here = [name for name in names if name not in missing]
    found = [*objections(settings, must_build=bool(missing)), *of_images(here, images.revision())]
    for one in found:
        print(f"{'error' if one.is_fatal else 'warning'}: {one.words}", file=sys.stderr)
    if any(one.is_fatal for one in found):
        raise HostError("nothing was started: mend what is named above, then `make up` again")
    if missing:
        print(f"building {', '.join(missing)}: some minutes, once", flush=True)
        try:
            images.build_all()
        except HostError as error:
            raise HostError(f"{error}; nothing was started") from error


def front_of(settings: Mapping[str, str]) -> str:
    """Return the front's address on this host."""
    return f"http://127.0.0.1:{settings['HOLDFAST_FRONT_PORT']}"


def _files(arguments: argparse.Namespace) -> tuple[Path, Path] | None:
    """Return table and contract; both are looked at before anything is started."""
    if arguments.data is None:
        return None
    return require_file(arguments.data, "the table"), require_file(arguments.contract, "the contract")


def _train(files: tuple[Path, Path], project: str, ring: Sequence[str]) -> None:
    worker = seen(project)["worker"]
    table, contract = (bring(file, worker) for file in files)
    print(f"training from {files[0].name}: some minutes; the services can be used meanwhile", flush=True)
    train(table, contract, ring)


def _tell(front: str, version: str | None, *, has_table: bool) -> None:
    """Say what there is, and what to do next."""
    if version is None:
        print("no version is in production yet, so nothing can be predicted. Next:")
        print("  make up DATA=customers.csv CONTRACT=contracts/yours.yaml   trains one from your customers")
        print("  make smoke                                                 makes one from synthetic customers")
    else:
        kept = " already: DATA was not used (RETRAIN=yes trains anew)"
        print(f"version {version} is in production{kept if has_table else ''}; predict with:\n  {curl(front)}")
    print("who may sign in: docker-compose exec worker churn user add NAME --role admin")
