"""Media types: which format a table comes in, and which the client wants the answer in."""

import re
from typing import Literal

from starlette.exceptions import HTTPException

Format = Literal["json", "ndjson", "csv", "parquet"]

MEDIA: dict[Format, str] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
ALIASES: dict[str, Format] = {
    **{media: kind for kind, media in MEDIA.items()},
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/json-lines": "ndjson",
    "application/csv": "csv",
    "application/x-parquet": "parquet",
    "application/parquet": "parquet",
}
ENDINGS: dict[str, Format] = {
    "json": "json",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "parquet": "parquet",
    "pq": "parquet",
}
RANGES: dict[str, Format] = {"*/*": "json", "application/*": "json", "text/*": "csv"}
LIST = re.compile(rb'(\xef\xbb\xbf)?\s*(\[|\{\s*"customers"\s*:)')
OBJECT = re.compile(rb"(\xef\xbb\xbf)?\s*\{")
LOOKED_AT = 256
"""Bytes of a file that tell what it is, when nobody says."""


def format_of(content_type: str, file_name: str = "", head: bytes = b"") -> Format:
    """Return the format of a table: by its type, else its name, else its first bytes; CSV when nothing tells.

    Args:
        content_type: what the client says; types that say nothing, such as application/octet-stream, are passed over.
        file_name: as the client calls the file.
        head: its first LOOKED_AT bytes.
    """
    media = content_type.partition(";")[0].strip().lower()
    found = ALIASES.get(media) or ENDINGS.get(file_name.rpartition(".")[2].lower())
    return found or _by_first_bytes(head)


def _by_first_bytes(head: bytes) -> Format:
    if head.startswith(b"PAR1"):
        return "parquet"
    if LIST.match(head):
        return "json"
    return "ndjson" if OBJECT.match(head) else "csv"


def wanted_format(accept: str | None) -> Format:
    """Return the format that the client likes best; JSON when it does not say.

    Raises:
        HTTPException: 406, it takes none of ours.
    """
    best: tuple[float, Format] | None = None
    for wish in (accept or "*/*").lower().split(","):
        media, *parameters = (part.strip() for part in wish.split(";"))
        found = ALIASES.get(media) or RANGES.get(media)
        weight = _weight(parameters)
        if found and weight > (best[0] if best else 0):
            best = weight, found
    if best is None:
        raise HTTPException(406, f"the answer can be had as {', '.join(MEDIA.values())}")
    return best[1]


def _weight(parameters: list[str]) -> float:
    text = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return float(text)
    except ValueError:
        return 0.0
