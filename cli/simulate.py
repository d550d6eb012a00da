"""`churn simulate`: customers with a known truth, into files, into the churn store, or to running doors."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn.errors import UsageError
from cli import console
from cli.options import CONTRACT, ContractOption, JsonOption

if TYPE_CHECKING:
    from churn.contract.contract import Contract
    from churn.data.simulation.people import Source
    from churn.data.simulation.world import World

app = typer.Typer(add_completion=False, rich_markup_mode=None)

USUAL_CUSTOMERS = 2_000
MOST_LIVE_CUSTOMERS = 200_000
"""Of one sending, before the first is sent again."""

LOST = 3
"""Exit status when a request was refused or failed."""


@app.command()
def simulate(  # noqa: PLR0913  one parameter per option
    months: Annotated[int, typer.Option(help="How many, of 30 days each.", min=1)] = 6,
    customers: Annotated[
        int | None,
        typer.Option(
            help="In the first month; with --fresh in each. Default: 2000; for --send one per request.",
            min=1,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same customers.", min=0)] = 0,
    shift: Annotated[
        list[str] | None,
        typer.Option(
            help="What changes, from which month on: price:1.3@4, share:COLUMN=VALUE:2@4-6 (in steps), "
            "missing:COLUMN@4, new:COLUMN=VALUE:0.2, scale:COLUMN:1.5, concept:COLUMN:-1, base:0.5 (log-odds). "
            "As often as you like.",
            show_default=False,
        ),
    ] = None,
    *,
    fresh: Annotated[
        bool | None,
        typer.Option(
            "--fresh/--follow",
            help="Other customers every month, so that only shifts move anything; or the same ones until they leave. "
            "Default: follow for files, else fresh.",
            show_default=False,
        ),
    ] = None,
    base_rate: Annotated[
        float | None, typer.Option(help="Share that leaves in the first month; default: as in the table.")
    ] = None,
    arrivals: Annotated[
        int | None, typer.Option(help="New customers a month with --follow; default: as many as leave.", min=0)
    ] = None,
    season: Annotated[
        float, typer.Option(help="Height of a yearly wave in the log-odds of leaving, highest in month 1.")
    ] = 0.0,
    report_days: Annotated[float, typer.Option(help="Days that reports of outcomes take, on average.", min=0)] = 0.0,
    lost_reports: Annotated[
        float, typer.Option(help="Share of outcomes that nobody ever reports.", min=0, max=1)
    ] = 0.0,
    contract: ContractOption = CONTRACT,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Table with the target: its rows are drawn again and again, and leave as a logistic regression on it "
            "says. Default: synthetic Telco customers.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for customers-<month>.csv, outcomes.csv, truth.csv.")] = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="Score every month with production; store predictions and outcomes, the last month now."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="A history also beside predictions that are there.")] = False,
    send: Annotated[
        list[str] | None,
        typer.Option(help="Send customers to this door; several: in turn, and elsewhere when one is away."),
    ] = None,
    rate: Annotated[float, typer.Option(help="Requests a second, whatever becomes of those before.", min=0.1)] = 50.0,
    minutes: Annotated[float, typer.Option(help="How long is sent.", min=0)] = 1.0,
    outcomes: Annotated[
        bool, typer.Option("--outcomes", help="Also tell the doors, after the last prediction, who leaves.")
    ] = False,
    key: Annotated[str | None, typer.Option(help="API key for the doors; better set CHURN_API_KEY.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make customers month by month whose chances of leaving are known; a laboratory for the whole platform."""
    _refuse_other_than_one({"--out": bool(out), "--history": history, "--send": bool(send)})
    from churn.contract.reading import load_contract
    from churn.data.simulation.shifts import Shift
    from churn.data.simulation.world import Reports, Season, World

    known = load_contract(contract)
    is_fresh = not out if fresh is None else fresh
    world = World(
        customers=customers or (min(round(rate * minutes * 60), MOST_LIVE_CUSTOMERS) if send else USUAL_CUSTOMERS) or 1,
        months=months,
        seed=seed,
        start=_midnight() - timedelta(days=30 * months),
        horizon_days=known.target.horizon_days,
        is_followed=not is_fresh,
        arrivals=arrivals,
        base_rate=base_rate,
        season=Season(amplitude=season),
        shifts=tuple(map(Shift.parse, shift or ())),
        reports=Reports(mean_extra_days=report_days, lost_share=lost_reports),
        source=_source(known, data),
    )
    if out:
        _tell(_written(world, out), as_json=as_json)
    elif history:
        _tell(_remembered(world, is_sure=yes), as_json=as_json)
    else:
        found = _sent(world, known, _Live(send or [], key, rate, minutes, outcomes))
        _tell(found, as_json=as_json)
        if found["failed"] or found["refused"]:
            raise typer.Exit(LOST)


@dataclass(frozen=True, slots=True)
class _Live:
    """Where and how live traffic is sent."""

    urls: list[str]
    key: str | None
    rate: float
    minutes: float
    has_outcomes: bool


def _refuse_other_than_one(asked: dict[str, bool]) -> None:
    """Raise UsageError unless exactly one is asked for."""
    found = [name for name, is_asked in asked.items() if is_asked]
    if len(found) != 1:
        raise UsageError(
            f"{' and '.join(found) if found else 'nothing'} is asked for: give one of --out FOLDER (files), --history "
            "(the churn store) and --send URL (live traffic)"
        )


def _source(contract: "Contract", data: Path | None) -> "Source":
    """Return the table's customers, or Telco's when they fit the contract.

    Raises:
        UsageError: they do not, and there is no table.
    """
    from churn.data.simulation.table import table_source
    from churn.data.simulation.telco import TelcoSource

    if data is not None:
        return table_source(contract, data)
    telco = TelcoSource()
    if unknown := [name for name in contract.required_columns if name not in telco.names]:
        raise UsageError(
            f"synthetic customers are Telco's, and contract {contract.name!r} requires {', '.join(unknown)}: "
            "give a table of yours with --data"
        )
    return telco


def _midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _written(world: "World", folder: Path) -> dict[str, object]:
    from cli.simulation.files import write_world

    return asdict(write_world(world, folder, tell=console.progress))


def _remembered(world: "World", *, is_sure: bool) -> dict[str, object]:
    from churn.settings import Settings
    from cli.simulation.history import history

    return asdict(history(world, settings=Settings(), is_sure=is_sure, tell=console.progress))


def _sent(world: "World", contract: "Contract", live: _Live) -> dict[str, object]:
    from cli.simulation.live import Doors, require_right_to_tell, send_outcomes, send_world
    from cli.simulation.sending import Pace
    from services.settings import ServiceSettings

    settings = ServiceSettings()
    key = settings.api_key.get_secret_value() if live.key is None and settings.api_key else live.key
    doors = Doors(live.urls, key)
    if live.has_outcomes:
        require_right_to_tell(doors)
    pace = Pace(rate=live.rate, seconds=live.minutes * 60)
    month, sent = send_world(world, contract, doors, pace=pace, tell=console.progress)
    found = sent.counts()
    return {**found, "outcomes": send_outcomes(month, sent, doors)} if live.has_outcomes else found


def _tell(found: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        console.out.print(json.dumps(found, default=str), markup=False)
        return
    for name, value in found.items():
        shown = f"{value:,}" if isinstance(value, int) else value
        console.out.print(f"{name.replace('_', ' ')}: {shown}", markup=False)
