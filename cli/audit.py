"""`churn audit`: verify, show, export and retain the hash-chained record of predictions and moves."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from cli import console
from cli.moments import moment_of, moment_or_none
from cli.options import ActorOption, JsonOption

if TYPE_CHECKING:
    from churn.stores.holders import Noted
    from churn.stores.log.checking import Checked

app = typer.Typer(add_completion=False, rich_markup_mode=None)

BROKEN_EXIT = 2
AnchorOption = Annotated[Path | None, typer.Option("--anchor", help="An anchor that `churn audit seal` wrote.")]
SinceOption = Annotated[str | None, typer.Option("--since", help="Rows of blocks that end then or later; a moment.")]


@app.callback(invoke_without_command=True)
def verify_by_default(context: typer.Context) -> None:
    """Verify, show, export and retain the hash-chained record; without a command, verify all of it."""
    if context.invoked_subcommand is None:
        verify()


@app.command()
def verify(
    *,
    since: SinceOption = None,
    anchor: AnchorOption = None,
    file: Annotated[Path | None, typer.Option("--file", help="An exported log, instead of the database.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that every prediction and every move is as it was recorded, and that none is missing or was added.

    Exit status: 0 all is as it was recorded; 2 something is not, and it is said what; 1 it could not be looked at.
    """
    from churn.errors import UsageError
    from pipelines.record import verify as check
    from pipelines.record import verify_file
    from pipelines.settings import PipelineSettings

    if file and since:
        raise UsageError("--since goes with the database: an exported log is checked as a whole")
    settings = PipelineSettings()
    if file:
        checked = verify_file(file, settings=settings, anchor=anchor)
    else:
        checked = check(settings=settings, since=moment_or_none(since), anchor=anchor)
    _say_checked(checked, as_json=as_json)
    if not checked.is_sound:
        raise typer.Exit(BROKEN_EXIT)


@app.command()
def seal(
    out: Annotated[Path, typer.Option("--out", help="The anchor to write; keep it where the database's people can't.")],
) -> None:
    """Write the log's end into a small file; a log that is cut short or made anew later does not fit it."""
    from pipelines.record import seal as write
    from pipelines.settings import PipelineSettings

    anchor = write(out, settings=PipelineSettings())
    signed = "signed" if anchor.signature else "not signed: CHURN_AUDIT_KEY is not set"
    console.out.print(f"block {anchor.number} sealed in {out}, {signed}", markup=False)


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="A file of JSON lines.")],
    since: SinceOption = None,
    until: Annotated[str | None, typer.Option("--until", help="Rows of blocks that begin before then.")] = None,
) -> None:
    """Write all blocks, and the rows of a time, into a file that `churn audit verify --file` checks by itself."""
    from pipelines.record import export as write
    from pipelines.settings import PipelineSettings

    rows = write(out, settings=PipelineSettings(), since=moment_or_none(since), until=moment_or_none(until))
    console.out.print(f"{rows} rows and every block written to {out}", markup=False)


@app.command()
def retain(
    before: Annotated[str, typer.Option("--before", help="Predictions of blocks that are older as a whole.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also predictions younger than CHURN_RETAIN_DAYS.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the log.")] = "retention",
    actor: ActorOption = None,
) -> None:
    """Delete old predictions; their blocks stay, and the deletion is noted in the log. It may be run again."""
    from pipelines.record import retain as delete
    from pipelines.record import would_be_retained
    from pipelines.settings import PipelineSettings

    settings, moment = PipelineSettings(), moment_of(before)
    if dry_run:
        found = would_be_retained(moment, settings=settings)
    else:
        who = actor or settings.actor
        found = delete(
            moment, settings=settings, actor=who, reason=reason, is_forced=force,
            say=lambda done: console.progress(f"{done.predictions} deleted so far"),
        )  # fmt: skip
    verb = "would be deleted" if dry_run else "deleted"
    console.out.print(f"{found.predictions} predictions of {found.blocks} blocks {verb}", markup=False)
    if found.unlogged:
        console.out.print(f"{found.unlogged} of the predictions are from before the log", markup=False)


@app.command()
def history(
    *,
    alias: Annotated[str | None, typer.Option("--alias", help="Only moves of this alias.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="Only moves to or from this version.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show every move of every alias and every registration: when, who, why, what the gate had said, which digest."""
    from churn.stores.database import open_migrated
    from churn.stores.holders import history as look
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    found = look(open_migrated(settings.database_url), settings.model, alias=alias, version=version)
    if as_json:
        console.out.print(json.dumps([one.as_dict() for one in found]), markup=False)
    elif as_csv:
        _print_csv(found)
    else:
        _print_table(found)


@app.command()
def show(
    prediction_id: Annotated[str, typer.Argument(metavar="PREDICTION_ID")],
    as_json: JsonOption = False,
) -> None:
    """Show a recorded prediction, its block, and whether both are as they were written; exit status 2 if not."""
    from pipelines.recorded import show as look
    from pipelines.settings import PipelineSettings

    found = look(prediction_id, settings=PipelineSettings())
    if as_json:
        console.out.print(json.dumps(asdict(found)), markup=False)
    else:
        for name, value in found.row.items():
            console.out.print(f"{name}: {value}", markup=False)
        place = (
            f"block {found.block.number} of {found.block.at}, hash {found.block.hash}" if found.block else "no block"
        )
        console.out.print(f"digest: {found.digest}\nlog: {place}", markup=False)
        for problem in found.problems:
            console.out.print(f"not as it was recorded: {problem}", markup=False)
    if found.problems:
        raise typer.Exit(BROKEN_EXIT)


def _say_checked(checked: "Checked", *, as_json: bool) -> None:
    if as_json:
        console.out.print(json.dumps({**asdict(checked), "is_sound": checked.is_sound}), markup=False)
        return
    for words in checked.findings:
        console.out.print(words, markup=False)
    if checked.wrong > len(checked.findings):
        console.out.print(f"and {checked.wrong - len(checked.findings)} more", markup=False)
    if checked.retained:
        console.out.print(
            f"predictions of {checked.retained} blocks were deleted by `churn audit retain`", markup=False
        )
    if checked.is_sound:
        console.out.print(checked.words, markup=False)


COLUMNS = ("at", "action", "alias", "from_version", "to_version", "status", "actor", "decision", "digest", "reason")


def _print_table(found: "Sequence[Noted]") -> None:
    table = Table("at", "action", "alias", "from", "to", "status", "actor", "gate", "digest", "reason")
    for one in found:
        cells = {**one.as_dict(), "digest": one.digest[:12], "at": one.move.at[:19]}
        table.add_row(*(Text(str("" if cells[name] is None else cells[name])) for name in COLUMNS))
    console.out.print(table)


def _print_csv(found: "Sequence[Noted]") -> None:
    import csv
    import io

    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_inert(one.as_dict()[name]) for name in COLUMNS] for one in found)
    typer.echo(page.getvalue(), nl=False)


def _inert(value: object) -> str:
    """A spreadsheet must not run a reason as a formula."""
    from pipelines.score_output import FORMULA_STARTS

    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
