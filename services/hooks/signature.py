"""Whether a delivery is MLflow's: signed with our secret, now, and for the first time."""

import hmac
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

VERSION = "v1"
TOLERANCE_SECONDS = 300.0
LONGEST = 200
"""Letters of a header; MLflow's have 36 at most, but for the signature with 47."""


class NotSignedError(Exception):
    """A delivery is not to be believed; never leaves the door but as 401."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery, as its headers describe it.

    Attributes:
        sent_at: seconds since 1970.
    """

    id: str
    sent_at: str
    signature: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Read the three headers; names in lower case.

        Raises:
            NotSignedError: one is missing, or no MLflow sent it.
        """
        names = ("x-mlflow-delivery-id", "x-mlflow-timestamp", "x-mlflow-signature")
        found = [headers.get(name, "") for name in names]
        if not all(found) or max(map(len, found)) > LONGEST:
            raise NotSignedError(
                "a delivery of MLflow has X-MLflow-Delivery-Id, X-MLflow-Timestamp, X-MLflow-Signature"
            )
        return cls(*found)

    def require(self, secret: str, body: bytes, *, now: float | None = None) -> None:
        """Make sure that the delivery is signed with the secret, and was sent within the last minutes.

        Raises:
            NotSignedError: it is not.
        """
        if not hmac.compare_digest(sign(secret, self.id, self.sent_at, body).encode(), self.signature.encode()):
            raise NotSignedError("the signature is not of this body, or not with the secret of this door")
        age = (time.time() if now is None else now) - _number(self.sent_at)
        if not abs(age) <= TOLERANCE_SECONDS:
            raise NotSignedError(
                f"sent {age:.0f} s ago: more than {TOLERANCE_SECONDS:g} s is not believed; compare clocks"
            )


def sign(secret: str, delivery_id: str, sent_at: str, body: bytes) -> str:
    """Return what MLflow writes into X-MLflow-Signature."""
    content = f"{delivery_id}.{sent_at}.".encode() + body
    return f"{VERSION},{b64encode(hmac.new(secret.encode(), content, sha256).digest()).decode()}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise NotSignedError("X-MLflow-Timestamp is no number of seconds") from error
