"""`churn what-was-live`: say which versions were in production, canary and shadow at a moment."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli import console
from cli.moments import moment_of
from cli.options import JsonOption

if TYPE_CHECKING:
    from churn.stores.holders import Holder, WhatWasLive

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("what-was-live")
def what_was_live(
    at: Annotated[
        str, typer.Option("--at", help="When, as 2026-11-21T14:00; in this machine's zone unless it names another.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Say which version had which alias at a moment, who had given it, and why; moments are printed in UTC."""
    from churn.scoring.prediction import utc_text
    from churn.stores.database import open_migrated
    from churn.stores.holders import what_was_live as look
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    found = look(open_migrated(settings.database_url), settings.model, utc_text(moment_of(at)))
    if as_json:
        console.out.print(json.dumps(asdict(found)), markup=False)
    else:
        _show(found, settings.model)


def _show(found: "WhatWasLive", model: str) -> None:
    console.out.print(f"{model} at {found.at} (UTC):", markup=False)
    if not found.holders:
        first = f"the first move was noted at {found.first_at}" if found.first_at else "no move was ever noted"
        console.out.print(f"nothing had an alias then: {first}", markup=False)
        return
    table = Table("alias", "version", "digest", "since", "action", "actor", "reason")
    for one in found.holders:
        cells = (one.alias, _version(one), one.digest[:12], one.since, one.action, one.actor, one.reason)
        table.add_row(*map(Text, cells))
    console.out.print(table)


def _version(holder: "Holder") -> str:
    """Where a move had begun and not ended, the alias may have been here or there."""
    version = str(holder.version or "none")
    moving = ", ".join(str(one or "none") for one in holder.under_way)
    return f"{version} (being moved to {moving})" if moving else version
