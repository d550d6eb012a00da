"""How much of each fault: short for the continuous integration, long for `make chaos`, `make fuzz` and `make soak`."""

from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class FaultSettings(BaseSettings):
    """What the targets of the Makefile set."""

    model_config = SettingsConfigDict(env_prefix="CHURN_TEST_", env_ignore_empty=True, frozen=True)

    length: Literal["short", "long"] = "short"
    hours: float = 0.005
    """How long a soak lasts."""

    statistics: Path | None = None
    """Folder for what each test counted; unset: nowhere."""


SETTINGS = FaultSettings()

AMOUNTS: dict[str, tuple[int, int]] = {
    "swaps": (6, 20),
    "swap requests": (6_000, 50_000),
    "races": (8, 200),
    "kills of one door": (2, 30),
    "kills of a worker": (3, 30),
    "hangs": (1, 5),
    "rolling restarts": (1, 10),
    "database outages": (3, 10),
    "fuzzed requests": (20_000, 100_000),
    "slow sockets": (200, 1_000),
    "damaged bundles": (25, 1_000),
    "crashes": (2, 20),
}
"""Short, long."""


def amount(name: str) -> int:
    """Return how much of it this run does."""
    short, long = AMOUNTS[name]
    return long if SETTINGS.length == "long" else short
