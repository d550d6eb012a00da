"""Users: people who sign in with a password."""

import re
import secrets
from dataclasses import dataclass
from functools import cache
from typing import cast

from sqlalchemy import Engine, Row, insert, select, update

from churn.errors import ConflictError, NotFoundError, RefusedError, UsageError
from churn.stores.passwords import PEOPLE, as_bytes, holds, require_strong
from churn.stores.roles import Role
from churn.stores.tables import users
from churn.stores.transactions import database_now_text, reading, writing

NAME = re.compile(r"^[a-z][a-z0-9._@-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class User:
    """A person.

    Attributes:
        tokens_from: mark of the tokens that hold; a new password or a disabled account changes it, and voids them.
    """

    name: str
    role: Role
    password_hash: str
    is_active: bool
    tokens_from: str
    created_at: str


class UserStore:
    """The table of users. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, password: str, *, role: Role) -> None:
        """Add a user.

        Raises:
            UsageError: the name or the password can't be one.
            ConflictError: there is a user of this name.
        """
        if not NAME.match(name):
            raise UsageError("a user's name begins with a letter, then a-z 0-9 . _ @ -, at most 63 in all")
        require_strong(password, name=name)
        values = {"name": name, "role": role, "password_hash": PEOPLE.hash(as_bytes(password)), "is_active": 1}
        try:
            with writing(self._engine) as connection:
                now = database_now_text(connection)
                connection.execute(insert(users), {**values, "tokens_from": now, "created_at": now})
        except RefusedError as error:
            raise ConflictError(f"there is a user {name!r} already: `churn user passwd` sets a new password") from error

    def all(self) -> list[User]:
        """Return everybody, by name."""
        with reading(self._engine) as connection:
            return [user_of(row) for row in connection.execute(select(users).order_by(users.c.name))]

    def find(self, name: str) -> User | None:
        """Return one user; None when there is none of this name."""
        if not NAME.match(name):
            return None
        with reading(self._engine) as connection:
            row = connection.execute(select(users).where(users.c.name == name)).first()
        return user_of(row) if row else None

    def verify(self, name: str, password: str) -> User | None:
        """Return who signs in; None when the name or the password is wrong, after the same time for both."""
        nobody, user = _hash_of_nobody(), self.find(name)
        is_right = holds(PEOPLE, user.password_hash if user else nobody, password)
        if user is None or not is_right or not user.is_active:
            return None
        if PEOPLE.check_needs_rehash(user.password_hash):
            self._change(name, {"password_hash": PEOPLE.hash(as_bytes(password))}, voids_tokens=False)
        return user

    def set_password(self, name: str, password: str) -> None:
        """Set a new password; all tokens of the user are void.

        Raises:
            UsageError: the password can't be one.
            NotFoundError: there is no such user.
        """
        require_strong(password, name=name)
        self._change(name, {"password_hash": PEOPLE.hash(as_bytes(password))}, voids_tokens=True)

    def set_active(self, name: str, *, is_active: bool) -> None:
        """Let a user sign in or not; either way all tokens are void. Raises NotFoundError when there is none."""
        self._change(name, {"is_active": int(is_active)}, voids_tokens=True)

    def set_role(self, name: str, role: Role) -> None:
        """Give a user another role, also for tokens that were issued. Raises NotFoundError when there is none."""
        self._change(name, {"role": role}, voids_tokens=False)

    def _change(self, name: str, values: dict[str, object], *, voids_tokens: bool) -> None:
        with writing(self._engine) as connection:
            void = {"tokens_from": database_now_text(connection)} if voids_tokens else {}
            if connection.execute(update(users).where(users.c.name == name).values(**values, **void)).rowcount == 0:
                raise NotFoundError(f"there is no user {name!r}: `churn user list` shows them")


def user_of(row: Row[tuple[object, ...]]) -> User:
    """Read a row of the table."""
    values = row._asdict()
    return User(**{**values, "role": cast("Role", values["role"]), "is_active": bool(values["is_active"])})


@cache
def _hash_of_nobody() -> str:
    return PEOPLE.hash(secrets.token_bytes(32))
