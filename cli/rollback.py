"""`churn rollback`: give the alias back to the version before."""

from typing import Annotated

import typer

from cli import console
from cli.options import ActorOption, ReasonOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def rollback(
    reason: ReasonOption = "not given",
    actor: ActorOption = None,
    expected: Annotated[
        int | None, typer.Option(help="Version that is in production now; another one is a conflict.", min=1)
    ] = None,
) -> None:
    """Move the alias back to the version that was in production before."""
    from pipelines.moves import Order
    from pipelines.promote import rollback as move_back
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    found = move_back(Order(actor or settings.actor, reason, expected=expected), settings=settings)
    console.out.print(f"{found.model} is back at version {found.version}, from {found.before}", markup=False)
