"""`churn performance`: how good were the predictions, now that outcomes are known?"""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli import console
from cli.options import JsonOption

if TYPE_CHECKING:
    from monitoring.performance_found import PerformanceFound
    from monitoring.settings import MonitoringSettings

app = typer.Typer(add_completion=False, rich_markup_mode=None)

DEGRADED_EXIT = 3


@app.command()
def performance(
    *,
    version: Annotated[int | None, typer.Option(help="Only this version; default: all that answered.", min=1)] = None,
    fail_when_degraded: Annotated[
        bool, typer.Option("--fail-when-degraded", help="Exit status 3 when a version is surely worse.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare predictions with outcomes; estimate where none has arrived yet; save a report for each version.

    Exit status: 0 measured, or too few outcomes; 1 it could not be measured; 3 degraded, with --fail-when-degraded.
    """
    from churn.stores.performance import DEGRADED
    from monitoring.settings import MonitoringSettings

    found = _look(version, MonitoringSettings())
    if as_json:
        console.out.print(f"[{', '.join(one.to_json() for one in found)}]", markup=False)
    else:
        _show(found)
    if fail_when_degraded and any(one.run.status == DEGRADED for one in found):
        raise typer.Exit(DEGRADED_EXIT)


def _look(version: int | None, settings: "MonitoringSettings") -> "tuple[PerformanceFound, ...]":
    """Run the job, and note that it ran, for whoever watches that it does."""
    from churn.stores.stage_runs import StageRunLog, noted
    from monitoring.performance import performance as look
    from monitoring.performance_parameters import read_performance_parameters

    with noted(StageRunLog.at(settings.database_url), settings.model, "performance") as account:
        found = look(read_performance_parameters(), settings=settings, version=version)
        account.words = "; ".join(f"version {one.run.model_version}: {one.run.status}" for one in found) or NOBODY
    return found


NOBODY = "nobody was predicted in the window"


def _show(found: "tuple[PerformanceFound, ...]") -> None:
    from monitoring.performance_pages import TITLES, said

    if not found:
        console.out.print(NOBODY)
    for one in found:
        console.out.print(f"version {one.run.model_version}, {one.run.status}: {one.run.words}", markup=False)
        table = Table("measure", "observed", "expected of those not due", "held out")
        for name, title in TITLES.items():
            cells = [said(one.of_all(name, source)) for source in ("observed", "estimated", "reference")]
            if any(cell != "–" for cell in cells):
                table.add_row(*map(Text, (title, *cells)))
        if table.rows:
            console.out.print(table)
        if one.run.report:
            console.out.print(f"report: {one.run.report}", markup=False)
