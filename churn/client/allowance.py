"""An allowance of repeats: a tenth of all requests, so that clients don't drown doors that are slow already."""

import threading

SHARE = 0.1
MOST_SAVED = 20.0


class Allowance:
    """Each request earns a tenth of a repeat; up to twenty are saved. Thread safe."""

    def __init__(self) -> None:
        self._saved = MOST_SAVED
        self._lock = threading.Lock()

    def earn(self) -> None:
        """Note a request."""
        with self._lock:
            self._saved = min(self._saved + SHARE, MOST_SAVED)

    def spend(self) -> bool:
        """Take one repeat; False: none is left."""
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True
