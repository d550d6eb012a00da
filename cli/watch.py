"""`churn watch`: watch a promotion that was just made, and roll back by itself when it goes wrong."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import ActorOption, JsonOption

if TYPE_CHECKING:
    from pipelines.moves import Order
    from pipelines.settings import PipelineSettings
    from pipelines.watching.doors import Pages

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EXIT = {"good": 0, "rolled_back": 2, "stranded": 2, "unseen": 3, "superseded": 3}

DoorsOption = Annotated[
    str | None, typer.Option("--doors", help="Addresses of the doors, by comma; default: CHURN_DOORS.")
]


@app.command()
def watch(  # noqa: PLR0917  typer passes options by name
    version: Annotated[
        int | None, typer.Option("--version", help="Version that has to be in production; default: any.", min=1)
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="How long; default: of watch.yaml.", min=0.1)] = None,
    every: Annotated[float | None, typer.Option(help="How often, in seconds.", min=0.05)] = None,
    doors: DoorsOption = None,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch production at the doors and in the records; roll back when it goes wrong.

    Exit status: 0 it holds, 2 it was rolled back, 3 nothing could be seen (no door, no prediction), which is no pass.
    """
    from pipelines.moves import Order
    from pipelines.parameters import read_parameters
    from pipelines.tracking import open_tracking
    from pipelines.watch import watch as look
    from pipelines.watching.parameters import WatchParameters

    settings = settings_with(doors)
    open_tracking(settings)
    parameters = read_parameters("watch", WatchParameters, seconds=seconds, every=every)
    order = Order(actor or settings.actor, "watch")
    found = look(version, order, parameters, settings=settings, say=console.progress)
    console.out.print(json.dumps(asdict(found)) if as_json else found.words, markup=False)
    raise typer.Exit(EXIT[found.ending])


def seen_at_doors(settings: "PipelineSettings") -> "Pages":
    """Return what the doors count now, before a promotion: what was there already is not the new version's doing."""
    from pipelines.watching.doors import watchtower

    with watchtower(settings.door_urls) as tower:
        return tower.look()


def look_after(version: int, seconds: float, order: "Order", *, settings: "PipelineSettings", earlier: "Pages") -> None:
    """Watch a version that was just promoted, and end with the status of `churn watch`."""
    from pipelines.parameters import read_parameters
    from pipelines.watch import watch as look
    from pipelines.watching.parameters import WatchParameters

    parameters = read_parameters("watch", WatchParameters, seconds=seconds)
    found = look(version, order, parameters, settings=settings, earlier=earlier, say=console.progress)
    console.out.print(found.words, markup=False)
    raise typer.Exit(EXIT[found.ending])


def settings_with(doors: str | None) -> "PipelineSettings":
    """Return the settings, with other doors when some are named."""
    from churn.settings import addresses_of
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    return settings.model_copy(update={"doors": addresses_of(doors)}) if doors else settings
