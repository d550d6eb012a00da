"""`churn doctor`: check an installation, and say cause and remedy of each finding."""

import json
from dataclasses import asdict

import typer
from rich.table import Table

from cli import console
from cli.options import JsonOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)

MARKS = {"ok": "[green]ok[/green]", "warning": "[yellow]warning[/yellow]", "error": "[red]error[/red]"}


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Check versions, stores, the production alias, ports and disk; exit status 1 when something is broken."""
    from cli.examination import examine

    findings = list(examine())
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in findings]))
    else:
        table = Table("what", "", "found", "remedy")
        for one in findings:
            table.add_row(one.what, MARKS[one.state], one.cause, one.remedy)
        console.out.print(table)
    if any(one.state == "error" for one in findings):
        raise typer.Exit(1)
