"""The timetable: which stage runs how often, from the settings and what the command line says otherwise."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from churn.errors import UsageError
from pipelines.scheduling.settings import ScheduleSettings

STAGES = ("drift", "performance", "retrain", "reports", "audit")
"""In this order when several are due: a decision looks at what was measured before it."""

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
TEXT = re.compile(r"(\w+)=(?:(\d+(?:\.\d+)?)([smhd])|(off))")
SHORTEST = 1.0


@dataclass(frozen=True, slots=True)
class Errand:
    """One stage at its times; both in seconds."""

    stage: str
    every: float
    limit: float


def timetable(settings: ScheduleSettings, changes: Sequence[str]) -> list[Errand]:
    """Return what is to run.

    Args:
        settings: how often, unless told otherwise.
        changes: such as `drift=1m` or `retrain=off`.

    Raises:
        UsageError: a change is not of this kind, or nothing is left to run.
    """
    every = {stage: getattr(settings, f"{stage}_minutes") * 60.0 for stage in STAGES} | _read(changes)
    found = [Errand(stage, seconds, _limit(stage, settings)) for stage, seconds in every.items() if seconds > 0]
    if not found:
        raise UsageError("every stage is switched off: there is nothing to schedule")
    return found


def _limit(stage: str, settings: ScheduleSettings) -> float:
    return 60.0 * (settings.retrain_limit_minutes if stage == "retrain" else settings.stage_limit_minutes)


def _read(changes: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for change in changes:
        match = TEXT.fullmatch(change.strip())
        if match is None or match[1] not in STAGES:
            raise UsageError(
                f"--every {change}: write one of {', '.join(STAGES)}, = and a time: drift=30m, retrain=off"
            )
        seconds = 0.0 if match[4] else float(match[2]) * SECONDS[match[3]]
        if not match[4] and seconds < SHORTEST:
            raise UsageError(f"--every {change}: a stage can run once a second at most")
        found[match[1]] = seconds
    return found
