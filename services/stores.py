"""The SQL store as the doors see it: opened when a route first asks, in the thread that asks."""

import threading
from typing import TYPE_CHECKING

from services.settings import ServiceSettings

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Stores:
    """One worker's way to the SQL store. Only plain `def` routes use it: they run in threads, and may wait."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._opening = threading.Lock()
        self._engine: Engine | None = None

    def engine(self) -> "Engine":
        """Return the one engine of this worker; nothing is connected before the first query.

        Raises:
            StoreError: the address can't be read. Whether tables are there, a query says, and what to do.
        """
        with self._opening:
            self._engine = self._engine or self._open()
            return self._engine

    def close(self) -> None:
        """Close the connections; a later query opens them again."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()

    def _open(self) -> "Engine":
        from churn.stores.database import open_database  # noqa: PLC0415  a worker that never asks never pays for it

        return open_database(self._settings.database_url)
