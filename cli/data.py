"""`churn data`: fetch or make customer tables."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from churn.settings import Settings
from cli import console

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help="Fetch or make customer tables."
)


class Source(StrEnum):
    """A public customer table."""

    TELCO = "telco"


@app.command()
def fetch(
    source: Annotated[Source, typer.Argument(help="Which public table.")],
    out: Annotated[Path | None, typer.Option(help="Folder to put it in; default: the data folder.")] = None,
) -> None:
    """Download a public customer table, once; a download that broke off is resumed."""
    from churn.data.telco_download import fetch_telco  # httpx is not there where only serving is

    del source  # there is one so far
    with _bar("downloading") as bar:
        task = bar.add_task("Telco customers", total=None)
        path = fetch_telco(
            out or Settings().data_folder,
            progress=lambda here, whole: bar.update(task, completed=here, total=whole),
        )
    console.out.print(str(path), markup=False)


@app.command()
def sample(
    rows: Annotated[int, typer.Option(help="How many customers.")],
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same customers.")] = 0,
    shift: Annotated[
        float, typer.Option(help="0: like the real customers; 1: dearer, more fiber, monthly and electronic check.")
    ] = 0.0,
) -> None:
    """Make synthetic Telco customers: any number, with the shares and dependencies of the real ones."""
    from churn.data.sampler_file import write_sample  # numpy would slow `churn data --help`

    with _bar("sampling") as bar:
        task = bar.add_task("synthetic customers", total=rows)
        write_sample(out, rows, seed=seed, shift=shift, progress=lambda more: bar.advance(task, more))
    console.out.print(f"{rows:,} customers in {out}", markup=False)


def _bar(verb: str) -> Progress:
    """A bar on stderr that only a terminal sees."""
    columns = (TextColumn(f"{verb} {{task.description}}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console.err, disable=not console.err.is_terminal, transient=True)
