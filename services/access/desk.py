"""The desk: all that one worker needs to know who asks, and how often."""

import threading
from typing import TYPE_CHECKING

from services.access.addresses import Addresses
from services.access.identities import Identities
from services.access.limits import Limits
from services.access.listing import Listing
from services.settings import ServiceSettings
from services.stores import Stores

if TYPE_CHECKING:
    from churn.stores.directory import Directory
    from services.access.tokens import Tokens


class Desk:
    """Made when the application is; nothing is read before somebody shows a credential."""

    def __init__(self, settings: ServiceSettings, stores: Stores) -> None:
        self.settings = settings
        self.stores = stores
        self.addresses = Addresses(settings.trusted_proxies)
        self.limits = Limits(settings)
        self.listing = Listing(self._directory)
        self.identities = Identities(self.listing, self.tokens)
        self._opening = threading.Lock()
        self._tokens: Tokens | None = None

    def tokens(self) -> "Tokens":
        """Return what signs and reads tokens; call it in a thread.

        Raises:
            StoreError: the key that signs can't be kept.
        """
        with self._opening:
            self._tokens = self._tokens or self._open_tokens()
            return self._tokens

    async def close(self) -> None:
        """Let go of what is open."""
        await self.limits.close()

    def _open_tokens(self) -> "Tokens":
        from services.access.signing import signing_keys  # noqa: PLC0415  who never signs in never pays for it
        from services.access.tokens import Tokens  # noqa: PLC0415

        return Tokens(signing_keys(self.settings), minutes=self.settings.token_minutes)

    def _directory(self) -> "Directory":
        from churn.stores.directory import read_directory  # noqa: PLC0415  it brings sqlalchemy

        return read_directory(self.stores.engine())
