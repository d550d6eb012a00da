"""How a client wants the answer to its batch."""

from dataclasses import dataclass

from starlette.types import Scope

from services.api.asking import wants_explanation
from services.api.formats.media import Format, wanted_format
from services.api.predict import idempotency_key


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the head of a request says.

    Attributes:
        wanted: format of the answer.
        key: of idempotency; None: none was sent.
        is_explained: with what to do, and why.
    """

    wanted: Format
    key: str | None
    is_explained: bool

    @classmethod
    def of(cls, scope: Scope) -> "Wishes":
        """Read them from a request's head.

        Raises:
            HTTPException: 400 or 406.
        """
        headers: dict[bytes, bytes] = dict(scope["headers"])
        accept = headers.get(b"accept")
        return cls(
            wanted=wanted_format(accept.decode("latin-1") if accept else None),
            key=idempotency_key(headers),
            is_explained=wants_explanation(scope["query_string"]),
        )
