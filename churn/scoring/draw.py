"""The draw: who is in a share of all, always the same, and within every larger share of the same salt."""

import hashlib
import struct
from collections.abc import Iterable

DRAWS = 2**64
SEPARATOR = b"\x1f"


def is_drawn(key: bytes, share: float, salt: str) -> bool:
    """Say whether a key is in a share of all keys: the same on every machine, and for ever.

    Args:
        key: of a customer; see `key_of`.
        share: 0 … 1.
        salt: another one draws other customers.
    """
    drawn = hashlib.sha256(salt.encode() + SEPARATOR + key).digest()[:8]
    return int.from_bytes(drawn) < share * DRAWS


def key_of(customer_id: str | None, row: Iterable[float | str]) -> bytes:
    """Return what a customer is drawn by: the id or, for one who was sent without, what is in the graph-ready row.

    Args:
        customer_id: as it was sent.
        row: values in the order of the contract's columns; numbers count as float32, as the graph takes them.
    """
    return customer_id.encode() if customer_id else SEPARATOR.join(map(_bytes_of, row))


def _bytes_of(value: float | str) -> bytes:
    return value.encode() if isinstance(value, str) else struct.pack("<f", value)
