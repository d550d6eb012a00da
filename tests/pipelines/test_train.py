import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pytest

from churn.contract.contract import Contract
from churn.errors import TableError
from churn.features.frame import raw_frame
from churn.scoring.loading import load_scorer
from churn.stores.registry import ModelRegistry
from pipelines.holdout import load_bundle_of, read_holdout
from pipelines.tracking import find_training, open_tracking, silent
from pipelines.training import TrainParameters, choose_holdout, split
from tests.pipelines.conftest import Home

PICTURES = {"roc", "precision_recall", "calibration", "lift", "threshold"}


@pytest.fixture
def run(trained_home: Home) -> mlflow.entities.Run:
    open_tracking(trained_home.settings)
    return find_training(trained_home.settings, None)


def artifacts(run: mlflow.entities.Run, folder: str) -> set[str]:
    return {Path(one.path).stem for one in mlflow.MlflowClient().list_artifacts(run.info.run_id, folder)}


def test_a_training_leaves_its_metrics_and_pictures(trained_home: Home, run: mlflow.entities.Run) -> None:
    assert run.info.run_id == trained_home.trained.run_id
    assert 0.7 < run.data.metrics["cv_roc_auc"] < 0.95
    assert run.data.metrics["cv_roc_auc_low"] < run.data.metrics["cv_roc_auc"] < run.data.metrics["cv_roc_auc_high"]
    assert run.data.metrics["parity_max_difference"] <= 1e-5
    assert run.data.metrics["cv_recall"] >= 0.8
    assert artifacts(run, "plots/cross_validated") == PICTURES


def test_a_training_names_its_data_by_digest(trained_home: Home, run: mlflow.entities.Run) -> None:
    sha256 = trained_home.ingested.customers.sha256

    assert run.data.tags["dataset_digest"] == sha256
    assert [one.dataset.digest for one in run.inputs.dataset_inputs] == [sha256[:36]]
    assert json.loads(run.inputs.dataset_inputs[0].dataset.source)["uri"].endswith(trained_home.ingested.raw.name)


def test_each_trial_is_a_nested_run(run: mlflow.entities.Run) -> None:
    nested = mlflow.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'", output_format="list"
    )

    assert sorted(one.data.tags["candidate"] for one in nested) == ["lightgbm", "logistic"]
    assert all(one.info.status == "FINISHED" for one in nested)


def test_progress_is_told(trained_home: Home) -> None:
    assert any("trial 2/2" in line for line in trained_home.said)


def test_the_bundle_scores_the_held_out_customers_like_its_pipeline(
    trained_home: Home, run: mlflow.entities.Run
) -> None:
    settings = trained_home.settings
    scorer = load_bundle_of(run, ModelRegistry(settings.tracking_uri), settings.bundle_folder)
    holdout = read_holdout(run)

    scores = scorer.score_columns(holdout.columns(scorer.contract))

    assert scorer.digest == trained_home.trained.digest
    assert np.abs(scores - holdout.of_pipeline).max() <= 1e-5
    assert not set(holdout.ids) & set(_training_ids(trained_home, holdout.ids))


def _training_ids(home: Home, held_out: np.ndarray) -> set[str]:
    return set(home.ingested.customers.ids) - set(held_out)


LOAD = """
import sys, json, mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
print(json.dumps(model.predict(pd.read_parquet(sys.argv[3])).to_dict("list")))
"""


def test_pyfunc_loads_the_model_without_pickle_and_equals_the_scorer(
    trained_home: Home, run: mlflow.entities.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = trained_home.settings
    scorer = load_bundle_of(run, ModelRegistry(settings.tracking_uri), settings.bundle_folder)
    columns = read_holdout(run).columns(scorer.contract)
    raw_frame(columns).astype(dict.fromkeys(scorer.contract.numeric_columns, "float64")).to_parquet(tmp_path / "rows")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")

    words = [settings.tracking_uri, run.data.tags["model_uri"], str(tmp_path / "rows")]
    said = subprocess.run(
        [sys.executable, "-c", LOAD, *words], capture_output=True, check=True, text=True, cwd=tmp_path
    )

    found = json.loads(said.stdout)
    scores = scorer.score_columns(columns)
    np.testing.assert_allclose(found["churn_probability"], scores, atol=1e-6)
    assert found["churn_prediction"] == scorer.decide_all(scores)[0].tolist()


def test_no_file_of_the_logged_model_is_a_pickle(run: mlflow.entities.Run) -> None:
    folder = Path(
        mlflow.MlflowClient()
        .get_logged_model(run.data.tags["model_uri"].removeprefix("models:/"))
        .artifact_location.removeprefix("file://")
    )
    files = [path for path in folder.rglob("*") if path.is_file()]

    assert files
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".joblib", ".skops"}]
    assert not [path for path in files if path.read_bytes()[:2] in {b"\x80\x04", b"\x80\x05", b"\x80\x03"}]


def test_the_held_out_customers_are_a_share_of_each_kind(trained_home: Home) -> None:
    customers = trained_home.ingested.customers

    train, chosen = choose_holdout(customers, 0.2)

    for label in (0, 1):
        assert chosen[customers.labels == label].mean() == pytest.approx(0.2, abs=0.06)
    assert np.array_equal(chosen, ~train)


def test_training_and_held_out_customers_are_disjoint_and_complete(
    trained_home: Home, telco: Contract, parameters: TrainParameters
) -> None:
    training = split(trained_home.ingested, telco, parameters, settings=trained_home.settings)

    train, holdout = set(training.train.ids), set(training.holdout.ids)
    assert not train & holdout
    assert train | holdout == set(trained_home.ingested.customers.ids)


def test_the_same_customers_are_held_out_when_rows_are_appended_or_shuffled(trained_home: Home) -> None:
    customers = trained_home.ingested.customers
    rows = len(customers.labels)
    before = customers.only(np.arange(rows * 9 // 10))
    shuffled = customers.only(np.random.default_rng(0).permutation(rows))

    later = set(customers.ids[choose_holdout(customers, 0.2)[1]])

    assert set(before.ids[choose_holdout(before, 0.2)[1]]) == later & set(before.ids)
    assert set(shuffled.ids[choose_holdout(shuffled, 0.2)[1]]) == later


def test_a_group_is_on_one_side_only(trained_home: Home) -> None:
    customers = trained_home.ingested.customers
    households = np.array([f"household {row // 3}" for row in range(len(customers.labels))], dtype=object)

    train, holdout = choose_holdout(replace(customers, groups=households), 0.2)

    assert not set(households[train]) & set(households[holdout])
    assert (train | holdout).all()


def test_with_times_the_newest_rows_are_held_out(trained_home: Home) -> None:
    customers = trained_home.ingested.customers
    days = np.datetime64("2026-01-01", "s") + np.arange(len(customers.labels)) // 10 * np.timedelta64(1, "D")

    train, holdout = choose_holdout(replace(customers, times=days), 0.2)

    assert days[train].max() < days[holdout].min()
    assert holdout.mean() == pytest.approx(0.2, abs=0.02)


def test_with_times_and_groups_nobody_is_on_both_sides_and_the_test_is_newer(trained_home: Home) -> None:
    customers = trained_home.ingested.customers
    rows = np.arange(len(customers.labels))
    people = np.array([f"person {row % 300}" for row in rows], dtype=object)
    dates = np.datetime64("2026-01-01", "s") + rows // 300 * np.timedelta64(30, "D")

    train, holdout = choose_holdout(replace(customers, groups=people, times=dates), 0.3)

    assert not set(people[train]) & set(people[holdout])
    assert dates[train].max() < dates[holdout].min()


def test_a_split_that_leaves_one_kind_on_a_side_is_refused(trained_home: Home) -> None:
    customers = trained_home.ingested.customers
    by_outcome = np.array(["left" if label else "stayed" for label in customers.labels], dtype=object)

    with pytest.raises(TableError, match="all of one kind"):
        choose_holdout(replace(customers, groups=by_outcome), 0.5)


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    silent("nothing")

    assert capsys.readouterr().out == ""


def test_the_bundle_of_a_run_loads_as_version_zero(trained_home: Home, run: mlflow.entities.Run) -> None:
    settings = trained_home.settings
    path = ModelRegistry(settings.tracking_uri).fetch_logged(
        run.data.tags["model_uri"], settings.bundle_folder / trained_home.trained.digest, trained_home.trained.digest
    )

    assert load_scorer(path, name="churn", version=0).digest == trained_home.trained.digest
