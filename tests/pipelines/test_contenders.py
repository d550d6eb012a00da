"""The gate with real trainings: a better challenger, and a worse, a leaking, a miscalibrated and a slower one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn.bundle.making import Ingredients
from churn.contract.contract import Contract
from churn.data.sampler_file import write_sample
from churn.evaluation.gate import Gate
from churn.models.calibrators import Line
from churn.stores.database import open_database
from churn.stores.promotions import PromotionLog
from churn.stores.registry import ModelRegistry
from pipelines import train as training_stage
from pipelines.evaluate import evaluate
from pipelines.gate import Judged, judge_version
from pipelines.gating.limits import Limits
from pipelines.ingest import Ingested, ingest
from pipelines.moves import Order
from pipelines.parameters import read_parameters
from pipelines.promote import promote
from pipelines.register import register
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking, silent
from pipelines.train import train
from pipelines.training import Training, TrainParameters, split
from pipelines.training_log import log_model
from tests.pipelines.conftest import settings_of
from tests.tracking import own_tracking

pytestmark = pytest.mark.slow

ROWS = 1600
QUICK = read_parameters("train", TrainParameters, trials=1, candidates=("logistic",), workers=1, folds=3)
GATE = read_parameters("gate", Gate)
SCORE = "SatisfactionScore"


@dataclass(frozen=True, slots=True)
class Stable:
    """Versions by their names, in one registry."""

    settings: PipelineSettings
    versions: dict[str, int]

    def judged(self, candidate: str, production: str, limits: Limits | None = None) -> Judged:
        registry = ModelRegistry(self.settings.tracking_uri)
        sides = [registry.version("churn", self.versions[name]) for name in (candidate, production)]
        return judge_version(sides[0], sides[1], GATE, settings=self.settings, limits=limits)


@pytest.fixture(autouse=True)
def _at_the_stable(tracking: None, stable: Stable) -> None:  # noqa: ARG001  it has to come after that fixture
    """Every test begins with an mlflow of its own: this one speaks to the stable's."""
    open_tracking(stable.settings)


def failed(found: Judged) -> set[str]:
    return {one.name for one in found.verdict.guards if one.outcome == "failed"}


@pytest.fixture(scope="module")
def stable(telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stable]:
    """Train each of them on the same customers; what is wrong with one is done to it on its way."""
    folder = tmp_path_factory.mktemp("stable")
    settings = settings_of(folder / "home")
    table = folder / "customers.csv"
    write_sample(table, ROWS, seed=21)
    with own_tracking(), pytest.MonkeyPatch.context() as patch:
        settings.home.mkdir(parents=True)
        open_tracking(settings)
        honest = ingest(table, telco, settings)

        def version(ingested: Ingested = honest, contract: Contract = telco, how: TrainParameters = QUICK) -> int:
            run = train(ingested, contract, how, settings=settings, say=silent)
            evaluate(run.run_id, settings=settings)
            return register(run.run_id, settings=settings).version

        versions = {"good": version()}
        versions["slow"] = version(how=QUICK.model_copy(update={"candidates": ("random_forest",)}))
        # Trees: a straight line through such a column gives probabilities that no bundle takes.
        trees = QUICK.model_copy(update={"candidates": ("lightgbm",)})
        versions["leaking"] = version(*_leaking(table, telco, settings), trees)
        with patch.context() as spoilt:
            spoilt.setattr(training_stage, "split", _forgetful(split))
            versions["worse"] = version()
        with patch.context() as spoilt:
            spoilt.setattr(training_stage, "log_model", _timid(log_model))
            versions["timid"] = version()
        yield Stable(settings, versions)


def _leaking(table: Path, telco: Contract, settings: PipelineSettings) -> tuple[Ingested, Contract]:
    """A column that is written after a customer has left, and that somebody trusts."""
    frame, rng = pd.read_csv(table, dtype=str), np.random.default_rng(3)
    frame[SCORE] = np.where(frame["Churn"] == "Yes", rng.integers(1, 4, len(frame)), rng.integers(3, 7, len(frame)))
    leaking = table.with_name("leaking.csv")
    frame.to_csv(leaking, index=False)
    columns = telco.model_dump()["columns"] | {SCORE: {"type": "integer"}}
    trusted = {**telco.trusted, SCORE: "asked every month"}
    contract = Contract.model_validate(telco.model_dump() | {"columns": columns, "trusted": trusted})
    return ingest(leaking, contract, settings), contract


def _forgetful(divide: Callable[..., Training]) -> Callable[..., Training]:
    """It is trained on somebody else's outcomes where the bill is high: of those who are worth most it knows little."""

    def with_wrong_outcomes(*given: object, **more: object) -> Training:
        training, rng = divide(*given, **more), np.random.default_rng(0)
        labels = training.train.labels.copy()
        dear = np.flatnonzero(training.train.columns["MonthlyCharges"] > 65)
        labels[dear] = labels[rng.permutation(dear)]
        return replace(training, train=replace(training.train, labels=labels))

    return with_wrong_outcomes


def _timid(log: Callable[[Ingredients], tuple[str, float]]) -> Callable[[Ingredients], tuple[str, float]]:
    """The order of the customers stays, their probabilities are all too near to the middle."""

    def with_timid_probabilities(made_of: Ingredients) -> tuple[str, float]:
        made_of.fitted.calibrator_ = Line("none", slope=0.4)
        return log(made_of)

    return with_timid_probabilities


def test_a_better_challenger_is_promoted_and_an_override_is_recorded(stable: Stable) -> None:
    settings, versions = stable.settings, stable.versions
    order = Order("a test", "it was there first", is_override=True)
    first = promote(versions["worse"], order, GATE, settings=settings)
    better = promote(versions["good"], Order("a test", "it earns more"), GATE, settings=settings)
    log = PromotionLog(open_database(settings.database_url)).history("churn")

    assert (first.has_moved, better.outcome, better.before) == (True, "promoted", versions["worse"])
    assert better.verdict.passed
    assert better.verdict.profit is not None
    assert better.verdict.profit.low > 0
    assert "surely more" in better.verdict.reasons[0]
    done = [one.reason for one in log if one.status == "done" and one.action == "promote"]
    assert done[0] == "it earns more"
    assert done[1].startswith("it was there first (overriding the gate: ")


def test_a_worse_one_is_rejected_for_what_it_loses(stable: Stable) -> None:
    found = stable.judged("worse", "good")

    assert found.verdict.decision == "reject"
    assert found.verdict.profit is not None
    assert found.verdict.profit.difference < 0
    assert any("surely less" in one or "ranks worse than production" in one for one in found.verdict.reasons)


def test_a_leaking_one_is_rejected_by_the_columns_name(stable: Stable) -> None:
    found = stable.judged("leaking", "good")

    assert found.verdict.decision == "reject"
    assert "leakage" in failed(found)
    (reason,) = [one for one in found.verdict.reasons if one.startswith("leakage: ")]
    assert f"column {SCORE!r} tells alone who leaves" in reason
    assert "trusted: asked every month, and production's contract does not trust it" in reason


def test_a_miscalibrated_one_is_rejected_for_that(stable: Stable) -> None:
    found = stable.judged("timid", "good")

    assert found.verdict.decision == "reject"
    assert "calibration" in failed(found)
    assert "leakage" not in failed(found)


def test_a_slower_one_is_rejected_for_that(stable: Stable) -> None:
    # A bound that a forest passes by far: beside other work of the machine, twice as slow may be hard to be sure of.
    bounds = Limits(free_row_milliseconds=0.01, free_batch_milliseconds=0.1, max_latency_ratio=1.2)
    found = stable.judged("slow", "good", bounds)

    assert found.verdict.decision == "reject"
    assert "latency" in failed(found)
    (reason,) = [one for one in found.verdict.reasons if one.startswith("latency: ")]
    assert "times production's time" in reason
    assert "1.2 times are allowed" in reason
