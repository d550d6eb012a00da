"""`python3 -m deploy.host COMMAND`, behind the targets of the Makefile."""

from __future__ import annotations  # hosts may have Python 3.9

import argparse
import importlib
import sys

from deploy.host.failure import HostError

COMMANDS = {
    "secrets": "write .env with generated secrets; what is there stays",
    "images": "build the images",
    "up": "start everything and wait until it is ready; with --data: train and promote a first model",
    "down": "stop everything; --volumes deletes all data too",
    "smoke": "check each service from outside",
    "backup": "write databases, artifacts and bundles to a folder",
    "restore": "bring a backup back, here or under another project name",
    "update": "replace the doors by new images one after the other, without a failed request",
}
"""Command → what it does. Each is a module with `options(parser)` and `run(arguments)`."""


def main(words: list[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, or what the command returns; 1 when it failed for a reason that was told.
    """
    arguments = _parser().parse_args(words)
    try:
        return int(_module(arguments.command).run(arguments) or 0)
    except HostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m deploy.host", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in COMMANDS.items():
        _module(name).options(commands.add_parser(name, help=words, description=words))
    return parser


def _module(name: str):  # type: ignore[no-untyped-def]  # modules have no type of their own
    return importlib.import_module(f"deploy.host.{name}")


if __name__ == "__main__":
    sys.exit(main())
