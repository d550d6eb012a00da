"""The audit of what people changed, and of who signed in: rows are added, never changed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import orjson
from sqlalchemy import Engine, Row, insert, select

from churn.stores.tables import admin_actions
from churn.stores.transactions import database_now_text, reading, writing

Outcome = Literal["done", "refused", "failed", "accepted"]
LONGEST = {"actor": 255, "action": 64, "subject": 255, "outcome": 16, "request_id": 64}
"""Letters of the columns."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, or tried to.

    Attributes:
        actor: who.
        action: one word, as `sign_in`.
        subject: to whom or what; never a customer's value.
        outcome: `accepted` is for what goes on in the background.
        request_id: of the request; empty for the command line.
    """

    actor: str
    action: str
    subject: str
    outcome: Outcome
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class AdminAction(Deed):
    """A deed as it is kept."""

    id: int = 0
    at: str = ""
    details: Mapping[str, object] | None = None


class AdminLog:
    """The table of admin actions. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, deed: Deed, details: Mapping[str, object] | None = None) -> None:
        """Keep one deed."""
        fitting = {name: value[: LONGEST[name]] for name, value in asdict(deed).items()}
        text = orjson.dumps(details or {}, default=str).decode()
        with writing(self._engine) as connection:
            row = {**fitting, "details": text, "at": database_now_text(connection)}
            connection.execute(insert(admin_actions), row)

    def newest(self, limit: int = 50) -> list[AdminAction]:
        """Return the newest, newest first."""
        query = select(admin_actions).order_by(admin_actions.c.id.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_from_row(row) for row in connection.execute(query)]


def _from_row(row: Row[tuple[object, ...]]) -> AdminAction:
    values = row._asdict()
    return AdminAction(**{**values, "details": orjson.loads(values["details"])})
