"""An errand: one request as the caller means it, whichever door answers it in the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One request.

    Attributes:
        is_repeatable: sending it twice does no harm: it only reads, or has a key, or the store knows it again.
        file: sent as the form's field `file`: where it is, and its media type.
        query: parameters that are None are not sent.
        seconds: longest wait for the answer of one door; None: the client's own.
    """

    method: str
    path: str
    is_repeatable: bool
    content: bytes | None = None
    file: tuple[Path, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str | None] = field(default_factory=dict)
    seconds: float | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The query that is sent."""
        return {name: value for name, value in self.query.items() if value is not None}
