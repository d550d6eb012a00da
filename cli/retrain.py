"""`churn retrain`: train anew when something calls for it."""

import os
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from churn.errors import ConflictError, UsageError
from cli import console
from cli.options import (
    CandidatesOption,
    JsonOption,
    SeedOption,
    TimeoutOption,
    TrialsOption,
    VersionFileOption,
    leave_note,
    names_of,
)

if TYPE_CHECKING:
    from pipelines.retrain import Retrained, Wish

TAKEN = 75
"""Exit status: EX_TEMPFAIL, another retraining of this model is at work."""

NOT_MOVED = {"refused": 2, "held": 3}
"""Exit status by the first word of the outcome: the gate said no, or not yet."""

NICENESS = 10

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def retrain(  # noqa: PLR0913, PLR0917  typer passes options by name
    data: Annotated[
        Path | None, typer.Option("--data", help="A new table, taken as it is; else live customers are added.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Train though nothing calls for it; needs --reason.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why it is forced; kept with the decision.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be decided; keep nothing.")] = False,
    trials: TrialsOption = None,
    candidates: CandidatesOption = None,
    timeout_minutes: TimeoutOption = None,
    seed: SeedOption = None,
    version_file: VersionFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide from age, drift, performance and new outcomes; train and promote if need be.

    Exit status 0: it waits, or the new version is in production; 2: the gate rejected it; 3: held; 75: another works.
    What is not given is as in the newest training.
    """
    from pipelines.retrain import Wish

    if force and not reason.strip():
        raise UsageError("--force needs --reason: say why, it is kept with the decision")
    given = {
        "trials": trials,
        "candidates": names_of(candidates),
        "timeout_minutes": timeout_minutes,
        "seed": seed,
    }
    overrides = {name: value for name, value in given.items() if value is not None}
    found = _do(Wish(data, reason.strip() if force else "", dry_run, overrides))
    _show(found, as_json=as_json)
    if found.has_moved:
        leave_note(version_file, found.version)
    if found.version is not None and not found.has_moved:
        raise typer.Exit(NOT_MOVED[found.outcome.split(":")[0]])


def _do(wish: "Wish") -> "Retrained":
    """Work behind whoever answers customers, and end cleanly when asked to stop."""
    from pipelines.parameters import read_parameters
    from pipelines.retrain import retrain as work
    from pipelines.retraining.parameters import RetrainParameters
    from pipelines.settings import PipelineSettings

    parameters = read_parameters("retrain", RetrainParameters)
    os.nice(max(0, NICENESS - os.getpriority(os.PRIO_PROCESS, 0)))  # the scheduler's children have it already
    signal.signal(signal.SIGTERM, _stop)
    try:
        return work(wish, parameters, settings=PipelineSettings(), say=console.progress)
    except ConflictError as error:
        console.err.print(f"churn: {error}", markup=False)
        raise typer.Exit(TAKEN) from error


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise SystemExit(128 + signal.SIGTERM)


def _show(found: "Retrained", *, as_json: bool) -> None:
    if as_json:
        console.out.print(found.to_json(), markup=False)
        return
    kept = f"decision {found.number}" if found.number else "dry run"
    console.out.print(f"{kept}: {found.decision}", markup=False)
    for reason in found.reasons:
        console.out.print(f"- {reason}", markup=False)
    if found.outcome:
        console.out.print(found.outcome, markup=False)
