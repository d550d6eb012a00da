"""`churn promote`: give a version the alias `production`."""

from typing import Annotated

import typer

from churn.errors import UsageError
from cli import console
from cli.gate import STATUS, show
from cli.options import ActorOption, ReasonOption
from cli.watch import look_after, seen_at_doors

NOT_GIVEN = "not given"
SHORTEST_REASON = 3

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def promote(
    *,
    version: Annotated[int, typer.Option("--version", help="Version to promote; 0 takes the newest.", min=0)] = 0,
    reason: ReasonOption = NOT_GIVEN,
    override: Annotated[
        bool, typer.Option("--override", help="Move although the gate says no; needs --reason, and is recorded.")
    ] = False,
    expected: Annotated[
        int | None, typer.Option(help="Version that is in production now, 0: none; another one is a conflict.", min=0)
    ] = None,
    watch: Annotated[
        float | None, typer.Option(help="Then watch it for so many seconds, as `churn watch` does.", min=0.1)
    ] = None,
    actor: ActorOption = None,
) -> None:
    """Judge a version beside production, and move the alias when the gate says so. Exit status 2: rejected, 3: held."""
    from churn.evaluation.gate import Gate
    from pipelines.moves import Order
    from pipelines.parameters import read_parameters
    from pipelines.promote import promote as move
    from pipelines.settings import PipelineSettings
    from pipelines.tracking import open_tracking

    if override and (reason == NOT_GIVEN or len(reason.strip()) < SHORTEST_REASON):
        raise UsageError("--override needs --reason: say why the gate is overridden, it is kept in the log")
    settings = PipelineSettings()
    open_tracking(settings)
    order = Order(actor or settings.actor, reason, is_override=override, expected=expected)
    earlier = seen_at_doors(settings) if watch else {}
    found = move(version or None, order, read_parameters("gate", Gate), settings=settings)
    if not found.has_moved:
        console.err.print(f"{found.model} version {found.version} was not promoted", markup=False)
        show(found.verdict, is_error=True)
        raise typer.Exit(STATUS[found.verdict.decision])
    before = f"; version {found.before} was there before" if found.before else ""
    console.out.print(f"{found.model} version {found.version} is in production{before}", markup=False)
    if not found.verdict.passed:
        console.out.print(f"the gate was overridden, it said {found.verdict.decision}: ", markup=False, end="")
        console.out.print("; ".join(found.verdict.reasons), markup=False)
    if watch is None:
        console.out.print("`churn watch` watches it, and moves back when it goes wrong", markup=False)
        return
    look_after(found.version, watch, order, settings=settings, earlier=earlier)
