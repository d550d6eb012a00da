"""Deliveries that were taken: each once, by whichever worker of this home sees it first."""

import time
from hashlib import sha256
from pathlib import Path

from churn.errors import ConflictError
from services.hooks.signature import TOLERANCE_SECONDS

KEPT_SECONDS = 4 * TOLERANCE_SECONDS
"""A delivery older than the tolerance is refused for its age: its mark is needed no longer."""


class Deliveries:
    """Marks of deliveries: one empty file for each, made by the one who takes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, delivery_id: str) -> None:
        """Mark a delivery as taken.

        Raises:
            ConflictError: it was taken before.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._forget_old()
        try:
            self._mark(delivery_id).touch(exist_ok=False)
        except FileExistsError as error:
            raise ConflictError("this delivery was taken before: it starts nothing a second time") from error

    def give_back(self, delivery_id: str) -> None:
        """Let a delivery be taken again, since nothing came of it."""
        self._mark(delivery_id).unlink(missing_ok=True)

    def _mark(self, delivery_id: str) -> Path:
        return self._folder / sha256(delivery_id.encode()).hexdigest()

    def _forget_old(self) -> None:
        before = time.time() - KEPT_SECONDS
        for mark in self._folder.iterdir():
            try:
                if mark.stat().st_mtime < before:
                    mark.unlink(missing_ok=True)
            except FileNotFoundError:
                continue  # another worker forgot it first
