"""Files of customers: their types, and an answer written as a whole or not at all."""

import os
from pathlib import Path

import httpx

from churn.errors import UsageError

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
}


def media_type_of(path: Path, format_: str | None = None) -> str:
    """Return the type of a file by its name, or by a format's name.

    Raises:
        UsageError: it is none that the doors know.
    """
    suffix = f".{format_}" if format_ else path.suffix.lower()
    if suffix not in MEDIA_TYPES:
        raise UsageError(f"{path} is of no type that the doors know: {', '.join(MEDIA_TYPES)}")
    return MEDIA_TYPES[suffix]


def write_whole(answer: httpx.Response, path: Path) -> None:
    """Write an answer's bytes beside a file first, and put them in its place when the last one is there."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with draft.open("wb") as file:
            for piece in answer.iter_bytes():
                file.write(piece)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
