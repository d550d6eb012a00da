"""Identities: who showed a credential, proven once and confirmed with every copy of the directory."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.to_thread

from churn.errors import StoreError
from churn.stores.key_text import parts
from services.access.credentials import Credential
from services.access.listing import Listing
from services.access.subjects import DirectoryAwayError, NotAdmittedError, Subject
from services.access.tokens import LEEWAY_SECONDS, Claims, Tokens

if TYPE_CHECKING:
    from churn.stores.api_keys import ApiKey
    from churn.stores.directory import Directory

log = logging.getLogger(__name__)

MOST_KNOWN = 4096
GRACE_SECONDS = 600.0
"""So long who is known may go on predicting while the directory is away."""

VERIFICATIONS = 2
"""Keys that one worker verifies at a time."""


class Proof(Protocol):
    """What was proven about a credential, apart from what the directory says today."""

    def subject(self, directory: "Directory", now: float) -> Subject:
        """Return who it is by this directory; raises NotAdmittedError."""


@dataclass(slots=True)
class Known:
    """A credential that was proven here before."""

    proof: Proof
    confirmed_at: float


@dataclass(frozen=True, slots=True)
class TokenProof:
    """The signature holds, and every claim."""

    claims: Claims

    def subject(self, directory: "Directory", now: float) -> Subject:
        """Return the user; raises NotAdmittedError."""
        user = directory.users.get(self.claims.name)
        is_void = now > self.claims.expires_at + LEEWAY_SECONDS or self.claims.token_id in directory.revoked
        if is_void or user is None or not user.is_active or user.tokens_from != self.claims.mark:
            raise NotAdmittedError
        return Subject(user.name, user.role, "user", f"user:{user.name}")


@dataclass(frozen=True, slots=True)
class KeyProof:
    """The secret is that of this hash."""

    key_id: str
    secret_hash: str

    def subject(self, directory: "Directory", now: float) -> Subject:
        """Return the key's subject; raises NotAdmittedError."""
        key = directory.keys.get(self.key_id)
        if key is None or key.secret_hash != self.secret_hash or key.revoked_at is not None:
            raise NotAdmittedError
        if key.expires_at is not None and now > datetime.fromisoformat(key.expires_at).timestamp():
            raise NotAdmittedError
        return Subject(f"key:{key.label}", key.role, "key", f"key:{key.key_id}")


class Identities:
    """Remembers what was proven, by digest, and proves the rest."""

    def __init__(
        self, listing: Listing, tokens: Callable[[], Tokens], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Make it.

        Args:
            listing: the copy of the directory.
            tokens: what reads tokens; asked for in a thread, for it may import and read a file.
            clock: seconds, for ages.
        """
        self._listing = listing
        self._tokens = tokens
        self._clock = clock
        self._known: dict[bytes, Known] = {}
        self._limiter = anyio.CapacityLimiter(VERIFICATIONS)

    def is_known(self, credential: Credential) -> bool:
        """Say whether it was proven here before."""
        return credential.digest in self._known

    def at_once(self, credential: Credential, *, is_lenient: bool) -> Subject | None:
        """Return who it is, without waiting; None when that needs waiting.

        Args:
            credential: what was shown.
            is_lenient: who was known lately is still, while the directory is away.

        Raises:
            NotAdmittedError: it was valid, and is no more.
        """
        known, directory = self._known.get(credential.digest), self._listing.current()
        if known is None:
            return None
        if directory is None:  # nobody waits for a database that just failed others
            return self.while_away(credential) if is_lenient and self._listing.is_away else None
        return self._confirm(credential, known, directory)

    async def identify(self, credential: Credential) -> Subject:
        """Return who it is.

        Raises:
            NotAdmittedError: it is not valid.
            DirectoryAwayError: nobody can say.
        """
        known = self._known.get(credential.digest)
        proof = known.proof if known else await self._prove(credential)
        try:
            subject = proof.subject(await self._listing.fresh_enough(), time.time())
        except NotAdmittedError:
            subject = proof.subject(await self._listing.newer(), time.time())
        self._remember(credential, Known(proof, self._listing.read_at))
        return subject

    def while_away(self, credential: Credential) -> Subject | None:
        """Return who it was some minutes ago, while the directory is away; None: not known here, or too long ago."""
        known, directory = self._known.get(credential.digest), self._listing.last()
        if known is None or directory is None or self._clock() - known.confirmed_at > GRACE_SECONDS:
            return None
        return known.proof.subject(directory, time.time())

    async def claims(self, credential: Credential) -> Claims:
        """Return what a token says. Raises NotAdmittedError, DirectoryAwayError."""
        try:
            tokens = await anyio.to_thread.run_sync(self._tokens)
        except StoreError as error:
            log.error("tokens can't be read", extra={"reason": str(error)})  # noqa: TRY400  the reason says it all
            raise DirectoryAwayError from error
        return tokens.read(credential.text)

    def forget(self, credential: Credential) -> None:
        """Have it proven anew."""
        self._known.pop(credential.digest, None)
        self._listing.forget()

    def _confirm(self, credential: Credential, known: Known, directory: "Directory") -> Subject:
        try:
            subject = known.proof.subject(directory, time.time())
        except NotAdmittedError:
            del self._known[credential.digest]
            raise
        known.confirmed_at = self._listing.read_at
        return subject

    def _remember(self, credential: Credential, known: Known) -> None:
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[credential.digest] = known

    async def _prove(self, credential: Credential) -> Proof:
        if credential.kind == "token":
            return TokenProof(await self.claims(credential))
        return await self._prove_key(credential.text)

    async def _prove_key(self, text: str) -> KeyProof:
        found = parts(text)
        if found is None:
            raise NotAdmittedError
        key_id, secret = found
        directory = await self._listing.fresh_enough()
        if key_id not in directory.keys:
            directory = await self._listing.newer()
        key = directory.keys.get(key_id)
        is_right = await anyio.to_thread.run_sync(_is_right, key, secret, limiter=self._limiter)
        if key is None or not is_right:
            raise NotAdmittedError
        return KeyProof(key_id, key.secret_hash)


def _is_right(key: "ApiKey | None", secret: str) -> bool:
    from churn.stores.api_keys import verify_key  # noqa: PLC0415  it brings sqlalchemy

    return verify_key(key, secret)
