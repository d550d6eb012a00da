import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from churn.contract.contract import Contract
from churn.contract.table import check_table
from churn.errors import ApiError, UsageError
from churn.scoring.outcome import OutcomeIn
from cli.main import app
from tests.churn.client.scripted import Handler, Received, answers, refuses, scripted
from tests.conftest import ROOT

TELCO = str(ROOT / "contracts" / "telco.yaml")


def told(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", "--contract", TELCO, *arguments])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_world_is_written_as_tables_outcomes_and_truth(tmp_path: Path, telco: Contract) -> None:
    arguments = ("--months", "3", "--customers", "300", "--seed", "1", "--shift", "price:1.3@3", "--report-days", "15")
    result = told(*arguments, "--out", str(tmp_path), "--json")

    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    months = [rows_of(tmp_path / f"customers-{number}.csv") for number in (1, 2, 3)]
    assert sum(map(len, months)) == summary["customers"]
    for rows in months:
        checked = check_table(telco, {name: [row[name] for row in rows] for name in rows[0]})
        assert checked.rejected == ()
        assert checked.customer_ids is not None
    prices = [np.mean([float(row["MonthlyCharges"]) for row in rows]) for rows in months]
    assert prices[2] > 1.2 * prices[0]
    outcomes = rows_of(tmp_path / "outcomes.csv")
    assert len(outcomes) == summary["outcomes"] < summary["customers"]
    assert all(OutcomeIn.model_validate(row).observed_at <= datetime.now(UTC) for row in outcomes)
    truth = rows_of(tmp_path / "truth.csv")
    assert len(truth) == summary["customers"]
    assert sum(row["left_at"] != "" for row in truth) == summary["left"]


def test_the_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "other"):
        assert told("--months", "2", "--customers", "50", "--out", str(tmp_path / name)).exit_code == 0
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "other" / file.name).read_bytes()


def test_customers_of_any_table_can_be_drawn(tmp_path: Path, telco_file: Path) -> None:
    result = told("--months", "2", "--customers", "500", "--data", str(telco_file), "--out", str(tmp_path), "--json")

    assert result.exit_code == 0, result.output
    assert 0.15 < json.loads(result.stdout)["left"] / 1000 < 0.4


def test_customers_are_sent_and_then_what_became_of_them() -> None:
    def door(handler: Handler, received: Received) -> None:
        told = {"accepted": 7, "duplicates": 0, "rejected": []} if received.path == "/api/v1/outcomes" else None
        answers(told)(handler, received)

    with scripted(door) as script:
        result = told(
            "--send", script.url, "--rate", "200", "--minutes", "0.01", "--outcomes", "--key", "hf_1", "--json"
        )

    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["sent"], summary["answered"], summary["outcomes"]) == (120, 120, 7)
    right_to_tell, *predictions, outcomes = script.received
    assert json.loads(right_to_tell.body) == {"outcomes": []}
    first = json.loads(predictions[0].body)
    assert isinstance(first["MonthlyCharges"], float)
    assert isinstance(first["tenure"], int)
    assert isinstance(first["SeniorCitizen"], bool)
    assert len({json.loads(each.body)["customer_id"] for each in predictions}) == 120
    sent = json.loads(outcomes.body)["outcomes"]
    assert {each["prediction_id"] for each in sent} == {each.key for each in predictions}
    assert 0.1 < np.mean([each["churned"] for each in sent]) < 0.5
    assert outcomes.headers["x-api-key"] == "hf_1"


def test_nothing_is_sent_when_outcomes_will_be_refused() -> None:
    with scripted(refuses(403)) as script:
        result = told("--send", script.url, "--outcomes")

    assert isinstance(result.exception, ApiError)
    assert [each.path for each in script.received] == ["/api/v1/outcomes"]


def test_a_request_that_is_lost_is_told_by_the_exit_status() -> None:
    with scripted(refuses(422)) as script:
        result = told("--send", script.url, "--rate", "100", "--minutes", "0.001")

    assert result.exit_code == 3
    assert "refused: 6" in result.stdout


@pytest.mark.parametrize(
    "arguments", [(), ("--history", "--out", "here"), ("--history", "--send", "http://127.0.0.1:1")]
)
def test_one_use_is_asked_for(arguments: tuple[str, ...]) -> None:
    result = told(*arguments)
    assert isinstance(result.exception, UsageError)
    assert "give one of" in str(result.exception)


def test_another_contract_needs_a_table_of_its_own(tmp_path: Path) -> None:
    text = (ROOT / "contracts" / "telco.yaml").read_text()
    text = text.replace("  tenure: {type", "  months_here: {type: integer, required: true}\n  tenure: {type")
    (tmp_path / "other.yaml").write_text(text)
    result = told("--contract", str(tmp_path / "other.yaml"), "--out", str(tmp_path / "out"))
    assert isinstance(result.exception, UsageError)
    assert "months_here" in str(result.exception)
