"""Tokens: JWTs that this installation signs, and believes when every claim is as it writes them."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import jwt

from services.access.signing import SigningKeys
from services.access.subjects import NotAdmittedError

ALGORITHM = "HS256"
ISSUER = "holdfast"
AUDIENCE = "holdfast-doors"
LEEWAY_SECONDS = 10
HEADERS = {"alg", "typ", "kid"}
"""Nothing else stands in a header of ours: no `crit`, no `jku`, no `x5u`."""

REQUIRED = ["exp", "iat", "sub", "aud", "iss", "jti", "mark"]
LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says.

    Attributes:
        name: of the user.
        mark: the user's `tokens_from` when it was issued.
        expires_at: in seconds since 1970.
    """

    token_id: str
    name: str
    mark: str
    expires_at: float


class Tokens:
    """Signs and reads."""

    def __init__(self, keys: SigningKeys, *, minutes: int) -> None:
        self._keys = keys
        self._seconds = minutes * 60
        self._jwt = jwt.PyJWT({"enforce_minimum_key_length": True, "require": REQUIRED, "strict_aud": True})

    def issue(self, name: str, *, mark: str) -> str:
        """Return a new token for a user."""
        now = int(time.time())
        times = {"iat": now, "exp": now + self._seconds}
        claims = {"sub": name, "mark": mark, "aud": AUDIENCE, "iss": ISSUER, "jti": secrets.token_hex(16), **times}
        return self._jwt.encode(claims, self._keys.by_id[self._keys.newest], ALGORITHM, {"kid": self._keys.newest})

    def read(self, text: str) -> Claims:
        """Return what a token says.

        Raises:
            NotAdmittedError: any check failed.
        """
        try:
            claims = self._jwt.decode(
                text, self._key_of(text), [ALGORITHM], audience=AUDIENCE, issuer=ISSUER, leeway=LEEWAY_SECONDS
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise NotAdmittedError from error
        return _checked(claims, longest_seconds=self._seconds)

    def _key_of(self, text: str) -> bytes:
        header = jwt.get_unverified_header(text)
        if set(header) != HEADERS or not isinstance(header["kid"], str) or header["alg"] != ALGORITHM:
            raise NotAdmittedError
        key = self._keys.by_id.get(header["kid"])
        if key is None:
            raise NotAdmittedError
        return key


def _checked(claims: dict[str, Any], *, longest_seconds: int) -> Claims:
    texts = [claims[name] for name in ("jti", "sub", "mark")]
    times = [claims[name] for name in ("iat", "exp")]
    if not all(isinstance(each, str) and 0 < len(each) <= LONGEST_NAME for each in texts):
        raise NotAdmittedError
    if not all(type(each) is int for each in times) or not 0 < times[1] - times[0] <= longest_seconds:
        raise NotAdmittedError
    token_id, name, mark = texts
    return Claims(token_id, name, mark, expires_at=float(times[1]))
