"""`churn exporter`: what the stores know, for Prometheus."""

import signal
import threading
from typing import Annotated

import typer

from cli import console

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def exporter(
    port: Annotated[int | None, typer.Option(help="Default: 9200.", min=1, max=65535)] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
) -> None:
    """Serve drift, performance, promotions, jobs and money at risk to Prometheus until Ctrl-C."""
    from monitoring.settings import MonitoringSettings, prepare_exporter

    prepare_exporter()
    from monitoring.exporter import serve
    from monitoring.exporter.held_out import HeldOutMeasures
    from monitoring.production import moved_outside, production_version

    found = MonitoringSettings()
    settings = found.model_copy(
        update={"exporter_port": port or found.exporter_port, "exporter_host": host or found.exporter_host}
    )
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    serve(
        settings,
        lambda: production_version(settings),
        held_out=HeldOutMeasures(settings).of,
        strays=lambda: moved_outside(settings),
        say=lambda text: console.out.print(text, markup=False),
        until=ending,
    )
