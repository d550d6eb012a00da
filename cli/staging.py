"""`churn staging`: deploy a version to a door where nobody is a customer."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.options import ActorOption, JsonOption, ReasonOption, leave_note

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


class StagingKind(StrEnum):
    """A kind of door."""

    BENTO = "bento"
    FASTAPI = "fastapi"


VersionOption = Annotated[int, typer.Option("--version", min=1, help="Version to serve.")]
KindOption = Annotated[StagingKind, typer.Option("--door", help="BentoML, or the FastAPI fallback.")]
WaitOption = Annotated[float, typer.Option("--wait-seconds", min=1, help="How long the door may take to serve it.")]


@app.command()
def up(
    version: VersionOption,
    *,
    door: KindOption = StagingKind.BENTO,
    url_file: Annotated[
        Path | None, typer.Option("--url-file", help="Also write the door's address into this file.")
    ] = None,
    wait_seconds: WaitOption = 120.0,
    reason: ReasonOption = "staging",
    actor: ActorOption = None,
) -> None:
    """Give a version the alias `staging`, start the staging door if need be, and wait until it serves it."""
    from pipelines.moves import Order
    from pipelines.settings import PipelineSettings
    from pipelines.staging.deployment import deploy
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    order = Order(actor or settings.actor, reason)
    found = deploy(version, order, kind=door.value, wait_seconds=wait_seconds, settings=settings)
    leave_note(url_file, found.url)
    console.out.print(f"staging serves version {found.version} at {found.url}, log {found.log}", markup=False)


@app.command()
def down(reason: ReasonOption = "staging is over", actor: ActorOption = None) -> None:
    """Stop the staging door and take the alias away; nothing to do is no error."""
    from pipelines.moves import Order
    from pipelines.settings import PipelineSettings
    from pipelines.staging.deployment import withdraw
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    before = withdraw(Order(actor or settings.actor, reason), settings=settings)
    had = f"; version {before.version} had the alias" if before else ""
    console.out.print(f"staging is down{had}", markup=False)


@app.command()
def give(version: VersionOption, *, reason: ReasonOption = "staging", actor: ActorOption = None) -> None:
    """Give a version the alias `staging`, and start no door: for one that runs elsewhere and follows the alias."""
    from churn.stores.registry import STAGING
    from pipelines.moves import Order, give_alias
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    found = give_alias(STAGING, version, Order(actor or settings.actor, reason), settings=settings)
    console.out.print(f"staging is version {found.version}", markup=False)


@app.command()
def take(reason: ReasonOption = "staging is over", actor: ActorOption = None) -> None:
    """Take the alias `staging` away, and stop no door; nothing to do is no error."""
    from churn.stores.registry import STAGING
    from pipelines.moves import Order, take_alias
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    before = take_alias(STAGING, Order(actor or settings.actor, reason), settings=settings)
    console.out.print(f"version {before.version} had the alias" if before else "no version had it", markup=False)


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Say what staging serves, and where."""
    from pipelines.settings import PipelineSettings
    from pipelines.staging.deployment import look

    found = look(PipelineSettings())
    if as_json:
        typer.echo(json.dumps(found.as_members()))
    elif not found.is_running:
        console.out.print("staging is down", markup=False)
    else:
        serves = f"serves version {found.version}" if found.is_ready else "serves nothing yet"
        console.out.print(f"staging {serves} at {found.url}, log {found.log}", markup=False)
