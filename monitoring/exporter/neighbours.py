"""Neighbours: whether services that show no metrics answer at all, a hanging one taken for one that is away."""

import socket
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from churn import metrics
from monitoring.exporter.facts import Facts

PATIENCE_SECONDS = 2.0
"""Prometheus waits ten seconds for the exporter's whole page."""

WORDS = {"http": "HEAD {path} HTTP/1.0\r\n\r\n", "redis": "PING\r\n"}
"""What each kind is told; whatever it says to that, it answers."""


def neighbour_facts(addresses: Mapping[str, str], *, seconds: float = PATIENCE_SECONDS) -> Facts:
    """Ask all at once.

    Args:
        addresses: by name.
        seconds: until one that said nothing is taken for one that is away.
    """
    heard = dict.fromkeys(addresses, 0.0)

    def ask(name: str, address: str) -> None:
        heard[name] = float(answers(address, seconds=seconds))

    # of a thread each, that nobody waits for: a name that is gone may take the resolver ten seconds
    asking = [threading.Thread(target=ask, args=each, daemon=True) for each in addresses.items()]
    for each in asking:
        each.start()
    deadline = time.monotonic() + seconds
    for each in asking:
        each.join(max(0.0, deadline - time.monotonic()))
    return {metrics.NEIGHBOUR_UP: {(name,): value for name, value in list(heard.items())}}


def answers(address: str, *, seconds: float = PATIENCE_SECONDS) -> bool:
    """Say whether a service takes a connection and says a word to it; one that is stopped takes it and says nothing."""
    parts = urlsplit(address)
    word = WORDS[parts.scheme].format(path=parts.path or "/")
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as connection:
            connection.sendall(word.encode("ascii"))
            return bool(connection.recv(1))
    except OSError:
        return False
