"""`churn canary`: a version that answers a share of the customers, and how it fares."""

from typing import Annotated

import typer

from cli import console
from cli.options import ActorOption, ReasonOption

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command("set")
def set_(
    version: Annotated[int, typer.Argument(help="Version that is to answer a share of the customers.", min=1)],
    *,
    share: Annotated[float, typer.Option(help="Of the customers, above 0; 1: all of them.", max=1.0)],
    salt: Annotated[
        str | None, typer.Option(help="Another one draws other customers. Default: a change of share keeps it.")
    ] = None,
    reason: ReasonOption = "not given",
    actor: ActorOption = None,
) -> None:
    """Let a version answer a share of the customers, always the same ones; again with another share changes it."""
    from pipelines.canary import set_canary
    from pipelines.moves import Order
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    found = set_canary(version, share, Order(actor or settings.actor, reason), settings=settings, salt=salt)
    console.out.print(
        f"version {found.version} of {found.name} is the canary: it answers {share:.1%} of the customers within about "
        "a second; `churn canary report` tells how it fares",
        markup=False,
    )


@app.command()
def clear(reason: ReasonOption = "not given", actor: ActorOption = None) -> None:
    """End it: production answers everybody again; what was recorded stays."""
    from pipelines.canary import clear_canary
    from pipelines.moves import Order
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    found = clear_canary(Order(actor or settings.actor, reason), settings=settings)
    console.out.print(f"version {found.version} is no canary any more" if found else "there is no canary", markup=False)
