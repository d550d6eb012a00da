"""`churn status`: versions, production, and who moved what."""

import json
from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from cli import console
from cli.options import JsonOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Show the versions, the one in production, and the audit of its moves."""
    from pipelines.settings import PipelineSettings
    from pipelines.status import status as look

    found = look(settings=PipelineSettings())
    if as_json:
        console.out.print(json.dumps(asdict(found), default=str), markup=False)
        return
    now = found.production.version if found.production else None
    console.out.print(f"{found.model}: production is " + (f"version {now}" if now else "empty"), markup=False)
    versions = Table("version", "candidate", "contract", "digest", "status", "made")
    for one in found.versions:
        mark = " ◀ production" if one.version == now else ""
        made = f"{_time(one.created_at)}"
        texts = (one.tags.get(key, "") for key in ("candidate", "contract"))
        status = one.tags.get("validation_status", "")
        versions.add_row(*map(Text, (f"{one.version}{mark}", *texts, one.digest[:12], status, made)))
    console.out.print(versions)
    moves = Table("at", "action", "from", "to", "status", "actor", "reason")
    for move in found.history:
        ends = (str(move.from_version or ""), str(move.to_version or ""))
        moves.add_row(*map(Text, (move.at[:19], move.action, *ends, move.status, move.actor, move.reason)))
    console.out.print(moves)


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
