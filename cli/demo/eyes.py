"""The demo's eyes: months of history before it begins, performance and drift when it ends, and where both are seen."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from churn.errors import ChurnError
from cli.demo.processes import Processes

HISTORY = ("--months", "6", "--customers", "400", "--seed", "1")

LIVE_RATE = 5
SCHEDULE = {"drift": "5m", "performance": "15m", "retrain": "15m", "reports": "2m"}
FOR_EVER_MINUTES = 1_000_000


@dataclass(slots=True)
class Seen:
    """What the eyes told, as their commands say it in JSON."""

    history: dict[str, Any] = field(default_factory=dict)
    performance: list[dict[str, Any]] = field(default_factory=list)
    drift: dict[str, Any] = field(default_factory=dict)
    reports: Path | None = None


def make_history(processes: Processes, contract: Path, table: Path) -> dict[str, Any]:
    """Let the version in production have served for months, with outcomes; the store is empty yet."""
    ours = ("--contract", str(contract), "--data", str(table))
    found: dict[str, Any] = told_by(processes, "simulate", "--history", *HISTORY, *ours, "--json")
    return found


def keep_going(processes: Processes, doors: Sequence[str], contract: Path, table: Path) -> None:
    """Let customers come from now on, and look at them every few minutes."""
    where = [word for door in doors for word in ("--send", door)]
    pace = ("--rate", str(LIVE_RATE), "--minutes", str(FOR_EVER_MINUTES), "--customers", "3000", "--seed", "2")
    ours = ("--contract", str(contract), "--data", str(table))
    processes.start("traffic", ["cli.main", "simulate", *where, *pace, *ours])
    times = [word for stage, every in SCHEDULE.items() for word in ("--every", f"{stage}={every}")]
    processes.start("schedule", ["cli.main", "schedule", *times])


def look(processes: Processes, seen: Seen) -> None:
    """Measure performance and drift, and list the reports.

    Raises:
        ChurnError: a command failed, or the shift was not found.
    """
    seen.performance = told_by(processes, "performance", "--json")
    seen.drift = told_by(processes, "drift", "--json")
    if not seen.performance:
        raise ChurnError("months of history were made, and `churn performance` found nobody in them")
    if seen.drift["status"] != "drift":
        raise ChurnError(f"a shift was sent and no drift was found: {seen.drift['message']}")
    seen.reports = Path(processes.run("churn reports", ["cli.main", "reports"]).strip().removeprefix("reports: "))


def told_by(processes: Processes, *command: str) -> Any:
    """Return what a command prints, which is JSON."""
    return json.loads(processes.run(f"churn {command[0]}", ["cli.main", *command]))
