"""`churn score`: a file of customers into a file or a database."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli import console
from cli.options import JsonOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def score(
    source: Annotated[Path, typer.Option("--input", help="CSV, Parquet or XLSX file of customers.")],
    output: Annotated[
        str, typer.Option("--output", help="CSV file, or a database: sqlite:///…, postgresql://…, mysql://…")
    ],
    version: Annotated[int, typer.Option("--version", help="Version to score with; 0 takes production.", min=0)] = 0,
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also write each customer's strongest reasons and best offer, in words.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Score in chunks with flat memory; run the same command again after a kill and it goes on where it stopped."""
    from churn.stores.stage_runs import StageRunLog, noted_if_possible
    from pipelines.score import score as run
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn())
    with (
        noted_if_possible(lambda: StageRunLog.at(settings.database_url), settings.model, "score") as account,
        Progress(*columns, console=console.err, disable=not console.err.is_terminal, transient=True) as bar,
    ):
        task = bar.add_task("rows", total=None)
        found = run(
            source,
            output,
            version=version or None,
            settings=settings,
            progress=lambda rows: bar.update(task, completed=rows),
            explain=explain,
        )
        account.words = f"{found.rows:,} rows with version {found.version}"
    if as_json:
        console.out.print(json.dumps(asdict(found), default=str), markup=False)
        return
    resumed = f" (resumed after row {found.resumed_at:,})" if found.resumed_at else ""
    console.out.print(
        f"{found.rows:,} rows{resumed}: {found.scored:,} scored with version {found.version}, {found.at_risk:,} at risk"
        f", {found.rejected:,} set aside\nscores:   {output}\nrejected: {found.rejected_file}",
        markup=False,
    )
