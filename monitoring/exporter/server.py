"""The server: answers scrapes until it is told to end."""

import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from churn.errors import UsageError
from churn.stores.database import open_database
from monitoring.exporter.collector import (
    HeldOut,
    ProductionVersion,
    StoreCollector,
    Strays,
    no_strays,
    nothing_held_out,
)
from monitoring.settings import MonitoringSettings


def serve(
    settings: MonitoringSettings,
    production_version: ProductionVersion,
    *,
    held_out: HeldOut = nothing_held_out,
    strays: Strays = no_strays,
    say: Callable[[str], None],
    until: threading.Event,
) -> None:
    """Answer scrapes at `/metrics` until the event is set; `say` is told once when it can be asked.

    Raises:
        UsageError: the port is taken.
    """
    registry = CollectorRegistry()
    engine = open_database(settings.database_url)
    collector = StoreCollector(
        settings.model, engine, production_version, held_out, strays=strays, neighbours=settings.neighbours
    )
    list(collector.collect())  # mlflow takes seconds to import: longer than Prometheus waits for a first scrape
    registry.register(collector)
    ProcessCollector(registry=registry)
    host, port = settings.exporter_host, settings.exporter_port
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise UsageError(f"can't listen on {host}:{port}: {error.strerror}. Choose another with --port") from error
    say(f"metrics at http://{host}:{port}/metrics")
    until.wait()
    server.shutdown()
    server.server_close()
    thread.join()
