"""`python3 -m deploy.host down`: stop everything gracefully; with `--volumes` delete all data too."""

import argparse
import sys

from deploy.host import environment
from deploy.host.compose import compose
from deploy.host.failure import HostError
from deploy.host.services import PROFILES


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--volumes", action="store_true", help="also delete all data: databases, models, predictions")
    parser.add_argument("--yes", action="store_true", help="do not ask whether data may be deleted")


def run(arguments: argparse.Namespace) -> int:
    """Stop and remove the containers; doors first answer what they have in hand.

    Raises:
        HostError: data was to be deleted, and nobody said yes.
    """
    project = environment.read()["COMPOSE_PROJECT_NAME"]
    if arguments.volumes and not arguments.yes:
        _require_yes(project)
    profiles = [word for name in PROFILES for word in ("--profile", name)]  # also what an earlier .env had started
    compose(*profiles, "down", *(["--volumes"] if arguments.volumes else []))
    kept = "everything is deleted" if arguments.volumes else "data is kept: `make up` starts again where it was"
    print(f"{project} is down; {kept}")
    return 0


def _require_yes(project: str) -> None:
    question = f"This deletes ALL data of {project}: databases, models, predictions. Type {project} to go on: "
    if not sys.stdin.isatty():
        raise HostError("--volumes deletes all data and asks first on a terminal; there is none: add --yes")
    if input(question).strip() != project:
        raise HostError("nothing was stopped and nothing deleted")
