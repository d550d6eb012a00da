"""Subjects: who asks."""

from dataclasses import dataclass
from typing import Literal

from churn.stores.roles import Role

Kind = Literal["anonymous", "user", "key"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks, as audits and jobs name him.

    Attributes:
        name: a user's name; `key:` and the label of a key.
        role: None: nobody showed anything.
        identity: what rate limits count by: a user, or one key.
    """

    name: str
    role: Role | None
    kind: Kind
    identity: str


ANONYMOUS = Subject("anonymous", None, "anonymous", "")


class NotAdmittedError(Exception):
    """What was shown is not valid: unknown, expired, revoked, or no credential at all. It never says which."""


class DirectoryAwayError(Exception):
    """Nobody can say now whether what was shown is valid."""
