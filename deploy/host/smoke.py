"""`python3 -m deploy.host smoke`: check each service from outside, a prediction, a promotion, and its metric."""

from __future__ import annotations  # hosts may have Python 3.9

import argparse
import time
from collections.abc import Sequence
from functools import partial

from deploy.host import environment
from deploy.host.checks.check import Check, failures, require
from deploy.host.checks.databases import of_databases
from deploy.host.checks.engine import of_engine
from deploy.host.checks.installation import Installation
from deploy.host.checks.keys import admitted
from deploy.host.checks.moves import of_moves
from deploy.host.checks.predictions import of_predictions, of_record
from deploy.host.checks.published import of_published
from deploy.host.compose import program
from deploy.host.failure import HostError
from deploy.host.first_model import served_version
from deploy.host.inside import aliases
from deploy.host.sample import make_version

EMPTY = "no version is in production: `make up DATA=customers.csv` trains one, `make smoke` makes one up"
KEY = "`docker-compose exec worker churn key list` shows what is wrong with the store"


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--no-sample",
        action="store_true",
        help="where no version is in production, fail; otherwise one is made from synthetic customers",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check everything, also when something is wrong.

    Returns:
        0 when everything holds, else 1.
    """
    program()
    began, at = time.monotonic(), Installation(environment.read())
    wrong = failures([*of_engine(at), *of_databases(at), *of_published(at)])
    version, problem = version_of(at, may_make=not arguments.no_sample)
    wrong += failures([Check("a version is in production", partial(require, version, problem), EMPTY)])
    if version:
        wrong += _of_version(at, version)
    wrong += failures(of_record(at))
    return told(wrong, time.monotonic() - began)


def version_of(at: Installation, *, may_make: bool) -> tuple[str | None, str]:
    """Return the version in production, made if need be and allowed; else None, and why there is none."""
    try:
        at.aliases.update(aliases(at.project))
        if "production" not in at.aliases and may_make:
            at.aliases["production"] = make_version(at.project, at.url("front"))
    except HostError as error:
        return served_version(at.url("front")), str(error)
    return at.aliases.get("production"), "there is none"


def told(wrong: Sequence[str], seconds: float) -> int:
    """Say what does not hold, and return the exit status."""
    if wrong:
        print(f"\n{len(wrong)} FAILED, in {seconds:.0f} s: {'; '.join(wrong)}")
        return 1
    print(f"\neverything holds, in {seconds:.0f} s")
    return 0


def _of_version(at: Installation, version: str) -> list[str]:
    """Check what needs a version in production."""
    try:
        with admitted(at) as client:
            wrong = failures(of_predictions(client, version))
    except HostError as error:
        wrong = failures([Check("a key for predictions can be made", partial(require, None, str(error)), KEY)])
    return wrong + failures(of_moves(at, version))
