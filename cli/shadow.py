"""`churn shadow`: a version beside production, scored on live customers and never answered."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import ActorOption, JsonOption, ReasonOption

if TYPE_CHECKING:
    from churn.evaluation.shadowing import ExpectedCampaigns, Mean
    from services.shadow_report import ShadowReport

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command("set")
def set_(
    version: Annotated[int, typer.Argument(help="Version to score beside production.", min=1)],
    reason: ReasonOption = "not given",
    actor: ActorOption = None,
) -> None:
    """Score a version beside production from now on; another one that is scored so ends."""
    from pipelines.moves import Order
    from pipelines.settings import PipelineSettings
    from pipelines.shadow import set_shadow
    from pipelines.tracking import open_tracking

    settings = PipelineSettings()
    open_tracking(settings)
    found = set_shadow(version, Order(actor or settings.actor, reason), settings=settings)
    console.out.print(
        f"version {found.version} of {found.name} is the shadow: it is scored on live customers and never answered; "
        "`churn shadow report` compares",
        markup=False,
    )


@app.command()
def clear(reason: ReasonOption = "not given", actor: ActorOption = None) -> None:
    """End it; what was recorded stays."""
    from pipelines.moves import Order
    from pipelines.settings import PipelineSettings
    from pipelines.shadow import clear_shadow

    settings = PipelineSettings()
    found = clear_shadow(Order(actor or settings.actor, reason), settings=settings)
    console.out.print(f"version {found.version} is no shadow any more" if found else "there is no shadow", markup=False)


@app.command()
def report(
    version: Annotated[int | None, typer.Option(help="Default: the version with the alias.", min=1)] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Only customers from this moment on, in this machine's time.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the shadow with production, on the customers that both have scored."""
    from churn.stores.database import open_migrated
    from churn.stores.registry import ModelRegistry
    from pipelines.settings import PipelineSettings
    from pipelines.shadow import shadow_and_production
    from services.shadow_report import Question, report_shadow

    settings = PipelineSettings()
    asked, scorer = shadow_and_production(version, ModelRegistry(settings.tracking_uri), settings)
    question = Question(asked, since.astimezone() if since else None)
    engine = open_migrated(settings.database_url)
    found = report_shadow(scorer, engine, question)
    console.out.print(json.dumps(asdict(found)) if as_json else "\n".join(_lines(found)), markup=False)


def _lines(found: "ShadowReport") -> list[str]:
    seen = found.comparison
    correlations = [f"{value:.4f}" if value is not None else "–" for value in (seen.correlation, seen.rank_correlation)]
    return [
        f"{found.model}: version {found.version} in the shadow of version {found.production_version}",
        f"  {seen.rows:,} predictions of {seen.customers:,} customers{_left_out(found)}, "
        f"{found.first_at[:16]} to {found.last_at[:16]} UTC",
        f"  same decision        {_share(seen.agreement)}",
        f"  called at risk       {seen.production_at_risk:.1%} by production, {seen.shadow_at_risk:.1%} by the shadow",
        f"  probabilities        the shadow's are higher by {_number(seen.difference)}",
        f"                       and apart by {_number(seen.absolute_difference)}, both on average",
        f"  correlation          {correlations[0]}; of ranks {correlations[1]}",
        f"  other risk level     {seen.levels_changed:,} predictions",
        *(_profit_line(each, found.currency or "") for each in seen.profit),
        found.note,
    ]


def _left_out(found: "ShadowReport") -> str:
    parts = [
        f"{found.with_other_versions:,} beside other versions" if found.with_other_versions else "",
        f"{found.unreadable:,} unreadable" if found.unreadable else "",
    ]
    said = " and ".join(filter(None, parts))
    return f" (left out: {said})" if said else ""


def _profit_line(each: "ExpectedCampaigns", currency: str) -> str:
    gain = each.difference
    return (
        f"  profit, if true is {each.taken_for_true:<13} {each.production:8.2f} → {each.shadow:8.2f} {currency} per "
        f"customer: {gain.value:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})"
    )


def _share(mean: "Mean") -> str:
    return f"{mean.value:.1%} ({mean.low:.1%} to {mean.high:.1%})"


def _number(mean: "Mean") -> str:
    return f"{mean.value:+.4f} ({mean.low:+.4f} to {mean.high:+.4f})"
