"""Signing in: limits, one verification at a time, and an audit of each attempt."""

from hashlib import sha256
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from fastapi import Request
from starlette.exceptions import HTTPException

from churn.errors import StoreError
from churn.stores.roles import Role
from services.access.audit import audit
from services.access.desk import Desk
from services.api.guard import AWAY

if TYPE_CHECKING:
    from churn.stores.users import User

AT_ONCE = 2
"""Passwords that one worker verifies at a time: each takes 19 MiB and 20 to 40 ms."""

MOST_IN_HAND = 16
"""One more is told to come again: who signs in from a thousand addresses must not take the room of who predicts."""

BUSY = "many sign in at this moment: try again"
WRONG = "the name or the password is wrong, or the account is disabled"


class SignIn:
    """Exchanges a name and a password for a token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._limiter = anyio.CapacityLimiter(AT_ONCE)
        self._in_hand = 0

    async def token(self, request: Request, name: str, password: str) -> tuple[str, Role]:
        """Return a new token, and the role.

        Raises:
            HTTPException: 401, wrong; 429, too many attempts from there or for this name; 503, the store is away, or
                too many people sign in at this moment.
        """
        origin = self._desk.addresses.of(request.scope)
        for counted in (f"from:{origin}", f"for:{sha256(name.encode('utf-8', 'replace')).hexdigest()[:32]}"):
            if (waiting := self._desk.limits.take("sign_ins", counted)) is not None:
                await waiting
        user = await self._user(request, (name, password), origin)
        if user is None:
            raise HTTPException(401, WRONG, headers={"www-authenticate": 'Bearer realm="holdfast"'})
        tokens = await anyio.to_thread.run_sync(self._desk.tokens)
        return tokens.issue(user.name, mark=user.tokens_from), user.role

    async def _user(self, request: Request, shown: tuple[str, str], origin: str) -> "User | None":
        if self._in_hand >= MOST_IN_HAND:
            raise HTTPException(503, BUSY, headers={"retry-after": "2"})
        self._in_hand += 1
        try:
            return await anyio.to_thread.run_sync(self._verify, request, shown, origin, limiter=self._limiter)
        finally:
            self._in_hand -= 1

    def _verify(self, request: Request, shown: tuple[str, str], origin: str) -> "User | None":
        from churn.stores.users import NAME, UserStore  # noqa: PLC0415  it brings sqlalchemy

        name, password = shown
        try:
            user = UserStore(self._desk.stores.engine()).verify(name, password)
            audit(
                request, action="sign_in", outcome="done" if user else "refused", details={"from": origin},
                subject=name if NAME.match(name) else "no possible name",  # it may be a password in the wrong field
            )  # fmt: skip
        except StoreError as error:
            raise HTTPException(503, AWAY, headers={"retry-after": "5"}) from error
        return user
