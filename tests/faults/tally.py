"""What a fault test counted: printed, and kept as one JSON file when the run wants statistics."""

import json
import time
from collections.abc import Iterable
from pathlib import Path

from tests.faults.amounts import SETTINGS
from tests.faults.doors import Home, wait_until
from tests.faults.load import OpenLoad


def require_each_stored_once(home: Home, loads: Iterable[OpenLoad], *, seconds: float = 60.0) -> dict[str, float]:
    """Wait until every acknowledged prediction is in the store, and count what is lost or there twice."""
    wanted = {key for load in loads for key in load.acknowledged}
    assert wanted
    took = wait_until(lambda: wanted <= set(home.stored_ids()), "every acknowledged one is stored", seconds=seconds)
    stored = home.stored_ids()
    lost, twice = len(wanted - set(stored)), len(stored) - len(set(stored))
    assert (lost, twice) == (0, 0)
    return {"acknowledged": len(wanted), "lost": lost, "twice": twice, "drained_seconds": round(took, 1)}


def counted(loads: Iterable[OpenLoad]) -> dict[str, float]:
    """Count requests, refusals and answers of 500 and more."""
    answers = [each for load in loads for each in load.answers]
    return {
        "requests": len(answers),
        "failed": sum(each.status != 200 for each in answers),
        "answers_5xx": sum(each.status >= 500 for each in answers),
    }


def tell(plan: str, fault: str, *, faults: int, **facts: float) -> None:
    """Say what happened.

    Args:
        plan: number in the plan, for example T3.
        fault: in words.
        faults: how many were injected.
        facts: counts and seconds.
    """
    line = {"plan": plan, "fault": fault, "faults": faults, **facts, "length": SETTINGS.length}
    print(json.dumps(line))  # noqa: T201  pytest shows it with -rP
    if SETTINGS.statistics is not None:
        _write(SETTINGS.statistics, {**line, "at": time.strftime("%Y-%m-%d", time.gmtime())})


def _write(folder: Path, line: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(letter if letter.isalnum() else "-" for letter in f"{line['plan']} {line['fault']}".lower())
    (folder / f"{name}.json").write_text(json.dumps(line, indent=1), encoding="utf-8")
