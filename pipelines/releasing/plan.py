"""The plan of a release: which stages, how long each, and what stops it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from churn.errors import UsageError
from pipelines.parameters import FOLDER, read_parameters
from pipelines.watching.parameters import WatchParameters

PROMOTE, WATCH, SHADOW, CANARY = "promote", "watch", "shadow", "canary"


class Stage(BaseModel):
    """How long a stage lasts: until so many seconds have passed and so many predictions came."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(default=600, ge=0)
    predictions: int = Field(default=200, ge=0)
    at_most_seconds: float = Field(default=86_400, gt=0)
    """With too few predictions by then, the release stops."""

    @model_validator(mode="after")
    def _can_end(self) -> "Stage":
        if self.at_most_seconds < self.seconds:
            raise ValueError("at_most_seconds is less than seconds: the stage could never pass")
        return self


class ShadowStage(Stage):
    """The version is scored beside production, and never answered."""

    max_failed_share: float = Field(default=0.05, ge=0, lt=1)
    min_agreement: float = Field(default=0.5, ge=0, lt=1)
    """Share of its decisions that are production's too."""


class CanaryStage(Stage):
    """The version answers a share of the customers."""

    share: float = Field(gt=0, le=1)


class ReleasePlan(BaseModel):
    """Section `release` of the parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shadow: ShadowStage | None = ShadowStage()
    canary: tuple[CanaryStage, ...] = (CanaryStage(share=0.05), CanaryStage(share=0.25))
    min_profit_ratio: float = Field(default=0.5, ge=0, lt=1)
    """Of what production's decisions promise per customer, so much those of the version have to promise."""

    max_shift: float = Field(default=0.4, gt=0, le=1)
    """Largest Kolmogorov-Smirnov distance between both versions' probabilities."""

    watch: WatchParameters = WatchParameters()
    """After the promotion; its bounds hold for canaries too."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(self._stages())

    def canary_of(self, stage: str) -> CanaryStage:
        """Return the canary that a stage's name means."""
        return self.canary[int(stage.removeprefix(f"{CANARY}-")) - 1]

    def _stages(self) -> Iterator[str]:
        if self.shadow:
            yield SHADOW
        yield from (f"{CANARY}-{number}" for number in range(1, len(self.canary) + 1))
        yield from (PROMOTE, WATCH)

    @model_validator(mode="after")
    def _grows(self) -> "ReleasePlan":
        shares = [each.share for each in self.canary]
        if shares != sorted(shares):
            raise ValueError(f"the canary's shares fall: {shares}; customers would be taken back and forth")
        return self


def read_plan(file: Path | None = None) -> ReleasePlan:
    """Read a plan, `parameters/release.yaml` when no file is named; bounds that it leaves out are those of watch.yaml.

    Raises:
        UsageError: there is no such file, or a value does not hold.
    """
    path = file or FOLDER / "release.yaml"
    try:
        values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        usual = read_parameters("watch", WatchParameters).model_dump()
        return ReleasePlan.model_validate({**values, "watch": {**usual, **(values.get("watch") or {})}})
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"the plan {path} can't be read: {type(error).__name__}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise UsageError(f"the plan {path} does not hold: {problems}") from error
