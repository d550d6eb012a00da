"""`churn promote`: give a version the alias `production`."""

from typing import Annotated

import typer

from cli import console
from cli.options import ActorOption, ReasonOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def promote(
    version: Annotated[int, typer.Option("--version", help="Version to promote; 0 takes the newest.", min=0)] = 0,
    reason: ReasonOption = "not given",
    actor: ActorOption = None,
) -> None:
    """Judge a version on its held-out rows, and move the alias when nothing speaks against it; else exit status 2."""
    from churn.evaluation.gate import Gate
    from pipelines.moves import Order
    from pipelines.parameters import read_parameters
    from pipelines.promote import promote as move
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    gate = read_parameters("gate", Gate)
    found = move(version or None, Order(actor or settings.actor, reason), gate, settings=settings)
    if not found.verdict.passed:
        console.err.print(f"version {found.version} was refused: {'; '.join(found.verdict.reasons)}", markup=False)
        raise typer.Exit(2)
    before = f"; version {found.before} was there before" if found.before else ""
    console.out.print(f"{found.model} version {found.version} is in production{before}", markup=False)
