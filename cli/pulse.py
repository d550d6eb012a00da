"""The pulse: a page of a program that has no other, by which others see that it is at work."""

from collections.abc import Iterator
from contextlib import contextmanager

from churn.errors import UsageError


@contextmanager
def pulse(address: str | None) -> Iterator[None]:
    """Show this process's memory and time at `/metrics` of an address while the block runs; None: nowhere.

    Raises:
        UsageError: nobody can listen there.
    """
    if address is None:
        yield
        return
    from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), addr=host, registry=registry)
    except OSError as error:
        raise UsageError(f"CHURN_PULSE={address}: can't listen there: {error.strerror}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
