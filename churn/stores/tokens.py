"""Revoked tokens: a signed token holds until it expires, unless its id stands here."""

from datetime import UTC, datetime

from sqlalchemy import Engine, delete

from churn.scoring.prediction import utc_text
from churn.stores.tables import revoked_tokens
from churn.stores.transactions import database_now_text, writing
from churn.stores.upserts import insert_or_ignore


class RevokedTokenStore:
    """The table of revoked tokens. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, token_id: str, *, expires_at: float) -> None:
        """Revoke a token, and forget those that have expired.

        Args:
            token_id: its `jti`.
            expires_at: its `exp`, in seconds since 1970.
        """
        ends = utc_text(datetime.fromtimestamp(expires_at, UTC))
        with writing(self._engine) as connection:
            now = database_now_text(connection)
            connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires_at < _day_before(now)))
            row = {"token_id": token_id, "expires_at": ends, "revoked_at": now}
            connection.execute(insert_or_ignore(revoked_tokens, connection.dialect.name), row)


def _day_before(now: str) -> str:
    """Clocks differ, so an expired token's id stays for a day."""
    return utc_text(datetime.fromtimestamp(datetime.fromisoformat(now).timestamp() - 86_400, UTC))
