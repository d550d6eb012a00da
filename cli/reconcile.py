"""`churn reconcile`: make record and registry agree again, after a crash or a move behind our back."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.options import ActorOption, JsonOption, ReasonOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def reconcile(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what does not agree.")] = False,
    adopt: Annotated[
        str | None,
        typer.Option(help="Take in versions that somebody registered by hand, if they hold; the reason why."),
    ] = None,
    as_json: JsonOption = False,
    reason: ReasonOption = "churn reconcile",
    actor: ActorOption = None,
) -> None:
    """End moves whose process died, note moves behind our back, and let stage and tags follow."""
    from pipelines.moves import Order
    from pipelines.reconcile import reconcile as mend
    from pipelines.repairs import Wish
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    wish = Wish(Order(actor or settings.actor, reason), is_dry=dry_run, adopt=adopt)
    found = mend(wish, settings=settings)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found]))
        return
    for one in found:
        mark = "mended" if one.is_mended else "found"
        console.out.print(f"{mark} {one.kind} {one.alias}: {one.words}".replace(" :", ":"), markup=False)
    if not found:
        console.out.print("nothing to do: log and registry agree", markup=False)
