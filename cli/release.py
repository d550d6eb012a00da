"""`churn release`: take a version through shadow, canary, gate and promotion, each watched."""

import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.errors import UsageError
from cli import console
from cli.options import ActorOption, JsonOption, ReasonOption
from cli.promote import NOT_GIVEN, SHORTEST_REASON
from cli.watch import DoorsOption, settings_with

if TYPE_CHECKING:
    from churn.stores.releases import Release

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)

EXIT = {"done": 0, "held": 3, "unseen": 3}
ENDED_OTHERWISE = 2


@app.command()
def start(  # noqa: PLR0913, PLR0917  typer passes options by name
    version: Annotated[int, typer.Argument(help="Version to release.", min=1)],
    plan: Annotated[Path | None, typer.Option(help="A plan like parameters/release.yaml.", dir_okay=False)] = None,
    reason: ReasonOption = NOT_GIVEN,
    override: Annotated[bool, typer.Option("--override", help="Promote though the gate says no.")] = False,
    doors: DoorsOption = None,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Release a version: shadow, canary, gate, promotion, watch; a release that was killed is taken up where it was.

    Exit status: 0 it is in production and holds, 2 it was stopped, rejected or rolled back, 3 the gate holds it, or the
    watch saw nothing. Ctrl-C stops the release: shadow and canary are taken back.
    """
    from pipelines.moves import Order
    from pipelines.release import start as begin
    from pipelines.tracking import open_tracking

    if override and (reason == NOT_GIVEN or len(reason.strip()) < SHORTEST_REASON):
        raise UsageError("--override needs --reason: say why the gate is overridden, it is kept in the log")
    settings = settings_with(doors)
    open_tracking(settings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    order = Order(actor or settings.actor, reason, is_override=override)
    found = begin(version, order, plan, settings=settings, say=console.progress)
    _show([found], as_json=as_json)
    raise typer.Exit(EXIT.get(found.status, ENDED_OTHERWISE))


@app.command()
def status(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 5, as_json: JsonOption = False
) -> None:
    """Show the release that is under way, and how the last ones ended."""
    from pipelines.release import releases
    from pipelines.settings import PipelineSettings

    found = releases(settings=PipelineSettings(), limit=limit)
    _show(found, as_json=as_json)


@app.command()
def stop(reason: ReasonOption = "not given", actor: ActorOption = None, as_json: JsonOption = False) -> None:
    """End the release that is under way: shadow and canary are taken back, what is in production stays."""
    from pipelines.moves import Order
    from pipelines.release import stop as end
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    _show([end(Order(actor or settings.actor, reason), settings=settings)], as_json=as_json)


def _show(found: "list[Release]", *, as_json: bool) -> None:
    if as_json:
        console.out.print(json.dumps([asdict(one) for one in found]), markup=False)
        return
    for one in found:
        console.out.print(_line(one), markup=False)
    if not found:
        console.out.print("no release yet: `churn release start VERSION` begins one")


def _line(one: "Release") -> str:
    who = f"by {one.actor} at {one.started_at[:19]}Z ({one.reason})"
    if one.is_open:
        return f"release {one.id}: version {one.version} is at {one.stage} since {one.stage_started_at[:19]}Z, {who}"
    return f"release {one.id}: version {one.version} {one.status.replace('_', ' ')}: {one.words}, {who}"
