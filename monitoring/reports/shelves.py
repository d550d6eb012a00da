"""Shelves: which files of a run still lie in the report folder, and their addresses in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from monitoring.report_shelf import FOLDER_NAME

Kind = Literal["drift", "performance"]
PICTURES = 3


@dataclass(frozen=True, slots=True)
class Shelved:
    """A run's files, by their addresses relative to the report folder. Nothing, once the run was removed.

    Attributes:
        page: the page for people.
        pictures: at most three.
        others: name → address of everything else.
    """

    page: str | None = None
    pictures: tuple[str, ...] = ()
    others: dict[str, str] = field(default_factory=dict)


def shelved(shelf: Path, kind: Kind, report: str) -> Shelved:
    """Return what is left of a run.

    Args:
        shelf: the report folder.
        kind: names the run's shelf, and its page.
        report: the run's page as it was stored; only its folder's name counts, so a home may be moved.
    """
    folder = shelf / kind / Path(report).parent.name
    if not FOLDER_NAME.match(folder.name) or folder.is_symlink() or not folder.is_dir():
        return Shelved()
    found = {path.name: address(path, shelf) for path in _files(folder)}
    page = found.pop(f"{kind}.html", None)
    pictures = {name: link for name, link in found.items() if name.endswith(".png")}
    others = {name: link for name, link in found.items() if name not in pictures}
    return Shelved(page, tuple(pictures.values())[:PICTURES], others)


def address(path: Path, shelf: Path) -> str:
    """Return a file's address relative to the report folder, safe in a link whatever its name is."""
    return quote(path.relative_to(shelf).as_posix())


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield path
