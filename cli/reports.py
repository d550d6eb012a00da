"""`churn reports`: every report in one page, and how things stand in a few lines."""

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console

if TYPE_CHECKING:
    from monitoring.settings import MonitoringSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PROBLEMS = 3


@app.command()
def reports(
    *,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the summary too, as Markdown.")] = False,
    prometheus: Annotated[
        str | None, typer.Option(help="Ask this Prometheus for alerts: http://127.0.0.1:9090")
    ] = None,
    fail: Annotated[bool, typer.Option("--fail-on-problem", help="Exit status 3 when something needs a look.")] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Then serve the report folder, read-only, until Ctrl-C.")
    ] = False,
    port: Annotated[int | None, typer.Option(help="With --serve; default: 9300.", min=1, max=65535)] = None,
) -> None:
    """List drift, performance and quality reports, decisions and promotions in one page; summarise them."""
    from monitoring.reports.writing import write_reports
    from monitoring.settings import MonitoringSettings

    settings = MonitoringSettings()
    written = write_reports(settings, prometheus=prometheus)
    console.out.print(written.summary if as_markdown else f"reports: {written.index}", markup=False)
    if serve:
        _serve(settings.model_copy(update={"reports_port": port or settings.reports_port}))
    if fail and written.standing.problems:
        raise typer.Exit(PROBLEMS)


def _serve(settings: "MonitoringSettings") -> None:
    from monitoring.reports.serving import serve

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # uvicorn ends in order, and then raises what it was sent once more
    serve(settings, say=lambda text: console.out.print(text, markup=False))
