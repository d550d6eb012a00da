"""`churn drift`: is the live traffic still what the model was trained on?"""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from churn.errors import UsageError
from cli import console
from cli.options import JsonOption

if TYPE_CHECKING:
    from monitoring.drift_found import Found
    from monitoring.settings import MonitoringSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DRIFTED = 3


@app.command()
def drift(
    *,
    since: Annotated[str | None, typer.Option(help="Start of the live window, ISO-8601; UTC without a zone.")] = None,
    hours: Annotated[float | None, typer.Option(help="Or: how many hours back; default 24.", min=0.001)] = None,
    version: Annotated[int | None, typer.Option(help="Look at this version; default: the one in production.")] = None,
    fail_on_drift: Annotated[bool, typer.Option("--fail-on-drift", help="Exit status 3 when there is drift.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare live traffic with the reference of the version that served it, column by column; save a report.

    Exit status: 0 measured, or too little data; 1 it could not be measured; 3 drift, with --fail-on-drift.
    """
    from monitoring.settings import MonitoringSettings

    found = _look(_start(since, hours), version, MonitoringSettings())
    if as_json:
        console.out.print(found.to_json(), markup=False)
    else:
        _show(found)
    if fail_on_drift and found.status == "drift":
        raise typer.Exit(DRIFTED)


def _look(since: datetime | None, version: int | None, settings: "MonitoringSettings") -> "Found":
    """Run the job, and note that it ran, for whoever watches that it does."""
    from churn.stores.stage_runs import StageRunLog, noted
    from monitoring.drift import drift as look
    from monitoring.drift_parameters import read_drift_parameters

    with noted(StageRunLog.at(settings.database_url), settings.model, "drift") as account:
        found = look(since, read_drift_parameters(), settings=settings, version=version)
        account.words = f"{found.status}: {found.message}"
    return found


def _start(since: str | None, hours: float | None) -> datetime | None:
    """Return the start of the window; None leaves it to the parameters.

    Raises:
        UsageError: both are given, or `since` is no moment.
    """
    if since and hours:
        raise UsageError("--since and --hours both say where the window starts: give one")
    if hours:
        return datetime.now(UTC) - timedelta(hours=hours)
    if since is None:
        return None
    try:
        moment = datetime.fromisoformat(since)
    except ValueError as error:
        raise UsageError(f"--since {since!r} is no moment: write 2026-11-21 or 2026-11-21T06:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _show(found: "Found") -> None:
    """Print the measures that matter: PSI of every column, and whatever else found drift; the largest first."""
    console.out.print(f"{found.status}: {found.message}", markup=False)
    if not found.measures:
        return
    table = Table("column", "method", "value", "threshold", "drifted")
    shown = (one for one in found.measures if one.method == "psi" or one.is_drifted)
    for one in sorted(shown, key=lambda one: (-abs(one.value) / one.threshold, one.column)):
        texts = (f"{one.value:.3f}", f"{one.threshold:.3f}", "yes" if one.is_drifted else "")
        table.add_row(one.column, one.method, *texts)
    console.out.print(table)
    console.out.print(f"report: {found.report}", markup=False)
