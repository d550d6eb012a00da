"""The stage `label`: from an event log to a table that ingest takes, with a report and an MLflow run."""

from datetime import date
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract, parse_contract
from churn.errors import TableError, UsageError
from churn.labels.events import date_of
from pipelines.ingest import ingest
from pipelines.label import LabelParameters, describe, label, labelled, log_labelling
from pipelines.parameters import read_parameters
from pipelines.settings import PipelineSettings
from pipelines.tracking import open_tracking
from tests.churn.labels.event_logs import poisson_log, shop
from tests.pipelines.conftest import settings_of

DATES = "[2024-05-31, 2024-06-30]"
USAGE = """
name: app
customer_id: who
target:
  proxy: {kind: usage, low_activity: {visits_90d: 1}, inactivity: {days_since_visit: 60}}
columns:
  age: {type: integer}
"""


@pytest.fixture(scope="module")
def contract() -> Contract:
    return shop(dates=DATES)


@pytest.fixture(scope="module")
def purchases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    events = poisson_log(customers=200, rate=0.02, days=400, seed=8)
    path = tmp_path_factory.mktemp("log") / "purchases.csv"
    frame = pd.DataFrame({"who": events.names[events.customer], "day": [date_of(day) for day in events.day]})
    frame.assign(**events.values).to_csv(path, index=False)
    return path


@pytest.fixture
def home(tmp_path: Path) -> PipelineSettings:
    return settings_of(tmp_path / "home")


@pytest.fixture
def asked() -> LabelParameters:
    return read_parameters("label", LabelParameters)


def test_the_labelled_table_is_ingested_with_the_same_contract(
    purchases: Path, contract: Contract, home: PipelineSettings
) -> None:
    found = ingest(labelled(contract, purchases, home), contract, home)

    customers = found.customers
    assert (found.quality.accepted, found.quality.rejected) == (400, 0)
    assert customers.groups is not None
    assert len(set(customers.groups)) == 200
    assert customers.times is not None
    assert sorted({str(time)[:10] for time in customers.times}) == ["2024-05-31", "2024-06-30"]
    assert 0 < customers.labels.mean() < 1


def test_labelling_again_gives_the_same_file_with_the_same_content(
    purchases: Path, contract: Contract, home: PipelineSettings
) -> None:
    first = labelled(contract, purchases, home)
    content = first.read_bytes()

    assert labelled(contract, purchases, home) == first
    assert first.read_bytes() == content


def test_another_rule_gives_another_file(purchases: Path, contract: Contract, home: PipelineSettings) -> None:
    assert labelled(shop(dates="[2024-05-31]"), purchases, home) != labelled(contract, purchases, home)


def test_a_table_with_labels_and_a_contract_without_proxy_are_left_alone(
    purchases: Path, contract: Contract, telco: Contract, home: PipelineSettings
) -> None:
    table = labelled(contract, purchases, home)

    assert labelled(contract, table, home) == table
    assert labelled(telco, purchases, home) == purchases


def test_a_labelling_leaves_table_bad_lines_report_rows_and_picture(
    purchases: Path, contract: Contract, home: PipelineSettings, tmp_path: Path
) -> None:
    asked = read_parameters("label", LabelParameters)
    broken = tmp_path / "broken.csv"
    broken.write_text(purchases.read_text() + "c00001,some day,1\n")

    found = label(contract, broken, asked, home)

    assert len(pd.read_parquet(found.table)) == 400
    assert found.rejected.read_text().splitlines()[1].endswith(",day: not an ISO-8601 date")
    assert "1 of" in found.report.read_text(encoding="utf-8")
    assert found.study is not None
    assert len(pd.read_csv(found.folder / "study.csv")) == len(found.study.rows)
    assert (found.folder / "study.png").stat().st_size > 10_000


def test_a_log_that_is_too_short_for_a_study_is_labelled_without_one(
    contract: Contract, home: PipelineSettings, asked: LabelParameters, tmp_path: Path
) -> None:
    days = pd.date_range("2024-05-01", "2024-08-29").strftime("%Y-%m-%d")
    pd.DataFrame({"who": "a", "day": days, "price": 1.0}).to_csv(tmp_path / "log.csv", index=False)

    found = label(contract, tmp_path / "log.csv", asked, home)

    assert found.study is None
    assert "too short for a label study" in found.report.read_text(encoding="utf-8")


def test_a_usage_table_is_labelled_studied_and_ingested(home: PipelineSettings, tmp_path: Path) -> None:
    usage = parse_contract(USAGE, "app.yaml")
    days, visits = [str(day % 100) for day in range(400)], [str(day % 3) for day in range(400)]
    frame = pd.DataFrame({"who": range(400), "age": 30, "visits_90d": visits, "days_since_visit": days})
    frame.to_csv(tmp_path / "usage.csv", index=False)

    found = label(usage, tmp_path / "usage.csv", read_parameters("label", LabelParameters), home)

    assert "Would another bound be better?" in found.report.read_text(encoding="utf-8")
    assert len(pd.read_csv(found.folder / "study.csv")) == 5
    assert labelled(usage, tmp_path / "usage.csv", home) == found.table
    ingested = ingest(found.table, usage, home)
    assert ingested.customers.labels.mean() == pytest.approx(found.found.base_rate)


def test_a_labelling_is_a_run_with_its_report(
    purchases: Path, contract: Contract, home: PipelineSettings, asked: LabelParameters
) -> None:
    found = label(contract, purchases, asked, home)
    open_tracking(home)

    run = mlflow.MlflowClient().get_run(log_labelling(found, contract, asked))

    assert run.data.tags["stage"] == "label"
    assert run.data.metrics["base_rate"] == pytest.approx(found.found.base_rate)
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/contract.yaml") == dump_contract(contract)
    names = {one.path for one in mlflow.MlflowClient().list_artifacts(run.info.run_id, "labels")}
    assert names == {"labels/labels.md", "labels/study.csv", "labels/study.png"}


def test_customers_of_a_day_are_described_without_labels(
    purchases: Path, contract: Contract, home: PipelineSettings
) -> None:
    table = pd.read_parquet(describe(contract, purchases, date(2025, 2, 3), home))

    assert "churned" not in table
    assert set(contract.columns) < set(table.columns)
    assert (table["seen"] == "2025-02-03").all()


def test_what_can_not_be_labelled_is_refused(
    telco: Contract, contract: Contract, purchases: Path, home: PipelineSettings
) -> None:
    asked = read_parameters("label", LabelParameters)
    with pytest.raises(UsageError, match="names the column 'Churn' as its target: there is nothing to label"):
        label(telco, purchases, asked, home)
    with pytest.raises(UsageError, match="telco has no event log"):
        describe(telco, purchases, date(2024, 6, 30), home)
    with pytest.raises(TableError, match="can't be read"):
        labelled(contract, purchases.parent / "none.csv", home)
