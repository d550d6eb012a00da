"""`churn status`: versions, production, and who moved what."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from cli import console
from cli.options import JsonOption

if TYPE_CHECKING:
    from churn.stores.promotions import Promotion
    from pipelines.status import Status

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Show aliases, versions, and the log of moves; and what does not agree."""
    from pipelines.settings import PipelineSettings
    from pipelines.status import status as look

    found = look(settings=PipelineSettings())
    if as_json:
        console.out.print(json.dumps(asdict(found), default=str), markup=False)
        return
    now = found.production.version if found.production else None
    console.out.print(f"{found.model}: production is " + (f"version {now}" if now else "empty"), markup=False)
    for line in _lines(found):
        console.out.print(line, markup=False)
    versions = Table("version", "candidate", "contract", "digest", "status", "made")
    for one in found.versions:
        names = sorted(alias for alias, version in found.aliases.items() if version == one.version)
        mark = f" ◀ {', '.join(names)}" if names else ""
        made = f"{_time(one.created_at)}"
        texts = (one.tags.get(key, "") for key in ("candidate", "contract"))
        status = one.tags.get("validation_status", "")
        versions.add_row(*map(Text, (f"{one.version}{mark}", *texts, one.digest[:12], status, made)))
    console.out.print(versions)
    moves = Table("at", "action", "alias", "from", "to", "status", "actor", "reason")
    for move in found.history:
        ends = (str(move.from_version or ""), str(move.to_version or ""))
        what = (move.at[:19], move.action, move.alias, *ends, move.status)
        moves.add_row(*map(Text, (*what, move.actor, move.reason)))
    console.out.print(moves)


def _lines(found: "Status") -> Iterator[str]:
    """Yield the other aliases, and what does not agree."""
    for alias, version in sorted(found.aliases.items()):
        if alias != "production":
            yield f"  {alias} is version {version}"
    for stray in found.outside:
        yield f"  MOVED BEHIND OUR BACK: {stray}; `churn reconcile` notes it"
    for move in found.unfinished:
        yield f"  UNFINISHED: {_words(move)}; `churn reconcile` ends it when its process has died"


def _words(move: "Promotion") -> str:
    return f"{move.action} of {move.alias} to {move.to_version or 'nothing'} by {move.actor}, prepared at {move.at}"


def _time(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
