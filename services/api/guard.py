"""The guard: decides before anything is read whether a request may go on."""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.types import Scope

from churn.stores.roles import ROLES
from services.access.credentials import Credential, presented
from services.access.desk import Desk
from services.access.limits import Kind
from services.access.subjects import ANONYMOUS, DirectoryAwayError, NotAdmittedError, Subject
from services.api.access import UNLIMITED, Rule

Admit = Callable[[Scope, Rule], Awaitable[None] | None]

UNKNOWN = "show a valid token (Authorization: Bearer …, from POST /api/v1/token) or API key (X-API-Key: hf_…)"
AWAY = "who you are can't be checked now: the store of users is away; try again soon"
RANKS: dict[str, int] = {role: rank for rank, role in enumerate(ROLES)}


class Guard:
    """Admits requests by their route's rule, and notes who asks in `scope["churn_subject"]`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._predict_is_open = desk.settings.predict_access == "open"

    def admit(self, scope: Scope, rule: Rule) -> Awaitable[None] | None:
        """Let one request through.

        Returns:
            None: it may go on at once. Otherwise something to wait for, which raises when it may not.

        Raises:
            HTTPException: 401, 403 or 429.
        """
        if rule.access == "open":
            return None if rule.path in UNLIMITED else self._count(scope, rule, ANONYMOUS)
        try:
            credential = presented(scope["headers"])
            if credential is None:
                return self._admit_nobody(scope, rule)
            scope["churn_credential"] = credential
            subject = self._desk.identities.at_once(credential, is_lenient=rule.access == "predict")
        except NotAdmittedError:
            return self._refuse(scope)
        if subject is None:
            return self._meet(scope, rule, credential)
        return self._settle(scope, rule, subject)

    def _admit_nobody(self, scope: Scope, rule: Rule) -> Awaitable[None] | None:
        if rule.access != "predict" or not self._predict_is_open:
            raise unauthorised(has_shown=False)
        return self._settle(scope, rule, ANONYMOUS)

    async def _refuse(self, scope: Scope) -> None:
        await self._count_credential(scope)
        raise unauthorised(has_shown=True)

    async def _meet(self, scope: Scope, rule: Rule, credential: Credential) -> None:
        """Identify somebody whom this worker does not know, or did not see lately."""
        identities = self._desk.identities
        if not identities.is_known(credential):
            await self._count_credential(scope)
        try:
            subject = await identities.identify(credential)
        except NotAdmittedError as error:
            raise unauthorised(has_shown=True) from error
        except DirectoryAwayError as error:
            subject = self._while_away(rule, credential, error)
        if (waiting := self._settle(scope, rule, subject)) is not None:
            await waiting

    def _while_away(self, rule: Rule, credential: Credential, error: DirectoryAwayError) -> Subject:
        """Predictions go on for who was known; all else needs to be certain."""
        try:
            known = self._desk.identities.while_away(credential) if rule.access == "predict" else None
        except NotAdmittedError:
            raise unauthorised(has_shown=True) from error
        if known is not None:
            return known
        if rule.access == "predict" and self._predict_is_open:
            return ANONYMOUS
        raise HTTPException(503, AWAY, headers={"retry-after": "5"}) from error

    def _settle(self, scope: Scope, rule: Rule, subject: Subject) -> Awaitable[None] | None:
        """Hold a subject against the rule and its limit."""
        if subject.role is not None and not _may(subject, rule):
            raise HTTPException(403, f"this needs the role {rule.access}; {subject.name} is {subject.role}")
        scope["churn_subject"] = subject
        return self._count(scope, rule, subject)

    def _count(self, scope: Scope, rule: Rule, subject: Subject) -> Awaitable[None] | None:
        kind: Kind = "predictions" if rule.access == "predict" else "requests"
        limits = self._desk.limits
        if limits.is_off(kind):
            return None
        return limits.take(kind, subject.identity or f"address:{self._desk.addresses.of(scope)}")

    async def _count_credential(self, scope: Scope) -> None:
        if (waiting := self._desk.limits.take("credentials", self._desk.addresses.of(scope))) is not None:
            await waiting


def unauthorised(*, has_shown: bool) -> HTTPException:
    """Return the one refusal of who is not known: it never says why."""
    challenge = 'Bearer realm="holdfast"' + (', error="invalid_token"' if has_shown else "")
    return HTTPException(401, UNKNOWN, headers={"www-authenticate": challenge})


def _may(subject: Subject, rule: Rule) -> bool:
    needed = "client" if rule.access == "predict" else rule.access
    return subject.role is not None and RANKS[subject.role] >= RANKS[needed]
