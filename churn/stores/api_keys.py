"""API keys: what programs show instead of a password."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import cast

from sqlalchemy import Engine, Row, insert, select, update

from churn.errors import NotFoundError, UsageError
from churn.scoring.prediction import utc_text
from churn.stores.key_text import new_key, written
from churn.stores.passwords import RANDOM, holds
from churn.stores.roles import Role
from churn.stores.tables import api_keys
from churn.stores.transactions import database_now, database_now_text, reading, writing

LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key; its secret is known to its holder alone."""

    key_id: str
    label: str
    role: Role
    secret_hash: str
    created_by: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class ApiKeyStore:
    """The table of keys. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def issue(self, label: str, *, role: Role, created_by: str, days: int | None) -> tuple[str, str]:
        """Make a key.

        Args:
            label: who or what it is for.
            role: what it may do.
            created_by: who makes it.
            days: it holds so long; None: until it is revoked.

        Returns:
            Its id and the key itself, which nobody can read again.

        Raises:
            UsageError: the label can't be one.
        """
        if not label.isprintable() or not 0 < len(label.strip()) <= LONGEST_LABEL:
            raise UsageError(f"a key's label is 1 to {LONGEST_LABEL} printable characters: say what it is for")
        key_id, secret = new_key()
        values = {"key_id": key_id, "label": label.strip(), "role": role, "created_by": created_by}
        with writing(self._engine) as connection:
            now = database_now(connection)
            ends = None if days is None else utc_text(now + timedelta(days=days))
            moments = {"created_at": utc_text(now), "expires_at": ends, "revoked_at": None}
            connection.execute(insert(api_keys), {**values, **moments, "secret_hash": RANDOM.hash(secret)})
        return key_id, written(key_id, secret)

    def all(self) -> list[ApiKey]:
        """Return all keys, the oldest first."""
        with reading(self._engine) as connection:
            return [key_of(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.created_at))]

    def revoke(self, key_id: str) -> None:
        """Make a key void for ever; one that is void already stays so. Raises NotFoundError when there is none."""
        with writing(self._engine) as connection:
            found = connection.execute(select(api_keys.c.revoked_at).where(api_keys.c.key_id == key_id)).first()
            if found is None:
                raise NotFoundError(f"there is no key {key_id!r}: `churn key list` shows them")
            now = database_now_text(connection)
            is_this = (api_keys.c.key_id == key_id) & api_keys.c.revoked_at.is_(None)
            connection.execute(update(api_keys).where(is_this).values(revoked_at=now))


def verify_key(key: ApiKey | None, secret: str) -> bool:
    """Say whether a secret is that of a key; as slow when there is no such key."""
    return holds(RANDOM, key.secret_hash if key else _hash_of_nothing(), secret) and key is not None


def key_of(row: Row[tuple[object, ...]]) -> ApiKey:
    """Read a row of the table."""
    values = row._asdict()
    return ApiKey(**{**values, "role": cast("Role", values["role"])})


@cache
def _hash_of_nothing() -> str:
    return RANDOM.hash(secrets.token_urlsafe(32))
