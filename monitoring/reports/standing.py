"""Standing: what the stores say of how things are, from which the index and the summary are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from churn.scoring.prediction import utc_now
from churn.stores.business import BusinessStore, CustomerGroup
from churn.stores.drift import DriftRun, DriftStore
from churn.stores.performance import DEGRADED, Look, PerformanceRun, PerformanceStore
from churn.stores.promotions import Promotion, PromotionLog
from churn.stores.retrain_decisions import RetrainDecision, RetrainDecisionStore
from churn.stores.stage_runs import StageRun, StageRunLog
from monitoring.reports.alerts import Alerts

SHOWN = 30
CUSTOMER_DAYS = 30
"""Customers whose newest prediction is older are not counted: they may be customers no more."""

LOOKED_AT = 1000
"""Stage runs among which the newest of each stage is looked for."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How things are with one model.

    Attributes:
        made_at: when this was asked, UTC.
        production: the last move of the alias that was made; None: there was none.
        drift: runs, the newest first.
        performance: runs, the newest first.
        measured: the newest run of each version with its measures, the lowest version first.
        decisions: of `churn retrain`, the newest first.
        promotions: moves that ended, the newest first.
        stages: stage → its newest run.
        groups: customers by segment and risk level, by their newest prediction.
        alerts: what Prometheus said; None: it was not asked.
    """

    model: str
    made_at: str
    production: Promotion | None
    drift: tuple[DriftRun, ...]
    performance: tuple[PerformanceRun, ...]
    measured: tuple[Look, ...]
    decisions: tuple[RetrainDecision, ...]
    promotions: tuple[Promotion, ...]
    stages: Mapping[str, StageRun] = field(default_factory=dict)
    groups: tuple[CustomerGroup, ...] = ()
    alerts: Alerts | None = None

    @property
    def customers(self) -> int:
        """Everybody who was predicted for of late."""
        return sum(group.customers for group in self.groups)

    @property
    def expected_loss(self) -> float:
        """Revenue at risk: what they are expected to take with them, in the contract's currency."""
        return sum(group.expected_loss for group in self.groups)

    @property
    def expected_profit(self) -> float:
        """What contacting those with whom it is worth it is expected to earn."""
        return sum(group.expected_profit for group in self.groups)

    @property
    def risk_levels(self) -> dict[str, int]:
        """Level → customers."""
        levels = sorted({group.risk_level for group in self.groups})
        return {level: sum(one.customers for one in self.groups if one.risk_level == level) for level in levels}

    @property
    def look(self) -> Look | None:
        """The newest look at the version in production; None when nobody has looked."""
        version = self.production.to_version if self.production else None
        return next((look for look in self.measured if look[0].model_version == version), None)

    @property
    def problems(self) -> tuple[str, ...]:
        """What somebody should look at, in sentences; empty when all is well as far as is known."""
        return tuple(self._problems())

    def _problems(self) -> list[str]:
        found = [] if self.production else [f"nothing of {self.model} is in production"]
        if self.drift and self.drift[0].is_drifted:
            newest = self.drift[0]
            found.append(f"drift in the newest window: {newest.rows:,} customers of version {newest.model_version}")
        if self.look and self.look[0].status == DEGRADED:
            found.append(f"the predictions have become worse: {self.look[0].words}")
        found += [f"{stage} failed: {run.words}" for stage, run in self.stages.items() if run.status == "failed"]
        if self.alerts:
            found += [self.alerts.problem] if self.alerts.problem else []
            found += [f"alert {one.name}: {one.summary}" for one in self.alerts.urgent]
        return found


def standing_of(model: str, engine: Engine, alerts: Alerts | None = None) -> Standing:
    """Ask the stores.

    Raises:
        StoreError: the SQL store did not answer.
    """
    moves, performance = PromotionLog(engine), PerformanceStore(engine)
    ended = [one for one in moves.history(model, 2 * SHOWN) if one.status != "prepared"]
    return Standing(
        model=model,
        made_at=utc_now(),
        production=moves.last_done(model),
        drift=tuple(DriftStore(engine).history(model, limit=SHOWN)),
        performance=tuple(performance.history(model, limit=SHOWN)),
        measured=tuple(performance.latest(model)),
        decisions=tuple(RetrainDecisionStore(engine).history(model, limit=SHOWN)),
        promotions=tuple(ended[:SHOWN]),
        stages=_newest_of_each(StageRunLog(engine).recent(model, limit=LOOKED_AT)),
        groups=tuple(BusinessStore(engine).groups(model, since=datetime.now(UTC) - timedelta(days=CUSTOMER_DAYS))),
        alerts=alerts,
    )


def _newest_of_each(runs: list[StageRun]) -> dict[str, StageRun]:
    """The runs come newest first, so the last that is written here is the newest."""
    newest = {run.stage: run for run in reversed(runs)}
    return dict(sorted(newest.items()))
