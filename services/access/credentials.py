"""Credentials: what a request shows, before anybody believes it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from services.access.subjects import NotAdmittedError

LONGEST = 4096
"""Bytes; ours have less than 500."""

TEXT = re.compile(rb"^[A-Za-z0-9._~+/=-]+\Z")
KEY_PREFIX = b"hf_"


@dataclass(frozen=True, slots=True)
class Credential:
    """A token or an API key. The digest stands for it in memory."""

    kind: Literal["token", "key"]
    text: str = field(repr=False)
    digest: bytes


def presented(headers: Iterable[tuple[bytes, bytes]]) -> Credential | None:
    """Return what a request shows; None when it shows nothing.

    Raises:
        NotAdmittedError: it shows two, or something that is neither a token nor a key.
    """
    shown = [each for each in headers if each[0] in {b"authorization", b"x-api-key"}]
    if not shown:
        return None
    if len(shown) > 1 or len(shown[0][1]) > LONGEST:
        raise NotAdmittedError
    name, value = shown[0]
    text = value if name == b"x-api-key" else _bearer(value)
    is_key = text.startswith(KEY_PREFIX)
    if not TEXT.match(text) or (name == b"x-api-key" and not is_key):
        raise NotAdmittedError
    return Credential("key" if is_key else "token", text.decode("ascii"), sha256(text).digest())


def _bearer(value: bytes) -> bytes:
    scheme, _, text = value.partition(b" ")
    if scheme.lower() != b"bearer":
        raise NotAdmittedError
    return text.strip(b" ")
