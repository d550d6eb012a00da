"""An anchor: the log's end at a moment, in a file to keep elsewhere. It finds a log that was made anew or cut short."""

import hashlib
import hmac
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import orjson
from pydantic import SecretStr, TypeAdapter, ValidationError

from churn.errors import UsageError
from churn.scoring.prediction import utc_now
from churn.stores.log.chain import Tail


@dataclass(frozen=True, slots=True)
class Anchor:
    """A block that there was.

    Attributes:
        number: of the block.
        hash: of the block, in which those of all blocks before are.
        at: when it was sealed.
        signature: HMAC-SHA256 of the others, with the installation's key; empty without a key.
    """

    number: int
    hash: str
    at: str
    signature: str = ""

    @classmethod
    def of(cls, tail: Tail, key: SecretStr | None) -> "Anchor":
        """Seal the log's end."""
        anchor = cls(tail.number, tail.hash, utc_now())
        return replace(anchor, signature=anchor.signed(key)) if key else anchor

    @classmethod
    def read(cls, path: Path, key: SecretStr | None) -> "Anchor":
        """Read an anchor, and make sure that it was written with the key, if there is one.

        Raises:
            UsageError: the file is no anchor, or its signature can't be checked, or is not of this key.
        """
        anchor = _read(path)
        if key is None and anchor.signature:
            raise UsageError(f"the anchor {path} is signed: set CHURN_AUDIT_KEY to the key that it was signed with")
        if key is not None and not hmac.compare_digest(anchor.signature, anchor.signed(key)):
            raise UsageError(f"the anchor {path} was not signed with the key in CHURN_AUDIT_KEY: do not trust it")
        return anchor

    def signed(self, key: SecretStr) -> str:
        """Return the signature that this anchor should have."""
        words = orjson.dumps([self.number, self.hash, self.at])
        return hmac.new(key.get_secret_value().encode(), words, hashlib.sha256).hexdigest()

    def write(self, path: Path) -> None:
        """Write it; a file that is there is never replaced, it may be what proves that something is wrong.

        Raises:
            UsageError: there is such a file, or it can't be written.
        """
        try:
            with path.open("xb") as file:
                file.write(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        except FileExistsError as error:
            raise UsageError(f"{path} is there already: anchors are not replaced, give another name") from error
        except OSError as error:
            raise UsageError(f"the anchor {path} can't be written: {error.strerror}") from error


def _read(path: Path) -> Anchor:
    try:
        return TypeAdapter(Anchor).validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise UsageError(f"the anchor {path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        raise UsageError(f"{path} is no anchor: `churn audit seal` writes one") from error
