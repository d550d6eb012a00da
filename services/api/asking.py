"""What a request asks for beyond the prediction: its query, one word of which is known."""

from typing import Literal
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException

EXPLAIN = "explain"
CHOICES = {"true": True, "false": False}
LONGEST_QUERY = 64


Depth = Literal["lean", "full", "explained"]
"""lean: the prediction; full: what to do, and the strongest reasons, too; explained: the whole explanation as well."""


def depth_of(query: bytes) -> Depth:
    """Return how much the client of a single prediction wants; without a query the full answer.

    Raises:
        HTTPException: 400, the query is anything but explain=true or explain=false.
    """
    if query == b"explain=false":
        return "lean"
    if not query:
        return "full"
    return "explained" if wants_explanation(query) else "lean"


def wants_explanation(query: bytes) -> bool:
    """Return whether the client wants reasons.

    Raises:
        HTTPException: 400, the query is anything but explain=true or explain=false.
    """
    if not query:
        return False
    try:
        ((name, value),) = parse_qsl(query[:LONGEST_QUERY].decode("latin-1"), keep_blank_values=True)
    except ValueError:
        name = value = ""
    if len(query) > LONGEST_QUERY or name != EXPLAIN or value not in CHOICES:
        raise HTTPException(400, f"the query may only be {EXPLAIN}=true or {EXPLAIN}=false, once")
    return CHOICES[value]


def explain_parameter(description: str, *, default: str | None = "false") -> dict[str, object]:
    """Describe the query of a prediction: as words, for OpenAPI's booleans would also allow others."""
    schema = {"type": "string", "enum": ["true", "false"], **({"default": default} if default else {})}
    return {"name": EXPLAIN, "in": "query", "required": False, "description": description, "schema": schema}
