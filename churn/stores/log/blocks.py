"""A block: what the log says of some rows that were stored together."""

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Literal

import orjson
from sqlalchemy import Row

Kind = Literal["genesis", "predictions", "move", "retention"]
"""`genesis` notes what there was before the log, `retention` what was deleted of it; the others hold rows."""

NOTHING = "0" * 64
"""What the first block names as the hash of the one before."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block.

    Attributes:
        number: from 0 on, without a gap.
        rows: how many it holds, or held.
        rows_digest: of these rows, as `digest_of` makes it; empty when it holds none.
        first_at: when the oldest of its rows was predicted or moved.
        last_at: likewise, the newest.
        at: when it was written.
        details: JSON; what a block without rows says.
        previous: hash of the block before.
        hash: sha256 of all the others.
    """

    number: int
    kind: Kind
    rows: int
    rows_digest: str
    first_at: str
    last_at: str
    at: str
    details: str
    previous: str
    hash: str = ""

    @classmethod
    def from_row(cls, row: Row[tuple[object, ...]]) -> "Block":
        """Read a row of `log_blocks`; what its columns can't hold is 0, or text: then the hash does not fit."""
        texts = {name: str(value) for name, value in row._asdict().items()}
        return cls(
            number=_whole(row.number),
            kind=row.kind,
            rows=_whole(row.rows),
            rows_digest=texts["rows_digest"],
            first_at=texts["first_at"],
            last_at=texts["last_at"],
            at=texts["at"],
            details=texts["details"],
            previous=texts["previous"],
            hash=texts["hash"],
        )

    def hashed(self) -> str:
        """Return the hash that this block should have."""
        values = asdict(self)
        del values["hash"]
        return hashlib.sha256(orjson.dumps(values, default=repr)).hexdigest()

    def sealed(self) -> "Block":
        """Return the block with its hash."""
        return replace(self, hash=self.hashed())

    @property
    def facts(self) -> dict[str, object]:
        """What its details say; empty when they can't be read."""
        try:
            found = orjson.loads(self.details)
        except orjson.JSONDecodeError:
            return {}
        return found if isinstance(found, dict) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
