"""Registrations: what our own log noted of a version, asked before its bundle is brought to this disk."""

from typing import TYPE_CHECKING, Protocol

from services.settings import ServiceSettings

if TYPE_CHECKING:
    from churn.stores.promotions import PromotionLog


class Registrations(Protocol):
    """Knows which bundle was registered as which version."""

    def require(self, name: str, version: int, digest: str) -> None:
        """Make sure that a version is what was registered.

        Raises:
            BundleError: it is not, or nobody registered it here.
            StoreError: that can't be known now.
        """


class LoggedRegistrations:
    """Those of the SQL store; opened when it is first asked."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._log: PromotionLog | None = None

    def require(self, name: str, version: int, digest: str) -> None:
        """See Registrations."""
        self._log = self._log or self._open()
        self._log.require_registered(name, version, digest)

    def _open(self) -> "PromotionLog":
        from churn.stores.database import open_database  # noqa: PLC0415  only the attendant needs SQL
        from churn.stores.promotions import PromotionLog  # noqa: PLC0415

        return PromotionLog(open_database(self._settings.database_url))
