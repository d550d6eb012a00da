"""`churn schedule`: the local scheduler."""

import logging
import signal
import threading
from typing import Annotated

import typer

TAKEN = 75
"""Exit status (EX_TEMPFAIL): another scheduler is at work in this home."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def schedule(
    every: Annotated[
        list[str] | None, typer.Option("--every", help="How often: drift=30m, retrain=1d, reports=off; repeatable.")
    ] = None,
) -> None:
    """Run drift, performance, retrain and reports at their times until SIGTERM; one scheduler per home.

    A run is the command itself as a process of its own: what it says is in the home's logs/schedule/. Servers with
    cron, Jenkins or Airflow call the same commands instead.
    """
    from churn.settings import Settings
    from churn.stores.file_locks import exclusive
    from cli import console
    from cli.pulse import pulse
    from pipelines.scheduling.settings import ScheduleSettings
    from pipelines.scheduling.timetable import timetable

    errands = timetable(ScheduleSettings(), every or [])
    home = Settings().home.resolve()
    with exclusive(home / "schedule.lock") as is_the_one:
        if not is_the_one:
            console.err.print(f"churn: another scheduler is at work in {home}", markup=False)
            raise typer.Exit(TAKEN)
        from pipelines.scheduling.children import Children
        from pipelines.scheduling.scheduler import last_run_in, run_schedule
        from pipelines.settings import PipelineSettings
        from services.logs import configure_logs
        from services.settings import ServiceSettings

        configure_logs("schedule", ServiceSettings().log_format)
        logging.getLogger("pipelines.scheduling").setLevel(logging.INFO)
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # a long run is no news at each interval
        with pulse(Settings().pulse):
            run_schedule(errands, Children(home / "logs" / "schedule"), last_run_in(PipelineSettings()), _stopping())


def _stopping() -> threading.Event:
    event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: event.set())
    return event
