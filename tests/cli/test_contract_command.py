import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from churn.contract.reading import load_contract
from churn.errors import TableError, UsageError
from cli.main import app

ROOT = Path(__file__).parent.parent.parent
TELCO = str(ROOT / "contracts" / "telco.yaml")


def churn(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["contract", *map(str, words)], catch_exceptions=False)


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    lines = [f"K{i},{20 + i % 37},{i % 5}.5,{'yes' if i % 4 == 0 else 'no'}" for i in range(80)]
    path = tmp_path / "My customers 2024.csv"
    path.write_text("\n".join(["customer_id,age,fee,left", *lines, "K81,30"]) + "\n")
    return path


def test_a_contract_that_holds_is_told_so() -> None:
    assert "holds: 19 columns, 3 derived, target Churn" in churn("check", TELCO).stdout


def test_a_table_is_held_against_a_contract_and_bad_rows_keep_their_numbers(customers: Path, tmp_path: Path) -> None:
    draft = tmp_path / "mine.yaml"
    churn("infer", customers, "--target", "left", "--out", draft)
    lines = customers.read_text().splitlines()
    customers.write_text("\n".join([lines[0], "K100,30", "K101,old,1.5,no", *lines[1:]]) + "\n")

    told = churn("check", draft, "--data", customers).stdout

    assert "80 rows accepted, 3 set aside" in told
    assert "row 1: 2 cells for 4 columns" in told
    assert "row 2: age: not a number" in told
    assert "row 83: 2 cells for 4 columns" in told


def test_a_contract_is_shown_with_its_roles() -> None:
    told = churn("show", TELCO).stdout

    assert "customer id" in told
    assert "count_of" in told
    assert "find 80% of those who leave" in told


def test_a_contract_is_shown_as_json() -> None:
    assert json.loads(churn("show", TELCO, "--json").stdout)["target"]["column"] == "Churn"


def test_a_draft_goes_to_stdout_and_the_findings_to_stderr(customers: Path, tmp_path: Path) -> None:
    told = churn("infer", customers, "--target", "left")
    (tmp_path / "draft.yaml").write_text(told.stdout)

    assert load_contract(tmp_path / "draft.yaml").name == "my-customers-2024"
    assert "25.0% left" in told.stderr
    assert "1 rows can't be read and were left out; row 81: 2 cells for 4 columns" in told.stderr


def test_a_draft_never_overwrites_a_file_unless_it_is_told_to(customers: Path, tmp_path: Path) -> None:
    draft = tmp_path / "contracts" / "mine.yaml"
    churn("infer", customers, "--target", "left", "--out", draft)
    draft.write_text("# my own")

    with pytest.raises(UsageError, match="is there already"):
        churn("infer", customers, "--target", "left", "--out", draft)
    assert draft.read_text() == "# my own"
    churn("infer", customers, "--target", "left", "--out", draft, "--force")
    assert load_contract(draft).name == "mine"


def test_options_of_the_inference_are_passed_on(customers: Path, tmp_path: Path) -> None:
    draft = tmp_path / "mine.yaml"
    options = ["--target", "left", "--positive", "no", "--id", "age", "--name", "other"]
    churn("infer", customers, *options, "--out", draft)

    contract = load_contract(draft)
    assert (contract.name, contract.customer_id, contract.target.positive) == ("other", "age", "no")


def test_a_wrong_target_is_refused(customers: Path) -> None:
    with pytest.raises(TableError, match="did you mean 'left'"):
        churn("infer", customers, "--target", "Left")
