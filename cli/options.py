"""Options that more than one command has, written once."""

from pathlib import Path
from typing import Annotated

import typer

CONTRACT = Path("contracts/telco.yaml")

ContractOption = Annotated[Path, typer.Option("--contract", help="The contract of the customer table.")]
DataOption = Annotated[
    str, typer.Option("--data", help="CSV, Parquet or XLSX file; `auto` takes Telco, downloaded or sampled.")
]
RunOption = Annotated[str, typer.Option("--run", help="MLflow run of a training; `newest` takes the newest.")]
TrialsOption = Annotated[
    int | None, typer.Option("--trials", help="Optuna trials of all candidates and machines together.")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout-minutes", min=0, help="No trial begins after so many minutes; 0: no limit."),
]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=0, help="Processes that search at the same time; 0: one per core.")
]
CandidatesOption = Annotated[
    str | None, typer.Option("--candidates", help="Candidates to search, separated by commas.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="The same seed trains the same model.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")]
ActorOption = Annotated[str | None, typer.Option("--actor", help="Who; default: who is logged in.")]
UrlOption = Annotated[str, typer.Option("--url", help="Of the door, as http://host:port.")]
JunitOption = Annotated[
    Path | None, typer.Option("--junit", help="Also write the result as JUnit XML, for build servers.")
]
RunFileOption = Annotated[
    Path | None, typer.Option("--run-file", help="Also write the run's id into this file, for the next stage.")
]
VersionFileOption = Annotated[
    Path | None, typer.Option("--version-file", help="Also write the version into this file, for the next stage.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def run_id_of(value: str) -> str | None:
    """Return None for the newest run."""
    return None if value == "newest" else value


def names_of(value: str | None) -> list[str] | None:
    """Split a list of names; None stays None."""
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


def leave_note(path: Path | None, value: object) -> None:
    """Write what the next stage has to know into a file; its folder is made when it is not there."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n", encoding="utf-8")
