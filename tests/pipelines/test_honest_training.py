"""What keeps a version from being registered or promoted: a column that knows the outcome, and a gap between groups."""

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from churn.contract.contract import Contract
from churn.errors import LeakageError, NotFoundError
from churn.evaluation.gate import Gate
from churn.features.frame import raw_frame
from pipelines.development import BASELINE, STACK, Development
from pipelines.evaluate import evaluate
from pipelines.ingest import Ingested, ingest
from pipelines.moves import Order
from pipelines.nested import nested_scores
from pipelines.parameters import read_parameters
from pipelines.promote import promote
from pipelines.register import register
from pipelines.search import storage_of
from pipelines.tracking import find_training, open_tracking, silent
from pipelines.train import Trained, train
from pipelines.training import TrainParameters
from tests.pipelines.conftest import Home, settings_of

ORDER = Order("a test", "because")
OPEN = Gate(min_roc_auc=0.5)
QUICK = read_parameters("train", TrainParameters, trials=1, candidates=("logistic",), workers=1, folds=3)


def changed(contract: Contract, **changes: object) -> Contract:
    return Contract.model_validate(contract.model_dump() | changes)


def trained_on(ingested: Ingested, contract: Contract, home: Path) -> Trained:
    settings = settings_of(home)
    settings.home.mkdir(parents=True, exist_ok=True)
    open_tracking(settings)
    return train(ingested, contract, QUICK, settings=settings, say=silent)


def test_a_column_that_knows_the_outcome_stops_the_training_by_name(
    customers_file: Path, telco: Contract, tmp_path: Path
) -> None:
    table = pd.read_csv(customers_file, dtype=str)
    rng = np.random.default_rng(3)
    table["SatisfactionScore"] = np.where(
        table["Churn"] == "Yes", rng.integers(1, 3, len(table)), rng.integers(3, 6, len(table))
    )
    leaking = tmp_path / "leaking.csv"
    table.to_csv(leaking, index=False)
    columns = telco.model_dump()["columns"] | {"SatisfactionScore": {"type": "integer"}}
    contract, settings = changed(telco, columns=columns), settings_of(tmp_path / "home")

    with pytest.raises(LeakageError, match=r"SatisfactionScore.*leaking"):
        trained_on(ingest(leaking, contract, settings), contract, tmp_path / "home")

    with pytest.raises(NotFoundError, match="no finished training"):
        find_training(settings, None)
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert run.data.tags["leakage_audit"] == "failed"
    assert run.info.status == "FAILED"
    assert "SatisfactionScore" in mlflow.artifacts.load_text(f"{run.info.artifact_uri}/audit.md")


def test_a_version_with_a_gap_between_protected_groups_is_not_promoted(
    customers_file: Path, telco: Contract, tmp_path: Path
) -> None:
    columns = telco.model_dump()["columns"]
    columns["Contract"]["protected"] = True  # who has signed for two years hardly leaves, and is hardly found
    fairness = {"max_recall_gap": 0.05, "smallest_group": 1}
    contract = changed(telco, columns=columns, fairness=fairness, economics=None, offers=())
    settings = settings_of(tmp_path / "home")
    trained = trained_on(ingest(customers_file, contract, settings), contract, tmp_path / "home")
    evaluate(trained.run_id, settings=settings)
    version = register(trained.run_id, settings=settings).version

    found = promote(version, ORDER, OPEN, settings=settings)

    (said,) = [one.words for one in found.verdict.guards if one.name == "fairness" and one.outcome == "failed"]
    assert found.outcome == "refused"
    assert said in found.verdict.reasons
    assert "fairness.max_recall_gap" in said
    assert "Contract = " in said


def test_nested_scores_are_of_rows_that_no_choice_has_seen(trained_home: Home, telco: Contract) -> None:
    customers = trained_home.ingested.customers
    parameters = QUICK.model_copy(update={"nested_folds": 3, "nested_repeats": 2})
    said: list[str] = []

    found = nested_scores(customers, telco, parameters, say=said.append)

    assert found.scores.shape == (2, len(customers.labels))
    assert ((found.scores > 0) & (found.scores < 1)).all()
    assert found.chosen == ["logistic"] * 6
    assert len(said) == 6
    assert not np.allclose(found.scores[0], found.scores[1])


def test_a_development_fits_the_baseline_and_stacks_the_others_without_fitting_again(
    trained_home: Home, telco: Contract, tmp_path: Path
) -> None:
    customers = trained_home.ingested.customers
    parameters = QUICK.model_copy(update={"candidates": ("logistic", "lightgbm", "stack"), "trials": 2})
    storage = storage_of(f"sqlite:///{tmp_path / 'optuna.db'}")

    found = Development(customers, telco, parameters, "study", storage, silent, is_tracked=False).run()

    assert set(found.finalists) == {BASELINE, "logistic", "lightgbm", STACK}
    assert found.choice.name != BASELINE
    stack, members = found.finalists[STACK].fitted, [found.finalists[name].fitted for name in ("logistic", "lightgbm")]
    inside = stack.pipeline_["model"].members_
    assert all(any(part is member.pipeline_ for member in members) for part in inside)
    frame = raw_frame(customers.columns)
    assert stack.predict_proba(frame).shape == (len(customers.labels), 2)
    assert found.finalists[STACK].estimates["roc_auc"].value > found.finalists[BASELINE].estimates["roc_auc"].high
