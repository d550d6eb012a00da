"""A town with a door made by hand: it follows the registry as doors do, and counts and records what it is told to."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import mlflow

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction, utc_now
from churn.stores.database import open_migrated
from churn.stores.predictions import PredictionStore
from churn.stores.registry import ModelRegistry, RegisteredBundle
from pipelines.settings import PipelineSettings
from tests.bundles import random_columns
from tests.pipelines.conftest import settings_of
from tests.pipelines.watching.pages import Shown
from tests.recorded import recorded_alone
from tests.registered import promoted
from tests.tracking import own_tracking

QUICK = [0.0008] * 20


@dataclass
class Town:
    """What happens at each look: production and a canary answer 20 customers each; a shadow scores 20.

    Attributes:
        spoil: changes what the door shows of the version that is released, in which role.
        profit: what the version promises of a customer whom production promises 10.
    """

    settings: PipelineSettings
    typical: Prediction
    profit: float = 10.0
    spoil: Callable[[Shown, str], Shown] = lambda shown, _: shown
    seen: list[tuple[int | None, ...]] = field(default_factory=list)
    _shown: Shown = field(default_factory=Shown)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def text(self) -> str:
        """One look."""
        production, canary, shadow = (self._aliased(each) for each in ("production", "canary", "shadow"))
        self.seen.append(tuple(each.version if each else None for each in (production, canary, shadow)))
        assert production is not None
        shown = self._shown.after(production.version, QUICK)
        if production.version == 2:
            shown = self.spoil(shown, "production")
        if canary and canary.version != production.version:
            share = float(canary.tags["canary_share"])
            shown = self.spoil(shown.after(canary.version, QUICK, failed=0), "canary")
            shown = replace(shown, canary_share=share)
        else:
            shown = replace(shown, canary_share=0.0)
        self._record(production, "production", 10.0)
        if shadow:
            self._record(shadow, "shadow", self.profit)
        self._shown = replace(shown, serves=production.version)
        return self._shown.text()

    def _aliased(self, alias: str) -> RegisteredBundle | None:
        return ModelRegistry(self.settings.tracking_uri).aliased(self.settings.model, alias)

    def _record(self, bundle: RegisteredBundle, role: str, profit: float) -> None:
        own = {"model_version": bundle.version, "role": role, "predicted_at": utc_now(), "expected_profit": profit}
        one = replace(self.typical, **own)  # type: ignore[arg-type]
        profits = [profit + 0.1 * (number % 3) for number in range(len(QUICK))]
        engine = open_migrated(self.settings.database_url)
        PredictionStore(engine).add(
            [replace(one, prediction_id=f"{role}-{next(self._numbers):06}", expected_profit=each) for each in profits]
        )
        engine.dispose()


def two_versions(bundle_folder: Path, telco: Contract, folder: Path) -> PipelineSettings:
    """A home whose registry has one bundle as versions 1, in production, and 2."""
    settings = settings_of(folder / "home")
    with own_tracking():
        first = promoted(bundle_folder, telco, settings, folder)
        registry = ModelRegistry(settings.tracking_uri)
        logged = str(registry._client.get_model_version(settings.model, "1").source)
        mlflow.set_tracking_uri(settings.tracking_uri)  # mlflow looks a logged model up where the process stands
        registry.register(settings.model, logged, run_id=first.run_id, digest=digest_of(bundle_folder), tags={})
    return settings


def scored(bundle_folder: Path, telco: Contract, settings: PipelineSettings) -> Prediction:
    """What version 2 says of some customer, as a door records it."""
    scorer = load_scorer(bundle_folder, name=settings.model, version=2)
    (found,) = recorded_alone(scorer, random_columns(telco, 1, seed=5))
    return replace(found, predicted_at=utc_now(), churn_prediction=1)
