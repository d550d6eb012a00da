"""`.env`: the variables of docker-compose.yml, one `NAME=value` a line."""

import os
from collections.abc import Mapping
from pathlib import Path

from deploy.host.failure import HostError

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = ROOT / ".env"


def read(path: Path = FILE) -> dict[str, str]:
    """Return what the file says; the process's environment is stronger, as it is for compose.

    Raises:
        HostError: there is no file.
    """
    if not path.is_file():
        raise HostError(f"{path} is missing: `make secrets` writes it")
    found = parse(path.read_text(encoding="utf-8"))
    return {**found, **{name: os.environ[name] for name in found if name in os.environ}}  # noqa: TID251  the host's only settings


def known(*names: str, path: Path = FILE) -> dict[str, str]:
    """Return those of some variables that have a value, for commands that need no `.env`."""
    found = parse(path.read_text(encoding="utf-8")) if path.is_file() else {}
    values = {name: os.environ.get(name, found.get(name)) for name in names}  # noqa: TID251  as above
    return {name: value for name, value in values.items() if value}


def parse(text: str) -> dict[str, str]:
    """Return the variables of a text; comments and empty lines say nothing."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def write(values: Mapping[str, str], path: Path = FILE) -> None:
    """Write the file whole or not at all, readable by its owner only."""
    write_text("".join(f"{name}={value}\n" for name, value in values.items()), path)


def write_text(text: str, path: Path = FILE) -> None:
    """Write the file whole or not at all, readable by its owner only; its comments are part of the text."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)  # one that somebody else may read
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
