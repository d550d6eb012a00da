"""Orphans: a worker whose master is gone ends by itself, so that its port is free for who starts the service again."""

import logging
import os
import signal

from services.settings import master_pid

log = logging.getLogger(__name__)


class Lifeline:
    """Knows whether the process that started this one is still there."""

    def __init__(self) -> None:
        self._master = master_pid() or os.getppid()
        self._is_cut = False

    def look(self) -> None:
        """End this process when its master is gone: requests in flight are answered, what is recorded is synced."""
        if self._is_cut or os.getppid() == self._master:
            return
        self._is_cut = True
        log.warning("master gone: this worker ends", extra={"master": self._master})
        os.kill(os.getpid(), signal.SIGTERM)
