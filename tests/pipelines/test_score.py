import csv
import signal
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree

import mlflow
import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from churn.bundle.files import digest_of
from churn.contract.contract import Contract
from churn.data.sampler import sample_telco
from churn.errors import NotFoundError, TableError, UsageError
from churn.scoring.loading import load_scorer
from churn.settings import environment_for_children
from churn.stores.database import open_database
from churn.stores.registry import ModelRegistry
from pipelines.logged_model import log_bundle
from pipelines.score import ScoreReport, score
from pipelines.score_output import HEADER, WORDS
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking
from tests.bundles import as_format_1, small_bundle, tenure_book
from tests.registered import promoted

ROWS = 9_000


@pytest.fixture(scope="module")
def settings(telco: Contract, tmp_path_factory: pytest.TempPathFactory) -> PipelineSettings:
    """A home whose production is a small bundle."""
    home = tmp_path_factory.mktemp("home")
    settings = PipelineSettings(home=home, tracking=f"sqlite:///{home / 'mlflow.db'}")
    small_bundle(home / "made" / "bundle", telco, segments=tenure_book())
    open_tracking(settings)
    with mlflow.start_run() as run:
        uri = log_bundle(home / "made" / "bundle", telco)
    registry = ModelRegistry(settings.tracking_uri)
    digest = digest_of(home / "made" / "bundle")
    registry.move_production(registry.register("churn", uri, run_id=run.info.run_id, digest=digest, tags={}))
    return settings


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of customers; every thousandth row has a fault, and one has too many cells."""
    columns = sample_telco(ROWS, seed=4)
    columns["tenure"][999::1000] = ["-3"] * len(columns["tenure"][999::1000])
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for number, row in enumerate(zip(*columns.values(), strict=True), start=1):
            writer.writerow([*row, "one too many"] if number == 5500 else row)
    return path


def run(source: Path, output: Path | str, settings: PipelineSettings) -> ScoreReport:
    return score(source, str(output), version=None, settings=settings, progress=lambda _: None)


def test_every_row_is_scored_or_set_aside_with_its_number(
    customers: Path, settings: PipelineSettings, tmp_path: Path
) -> None:
    report = run(customers, tmp_path / "scores.csv", settings)

    rejected = pd.read_csv(report.rejected_file)
    assert (report.rows, report.scored, report.rejected) == (ROWS, ROWS - 10, 10)
    assert rejected["row"].tolist() == [1000, 2000, 3000, 4000, 5000, 5500, 6000, 7000, 8000, 9000]
    assert rejected["reasons"][0] == "tenure: below the minimum 0"
    assert "cells" in rejected["reasons"][5]


def test_the_file_holds_what_the_scorer_says(customers: Path, settings: PipelineSettings, tmp_path: Path) -> None:
    run(customers, tmp_path / "scores.csv", settings)

    scores = pd.read_csv(tmp_path / "scores.csv", float_precision="round_trip").set_index("customer_id")
    raw = pd.read_csv(customers, dtype=str, nrows=1)
    bundle = settings.bundle_folder / digest_of(settings.home / "made" / "bundle")
    scorer = load_scorer(bundle, name="churn", version=1)
    request = {name: value for name, value in raw.iloc[0].items() if name in scorer.contract.columns}
    numbers = {name: float(request[name]) for name in ("tenure", "MonthlyCharges", "TotalCharges")}
    row = scorer.form.model.model_validate({**request, **numbers})
    expected = scorer.score_row(scorer.form.convert(row).row)
    assert scores.loc[raw["customerID"][0], "churn_probability"] == pytest.approx(expected, abs=1e-6)
    assert set(scores["risk_level"]) <= {"LOW", "MEDIUM", "HIGH"}
    assert (scores["churn_prediction"] == (scores["churn_probability"] >= scorer.threshold)).all()


def test_a_database_gets_one_row_per_customer_however_often_it_is_scored(
    customers: Path, settings: PipelineSettings, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'warehouse.db'}"

    first, second = run(customers, url, settings), run(customers, url, settings)

    with open_database(url).connect() as connection:
        stored = connection.execute(text("select count(*) from churn_scores")).scalar_one()
    assert stored == first.scored == second.scored == ROWS - 10
    assert second.resumed_at == 0


@pytest.mark.parametrize("kind", ["parquet", "xlsx"])
def test_parquet_and_workbooks_give_the_same_scores_as_csv(
    kind: str, settings: PipelineSettings, tmp_path: Path
) -> None:
    frame = pd.DataFrame(sample_telco(300, seed=5))
    typed = frame.assign(
        tenure=frame["tenure"].astype(int),
        TotalCharges=pd.to_numeric(frame["TotalCharges"], errors="coerce"),
        SeniorCitizen=frame["SeniorCitizen"].astype(int),
    )
    frame.to_csv(tmp_path / "c.csv", index=False)
    typed.to_parquet(tmp_path / "c.parquet") if kind == "parquet" else typed.to_excel(tmp_path / "c.xlsx", index=False)

    run(tmp_path / "c.csv", tmp_path / "from_csv.csv", settings)
    run(tmp_path / f"c.{kind}", tmp_path / "from_other.csv", settings)

    assert (tmp_path / "from_csv.csv").read_bytes() == (tmp_path / "from_other.csv").read_bytes()


@pytest.mark.parametrize("output", ["file", "database"])
def test_a_killed_job_goes_on_where_it_stopped_and_the_result_is_whole(
    output: str, settings: PipelineSettings, tmp_path: Path
) -> None:
    source = tmp_path / "many.csv"
    pd.DataFrame(sample_telco(60_000, seed=6)).to_csv(source, index=False)
    target = str(tmp_path / "scores.csv") if output == "file" else f"sqlite:///{tmp_path / 'scores.db'}"
    command = [sys.executable, "-m", "cli.main", "score", "--input", str(source), "--output", target]
    environment = environment_for_children(CHURN_HOME=str(settings.home))
    progress = tmp_path / ("scores.csv.progress" if output == "file" else "scores.db")

    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not _has_begun(progress, output):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    report = run(source, target, settings)

    assert report.resumed_at > 0
    assert report.rows == 60_000
    if output == "file":
        run(source, tmp_path / "at_once.csv", settings)
        assert Path(target).read_bytes() == (tmp_path / "at_once.csv").read_bytes()
    else:
        with open_database(target).connect() as connection:
            assert connection.execute(text("select count(*) from churn_scores")).scalar_one() == 60_000


def _has_begun(progress: Path, output: str) -> bool:
    if output == "file":
        return progress.exists()
    if not progress.exists() or not progress.stat().st_size:
        return False
    with open_database(f"sqlite:///{progress}").connect() as connection:
        tables = connection.execute(text("select count(*) from sqlite_master where name = 'churn_score_jobs'"))
        return bool(tables.scalar_one()) and bool(
            connection.execute(text("select count(*) from churn_score_jobs")).scalar_one()
        )


def test_another_input_does_not_resume_the_job_of_the_first(settings: PipelineSettings, tmp_path: Path) -> None:
    for seed in (1, 2):
        pd.DataFrame(sample_telco(100, seed=seed)).to_csv(tmp_path / f"{seed}.csv", index=False)
    (tmp_path / "s.csv.progress").write_text('{"job": "another", "rows_done": 50}')

    report = run(tmp_path / "2.csv", tmp_path / "s.csv", settings)

    assert (report.resumed_at, report.scored) == (0, 100)


def test_a_customer_id_that_a_spreadsheet_would_run_is_made_inert(settings: PipelineSettings, tmp_path: Path) -> None:
    frame = pd.DataFrame(sample_telco(3, seed=1))
    frame.loc[0, "customerID"] = "=cmd|' /C calc'!A0"
    frame.to_csv(tmp_path / "c.csv", index=False)

    run(tmp_path / "c.csv", tmp_path / "s.csv", settings)

    assert pd.read_csv(tmp_path / "s.csv")["customer_id"][0] == "'=cmd|' /C calc'!A0"


def test_a_table_without_a_required_column_writes_nothing(settings: PipelineSettings, tmp_path: Path) -> None:
    pd.DataFrame(sample_telco(10, seed=1)).drop(columns="tenure").to_csv(tmp_path / "c.csv", index=False)

    with pytest.raises(TableError, match="no column 'tenure'"):
        run(tmp_path / "c.csv", tmp_path / "s.csv", settings)

    assert not (tmp_path / "s.csv").exists()


def test_an_input_that_is_not_there_is_named(settings: PipelineSettings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file .*nowhere\.csv"):
        run(tmp_path / "nowhere.csv", tmp_path / "s.csv", settings)


def test_an_output_that_is_neither_csv_nor_database_is_refused(customers: Path, settings: PipelineSettings) -> None:
    with pytest.raises(UsageError, match=r"does not end in \.csv"):
        run(customers, "scores.xlsx", settings)


def test_without_production_it_says_what_to_do(customers: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="churn ring"):
        run(customers, tmp_path / "s.csv", PipelineSettings(home=tmp_path))


def test_probabilities_in_the_file_read_back_exactly(settings: PipelineSettings, tmp_path: Path) -> None:
    pd.DataFrame(sample_telco(50, seed=9)).to_csv(tmp_path / "c.csv", index=False)
    run(tmp_path / "c.csv", tmp_path / "a.csv", settings)

    read = pd.read_csv(tmp_path / "a.csv", float_precision="round_trip")["churn_probability"].to_numpy()

    assert np.array_equal(read, read.astype(np.float32).astype(np.float64))


def test_a_score_comes_with_segment_money_and_priority(settings: PipelineSettings, tmp_path: Path) -> None:
    frame = pd.DataFrame(sample_telco(80, seed=3))
    frame.to_csv(tmp_path / "c.csv", index=False)

    run(tmp_path / "c.csv", tmp_path / "s.csv", settings)
    run(tmp_path / "c.csv", f"sqlite:///{tmp_path / 's.db'}", settings)

    scores = pd.read_csv(tmp_path / "s.csv")
    assert list(scores) == [*HEADER]
    tenure = frame["tenure"].astype(int)
    decided = tenure != 50
    assert (scores["segment"] == "new customers")[decided].tolist() == (tenure < 50)[decided].tolist()
    worth = frame["MonthlyCharges"].astype(float) * 12 * 0.6
    leaving = scores["churn_probability"]
    expected = leaving * (0.3 * (worth - 10) - 1) + (1 - leaving) * -11
    assert np.abs(scores["expected_profit"] - expected).max() < 0.006
    assert np.abs(scores["expected_loss"] - leaving * worth).max() < 0.006
    assert (scores.sort_values("expected_profit")["priority_score"].diff().dropna() >= 0).all()
    with open_database(f"sqlite:///{tmp_path / 's.db'}").connect() as connection:
        stored = connection.execute(text("select segment, expected_profit, reason_1 from churn_scores")).all()
    assert sorted({row[0] for row in stored}) == ["new customers", "old customers"]
    assert sorted(row[1] for row in stored) == sorted(scores["expected_profit"])
    assert {row[2] for row in stored} == {None}


def test_explained_scores_tell_their_reasons_in_words(settings: PipelineSettings, tmp_path: Path) -> None:
    pd.DataFrame(sample_telco(80, seed=3)).to_csv(tmp_path / "c.csv", index=False)

    for output in (str(tmp_path / "s.csv"), f"sqlite:///{tmp_path / 's.db'}"):
        score(tmp_path / "c.csv", output, version=None, settings=settings, progress=lambda _: None, explain=True)
    run(tmp_path / "c.csv", tmp_path / "plain.csv", settings)

    scores, plain = pd.read_csv(tmp_path / "s.csv"), pd.read_csv(tmp_path / "plain.csv")
    assert list(scores) == [*HEADER, *WORDS]
    assert scores[[*HEADER]].equals(plain)
    assert scores["reason_1"].str.contains(r" (?:is|:) .*, which (?:raises|lowers) the risk$|: ").all()
    assert scores["recommendation"].str.contains("expected to (?:earn|lose) [0-9,.]+ USD$").all()
    assert (
        scores["recommendation"].str.startswith("No action pays").equals(~scores["recommendation"].str.contains("earn"))
    )
    with open_database(f"sqlite:///{tmp_path / 's.db'}").connect() as connection:
        stored = connection.execute(text("select customer_id, reason_1 from churn_scores")).all()
    assert dict(stored) == dict(zip(scores["customer_id"], scores["reason_1"], strict=True))


def test_a_plain_job_does_not_go_on_with_an_explained_one(settings: PipelineSettings, tmp_path: Path) -> None:
    pd.DataFrame(sample_telco(5_000, seed=3)).to_csv(tmp_path / "c.csv", index=False)
    stop = RuntimeError("killed")

    def killed(_: int) -> None:
        raise stop

    with pytest.raises(RuntimeError, match="killed"):
        score(
            tmp_path / "c.csv", str(tmp_path / "s.csv"),
            version=None, settings=settings, progress=killed, explain=True,
        )  # fmt: skip
    report = run(tmp_path / "c.csv", tmp_path / "s.csv", settings)

    assert report.resumed_at == 0
    assert list(pd.read_csv(tmp_path / "s.csv")) == [*HEADER]


def test_a_version_without_explanations_says_so_before_it_scores(
    bundle_folder: Path, telco: Contract, tmp_path: Path
) -> None:
    settings = PipelineSettings(home=tmp_path / "home", tracking=f"sqlite:///{tmp_path / 'mlflow.db'}")
    old = Path(copytree(bundle_folder, tmp_path / "made"))
    as_format_1(old)
    promoted(old, telco, settings, tmp_path)
    pd.DataFrame(sample_telco(5, seed=3)).to_csv(tmp_path / "c.csv", index=False)

    with pytest.raises(UsageError, match=r"has no explanations: .* or score without --explain"):
        score(
            tmp_path / "c.csv", str(tmp_path / "s.csv"),
            version=None, settings=settings, progress=lambda _: None, explain=True,
        )  # fmt: skip

    assert not (tmp_path / "s.csv").exists()
    assert run(tmp_path / "c.csv", tmp_path / "s.csv", settings).scored == 5
