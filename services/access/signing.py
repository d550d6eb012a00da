"""Signing keys: from the settings, or made once and kept in the home."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from churn.errors import StoreError
from services.settings import ServiceSettings

SHORTEST = 32


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Keys by id; a token names the id, and is looked up here and nowhere else."""

    newest: str
    by_id: Mapping[str, bytes]


def signing_keys(settings: ServiceSettings) -> SigningKeys:
    """Return the key that signs, and those that still verify.

    Raises:
        StoreError: there is none in the settings, and the file in the home can't be made or read.
    """
    named = [settings.token_secret, settings.token_secret_before]
    given = [each.get_secret_value().encode() for each in named if each is not None]
    found = given if settings.token_secret else [_kept(settings.token_file), *given]
    ids = [sha256(b"holdfast token key" + each).hexdigest()[:12] for each in found]
    return SigningKeys(ids[0], dict(zip(ids, found, strict=True)))


def _kept(path: Path) -> bytes:
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes().strip()
    except OSError as error:
        raise StoreError(f"the key that signs tokens can't be kept in {path}: {error.strerror}") from error
    if len(secret) < SHORTEST:
        raise StoreError(f"{path} does not hold {SHORTEST} bytes: delete it, and everybody signs in again")
    return secret


def _make(path: Path) -> None:
    """Make the file whole, for its owner alone; of several processes the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_urlsafe(48).encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
