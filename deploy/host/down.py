"""`python3 -m deploy.host down`."""

import argparse

from deploy.host.failure import HostError


def options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""


def run(_: argparse.Namespace) -> int:
    """Run the command."""
    raise HostError("this command is not written yet")
