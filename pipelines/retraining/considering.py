"""Considering: gathers what a decision is taken from, and takes it; nothing is written."""

from dataclasses import asdict, dataclass
from pathlib import Path

from mlflow.entities import Run
from sqlalchemy import Engine

from churn.errors import NotFoundError
from churn.evaluation.retraining import Decision, Situation, decide
from churn.stores.registry import ModelRegistry
from churn.stores.retrain_decisions import NewDecision, RetrainDecisionStore
from pipelines.retraining.evidence import DAY_SECONDS, FAILED, attempts_of, drift_of, performance_of, seconds_since
from pipelines.retraining.evidence import trained_at as find_moment
from pipelines.retraining.material import NOBODY, Material, brought, put_together
from pipelines.retraining.parameters import RetrainParameters
from pipelines.settings import PipelineSettings
from pipelines.tracking import find_training


@dataclass(frozen=True, slots=True)
class Considered:
    """A decision, what it was taken from, and what it is about.

    Attributes:
        newest: the newest training.
        material: what would be trained on. Both are None when nothing is in production.
    """

    decision: Decision
    situation: Situation
    newest: Run | None = None
    material: Material | None = None

    def facts(self) -> dict[str, object]:
        """Return what it was taken from as JSON values."""
        comparison = self.material.comparison if self.material else None
        cut = comparison.cut if comparison else None
        return {**asdict(self.situation), "compared_from": cut.isoformat() if cut else None}

    def noted(self, model: str, actor: str) -> NewDecision:
        """Return it as it is stored."""
        return NewDecision(
            model_name=model,
            decision=self.decision.decision,
            reasons=self.decision.reasons,
            facts=self.facts(),
            data_fingerprint=self.material.fingerprint if self.material else "",
            actor=actor,
        )


def consider(
    data: Path | None, forced: str, parameters: RetrainParameters, *, settings: PipelineSettings, engine: Engine
) -> Considered:
    """Look at everything and decide.

    Raises:
        UsageError: the newest training's table is gone, or its contract names no customers.
        StoreError: a store does not answer.
    """
    production, newest = ModelRegistry(settings.tracking_uri).production(settings.model), _newest(settings)
    if production is None or newest is None:
        nothing = Situation(
            production=None, age_days=None, drift=None, performance=None, new_labels=NOBODY, comparison=NOBODY,
            is_same_data=False, forced=forced,
        )  # fmt: skip
        return Considered(decide(nothing, parameters), nothing)
    trained_at = find_moment(production, settings)
    if data is None:
        material = put_together(newest, production, trained_at, parameters, engine=engine)
    else:
        material = brought(data, newest)
    situation = Situation(
        production=production.version,
        age_days=None if trained_at is None else seconds_since(trained_at) / DAY_SECONDS,
        drift=drift_of(engine, production),
        performance=performance_of(engine, production),
        new_labels=material.new_labels,
        comparison=material.comparison.held_out if material.comparison else NOBODY,
        is_same_data=material.is_same and not _has_failed(engine, settings.model, material),
        is_table_given=data is not None,
        attempts=attempts_of(engine, settings.model),
        forced=forced,
    )
    return Considered(decide(situation, parameters), situation, newest, material)


def _newest(settings: PipelineSettings) -> Run | None:
    try:
        return find_training(settings, None)
    except NotFoundError:
        return None


def _has_failed(engine: Engine, model: str, material: Material) -> bool:
    """Say whether the last attempt had this very data, and failed after its training: then it is to be tried again."""
    last = RetrainDecisionStore(engine).latest(model, "train")
    return last is not None and last.outcome.startswith(FAILED) and last.data_fingerprint == material.fingerprint
