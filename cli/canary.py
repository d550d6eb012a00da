"""`churn canary`: a version that answers a share of the customers, and how it fares."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import ActorOption, JsonOption, ReasonOption

if TYPE_CHECKING:
    from churn.evaluation.canarying import Difference
    from services.canary_report import CanaryReport
    from services.door_figures import DoorFigures, VersionFigures

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command("set")
def set_(
    version: Annotated[int, typer.Argument(help="Version that is to answer a share of the customers.", min=1)],
    *,
    share: Annotated[float, typer.Option(help="Of the customers, above 0; 1: all of them.")],
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


@app.command()
def report(
    since: Annotated[
        datetime | None,
        typer.Option(help="From this moment on, in this machine's time; default: since its share was set."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the customers whom the canary answers with those whom production answers."""
    from churn.stores.database import open_migrated
    from churn.stores.registry import ModelRegistry
    from pipelines.canary import canary_and_production, share_and_since
    from pipelines.settings import PipelineSettings
    from services.canary_report import CanaryQuestion, report_canary
    from services.door_figures import ask_doors

    settings = PipelineSettings()
    canary, scorer = canary_and_production(ModelRegistry(settings.tracking_uri), settings)
    share, began = share_and_since(canary)
    question = CanaryQuestion(canary.version, share, since.astimezone() if since else began)
    doors = ask_doors(settings.door_urls, (canary.version, scorer.version))
    found = report_canary(scorer, open_migrated(settings.database_url), question, doors)
    console.out.print(json.dumps(asdict(found)) if as_json else "\n".join(_lines(found)), markup=False)


def _lines(found: "CanaryReport") -> list[str]:
    seen, since = found.comparison, f" since {found.since[:16]} UTC" if found.since else ""
    chance = "" if seen.p_value is None else f", p = {seen.p_value:.3g}"
    return [
        f"{found.model}: version {found.version} answers {found.share:.1%} of the customers, "
        f"version {found.production_version} the others{since}",
        f"  customers            {seen.canary_customers:,} against {seen.production_customers:,}; "
        f"predictions {seen.canary_predictions:,} against {seen.production_predictions:,}",
        f"  probability          {_against(seen.probability, '.4f')}",
        f"  called at risk       {_against(seen.at_risk, '.1%')}",
        f"  distributions        {seen.distance:.3f} apart{chance} (Kolmogorov-Smirnov)",
        *(
            [f"  profit promised      {_against(seen.profit, '.2f')} {found.currency} a customer"]
            if seen.profit
            else []
        ),
        f"  outcomes             {seen.canary_outcomes:,} against {seen.production_outcomes:,}",
        *([f"  left                 {_against(seen.churned, '.1%')}"] if seen.churned else []),
        *(line for door in found.doors for line in _door_lines(door)),
        found.note,
    ]


def _against(difference: "Difference", form: str) -> str:
    interval, signed = "", f"+{form}"
    if difference.low is not None and difference.high is not None:
        interval = f" ({difference.low:{signed}} to {difference.high:{signed}})"
    return f"{difference.canary:{form}} against {difference.production:{form}}: {difference.value:{signed}}{interval}"


def _door_lines(door: "DoorFigures") -> list[str]:
    if door.problem:
        return [f"  {door.door}: {door.problem}"]
    return [f"  {door.door}, version {one.version}: {_figures(one)}" for one in door.versions]


def _figures(one: "VersionFigures") -> str:
    time = "" if one.mean_milliseconds is None else f", scored in {one.mean_milliseconds:.2f} ms on average"
    most = "" if one.p95_milliseconds is None else f", 95 % within {one.p95_milliseconds:g} ms"
    return (
        f"{one.predictions:,} predictions, {one.failures:,} failures, "
        f"{one.fallbacks:,} answered by production instead{time}{most}"
    )
