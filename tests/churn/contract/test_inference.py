import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.contract.contract import Contract
from churn.contract.inference import Inference, infer_contract, render
from churn.contract.reading import parse_contract
from churn.contract.table import check_table, check_target
from churn.contract.texts import MISSING_MARKS
from churn.data.files import read_table
from churn.errors import ContractError, TableError

Cells = dict[str, list[object]]
ROWS = 600


def bank(rows: int = ROWS) -> Cells:
    """A bank's table: row numbers, an id, a surname, flags as 0/1, and the outcome as 0/1."""
    rng = np.random.default_rng(1)
    age = rng.integers(18, 93, rows)
    exited = rng.random(rows) < np.where(age > 50, 0.6, 0.1)
    return {
        "RowNumber": [*range(1, rows + 1)],
        "CustomerId": (15_600_000 + rng.permutation(rows)).tolist(),
        "Surname": [f"Smith{i // 2}" for i in range(rows)],
        "CreditScore": rng.integers(350, 851, rows).tolist(),
        "Geography": rng.choice(["France", "Spain", "Germany"], rows).tolist(),
        "Gender": rng.choice(["Female", "Male"], rows).tolist(),
        "Age": age.tolist(),
        "Balance": np.round(rng.uniform(-500, 250_000, rows), 2).tolist(),
        "HasCrCard": rng.integers(0, 2, rows).tolist(),
        "Complain": np.where(rng.random(rows) < 0.002, ~exited, exited).astype(int).tolist(),
        "Exited": exited.astype(int).tolist(),
    }


def telecom(rows: int = ROWS) -> Cells:
    """A telephone company's table: states, area codes, yes/no, the outcome as True/False, no id but a number."""
    rng = np.random.default_rng(2)
    calls = rng.integers(0, 10, rows)
    return {
        "State": rng.choice([f"S{i:02}" for i in range(50)], rows).tolist(),
        "Account length": rng.integers(1, 244, rows).tolist(),
        "Area code": rng.choice([408, 415, 510], rows).tolist(),
        "Phone number": [f"{rng.integers(320, 430)}-{i:04}" for i in range(rows)],
        "International plan": rng.choice(["no", "yes"], rows, p=[0.9, 0.1]).tolist(),
        "Total day minutes": np.round(rng.normal(180, 54, rows).clip(0), 1).tolist(),
        "Customer service calls": calls.tolist(),
        "Churn": (rng.random(rows) < np.where(calls > 6, 0.5, 0.08)).tolist(),
    }


def shop(rows: int = ROWS) -> Cells:
    """A shop's table, in German: dates, e-mail, decimal commas, `?` and `k.A.` for missing, a reason for leaving."""
    rng = np.random.default_rng(3)
    orders = rng.integers(0, 40, rows)
    left = rng.random(rows) < np.where(orders < 6, 0.7, 0.15)
    fee = rng.uniform(5, 99, rows)
    return {
        "Kundennr": [f"K{i:06}" for i in range(rows)],
        "E-Mail": [f"kunde{i}@example.org" for i in range(rows)],
        "Telefon": [f"+49 30 {i:07}" for i in range(rows)],
        "Kunde seit": [f"{1 + i % 28:02}.{1 + i % 12:02}.{2015 + i % 9}" for i in range(rows)],
        "Bestellungen": ["?" if i % 50 == 0 else str(count) for i, count in enumerate(orders)],
        "Monatsbeitrag": [f"{value:.2f}".replace(".", ",") for value in fee],
        "Monatlicher Umsatz": [f"{value:.2f}" for value in fee],
        "Größe": rng.choice(["S", "M", "L", "k.A."], rows).tolist(),
        "Land": ["DE"] * rows,
        "Fax": [""] * rows,
        "PLZ": [f"{i % 300:05}" for i in range(rows)],
        "Anmerkung": [f"Hat am Telefon gesagt: {i}" if i % 3 else "" for i in range(rows)],
        "Kündigungsgrund": ["zu teuer" if gone else "" for gone in left],
        "Kündigungsdatum": [f"2024-0{1 + i % 9}-11" if gone else "" for i, gone in enumerate(left)],
        "churned": np.where(left, "ja", "nein").tolist(),
    }


def draft(table: Cells, target: str, **options: str) -> Inference:
    return infer_contract(table, name="mine", target=target, **options)  # type: ignore[arg-type]


def types_of(contract: Contract) -> dict[str, str]:
    return {name: column.type for name, column in contract.columns.items()}


def texts_about(inference: Inference, column: str) -> str:
    return "; ".join(finding.text for finding in inference.findings if finding.column == column)


def assert_works(inference: Inference, columns: Mapping[str, Sequence[object]]) -> None:
    """The draft parses unedited, to the same contract, and accepts every row that it was made from."""
    contract = parse_contract(render(inference), "draft")

    assert contract == inference.contract
    assert check_table(contract, columns).rejected == ()
    assert check_target(contract, columns)[1].all()


def write_csv(path: Path, table: Cells, *, delimiter: str, encoding: str) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([[*table], *zip(*table.values(), strict=True)])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def test_a_bank_gets_a_contract(tmp_path: Path) -> None:
    table = read_table(write_csv(tmp_path / "bank.csv", bank(), delimiter=";", encoding="utf-8-sig"))

    inference = infer_contract(table.columns, name="bank", target="Exited")

    contract = inference.contract
    assert (contract.customer_id, contract.target.positive, contract.target.negative) == ("CustomerId", "1", "0")
    assert types_of(contract) == {
        "CreditScore": "integer",
        "Geography": "category",
        "Gender": "category",
        "Age": "integer",
        "Balance": "number",
        "HasCrCard": "boolean",
    }
    assert contract.ignored.keys() == {"RowNumber", "Surname"}
    assert contract.leaking.keys() == {"Complain"}
    assert {name for name, column in contract.columns.items() if column.protected} == {"Gender", "Age"}
    assert contract.required_columns == ("Age",)
    assert contract.economics is None
    assert_works(inference, table.columns)


def test_a_telephone_company_gets_a_contract(tmp_path: Path) -> None:
    table = read_table(write_csv(tmp_path / "calls.csv", telecom(), delimiter=",", encoding="utf-8"))

    inference = infer_contract(table.columns, name="calls", target="Churn")

    contract = inference.contract
    assert (contract.customer_id, contract.target.positive, contract.target.negative) == (None, "True", "False")
    assert types_of(contract) == {
        "State": "category",
        "Account length": "integer",
        "Area code": "category",
        "International plan": "category",
        "Total day minutes": "number",
        "Customer service calls": "integer",
    }
    assert contract.columns["State"].accept_unknown
    assert not contract.columns["International plan"].accept_unknown
    assert set(contract.columns["Area code"].categories) == {"408", "415", "510"}
    assert contract.ignored == {"Phone number": "phone numbers: personal, and no two alike"}
    assert_works(inference, table.columns)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_german_shop_gets_a_contract(tmp_path: Path, encoding: str) -> None:
    table = read_table(write_csv(tmp_path / "kunden.csv", shop(), delimiter=";", encoding=encoding))

    inference = infer_contract(table.columns, name="shop", target="churned")

    contract = inference.contract
    assert (contract.customer_id, contract.target.positive, contract.target.negative) == ("Kundennr", "ja", "nein")
    assert types_of(contract) == {
        "Bestellungen": "integer",
        "Monatsbeitrag": "number",
        "Monatlicher Umsatz": "number",
        "Größe": "category",
    }
    assert contract.leaking.keys() == {"Kündigungsgrund", "Kündigungsdatum"}
    assert contract.ignored.keys() == {*("E-Mail", "Telefon", "Kunde seit", "Land", "Fax", "PLZ", "Anmerkung")}
    assert contract.columns["Monatsbeitrag"].decimal_comma
    assert not contract.columns["Monatlicher Umsatz"].decimal_comma
    assert contract.missing_marks == (*MISSING_MARKS, "k.A.")
    assert "'?' (12)" in texts_about(inference, "Bestellungen")
    assert contract.economics is not None
    assert contract.economics.value_column == "Monatlicher Umsatz"
    assert_works(inference, table.columns)


def test_the_same_table_as_parquet_values_gets_the_same_columns() -> None:
    from_values = draft(bank(), "Exited").contract
    from_texts = draft({name: [str(cell) for cell in cells] for name, cells in bank().items()}, "Exited").contract

    assert from_values == from_texts


def test_the_real_telco_file_gets_the_types_of_its_contract(telco_file: Path, telco: Contract) -> None:
    columns = read_table(telco_file).columns

    inference = infer_contract(columns, name="telco", target="Churn")

    contract = inference.contract
    assert types_of(contract) == types_of(telco)
    assert (contract.customer_id, contract.target.positive) == ("customerID", "Yes")
    assert (contract.ignored, contract.leaking, contract.missing_marks) == ({}, {}, MISSING_MARKS)
    assert contract.economics is not None
    assert contract.economics.value_column == "MonthlyCharges"
    assert len(contract.required_columns) <= 3
    assert {"tenure", "Contract"} <= set(contract.required_columns)
    assert_works(inference, columns)


@pytest.mark.parametrize("rows", [200, 2_000])
def test_a_column_without_signal_is_no_leak_and_not_required(rows: int) -> None:
    rng = np.random.default_rng(5)
    noise: Cells = {
        "code": rng.choice([f"v{i}" for i in range(90)], rows).tolist(),
        "fee": rng.normal(size=rows).tolist(),
        "left": ["yes"] * (rows // 10) + ["no"] * (rows - rows // 10),
    }

    contract = draft(noise, "left").contract

    assert (contract.leaking, contract.required_columns) == ({}, ())


def test_a_number_that_leaks_in_the_middle_of_its_range_is_found() -> None:
    rng = np.random.default_rng(6)
    fee = rng.uniform(0, 100, 2_000)
    table: Cells = {
        "fee": fee.tolist(),
        "age": rng.integers(18, 90, 2_000).tolist(),
        "left": np.where((fee > 40) & (fee < 60), "yes", "no").tolist(),
    }

    assert draft(table, "left").contract.leaking.keys() == {"fee"}


def test_a_strong_column_is_kept_and_pointed_out() -> None:
    rng = np.random.default_rng(7)
    left = rng.random(2_000) < 0.3
    table: Cells = {"score": (rng.normal(size=2_000) + 2 * left).tolist(), "left": np.where(left, "yes", "no").tolist()}

    inference = draft(table, "left")

    assert inference.contract.columns["score"].type == "number"
    assert not inference.contract.columns["score"].required
    assert "tells much alone" in texts_about(inference, "score")


def test_none_is_missing_among_numbers_and_a_value_among_texts() -> None:
    table: Cells = {
        "fee": ["None", "1.5", "2.5", "unknown"] * 15,
        "offer": ["None", "A", "B", "A"] * 15,
        "left": ["yes", "no", "no"] * 20,
    }

    inference = draft(table, "left")

    assert inference.contract.columns["fee"].type == "number"
    assert inference.contract.missing_marks == (*MISSING_MARKS, "unknown")
    assert "None" in inference.contract.columns["offer"].categories
    assert "read as a value" in texts_about(inference, "offer")


def test_bounds_are_wider_than_what_was_seen_and_keep_to_their_side_of_zero() -> None:
    table: Cells = {
        "tenure": [str(1 + i % 72) for i in range(100)],
        "delta": [str(i % 30 - 10) for i in range(100)],
        "debt": [str(-(i % 30) - 1) for i in range(100)],
        "left": ["yes", "no"] * 50,
    }

    columns = draft(table, "left").contract.columns

    bounds = {name: (column.minimum, column.maximum) for name, column in columns.items()}
    assert bounds == {"tenure": (0, 200), "delta": (-40, 50), "debt": (-60, 0)}


def test_a_few_cells_that_are_no_numbers_make_bad_rows_not_a_category() -> None:
    table: Cells = {"age": ["old", *(str(20 + i % 50) for i in range(99))], "left": ["yes", "no"] * 50}

    inference = draft(table, "left")

    assert inference.contract.columns["age"].type == "integer"
    assert "1 cells are not numbers" in texts_about(inference, "age")


def test_a_column_named_like_a_part_of_the_answer_is_ignored() -> None:
    table: Cells = {"risk_level": ["a", "b"] * 30, "fee": [1, 2, 3, 4] * 15, "left": ["yes", "no", "no"] * 20}

    assert draft(table, "left").contract.ignored == {
        "risk_level": "named like a part of the answer: rename it in the table to use it"
    }


def test_numbers_that_no_customer_has_are_bad_cells() -> None:
    table: Cells = {"fee": ["1e300", *(f"{i % 9}e29" for i in range(99))], "left": ["yes", "no"] * 50}

    inference = draft(table, "left")

    assert inference.contract.columns["fee"].maximum == 1e30
    assert "1 cells are not numbers" in texts_about(inference, "fee")


def test_a_second_identifier_in_a_table_sorted_by_outcome_is_no_leak() -> None:
    table: Cells = {
        "CustomerId": [f"K{i}" for i in range(100)],
        "Contract No": [5_000 + 3 * i for i in range(100)],
        "age": [20 + i % 30 for i in range(100)],
        "left": ["yes"] * 50 + ["no"] * 50,
    }

    contract = draft(table, "left").contract

    assert (contract.customer_id, contract.leaking) == ("CustomerId", {})
    assert contract.ignored.keys() == {"Contract No"}


def test_codes_with_leading_zeros_are_texts() -> None:
    table: Cells = {"branch": ["007", "008", "010", "011"] * 15, "left": ["yes", "no", "no"] * 20}

    assert draft(table, "left").contract.columns["branch"].categories == ("007", "008", "010", "011")


def test_the_given_id_wins_and_the_other_one_is_ignored() -> None:
    table = bank() | {"AccountKey": [f"A{i}" for i in range(ROWS)]}

    contract = draft(table, "Exited", customer_id="AccountKey").contract

    assert contract.customer_id == "AccountKey"
    assert contract.ignored["CustomerId"].startswith("another identifier")


def test_the_rarer_value_left_when_no_word_says_who_did() -> None:
    inference = draft({"age": [20 + i % 7 for i in range(40)], "status": ["A"] * 30 + ["B"] * 10}, "status")

    assert inference.contract.target.positive == "B"
    assert "guessed" in texts_about(inference, "status")


def test_the_given_positive_value_wins() -> None:
    contract = draft(telecom(), "Churn", positive="False").contract

    assert (contract.target.positive, contract.target.negative) == ("False", "True")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "Exit"}, "no target column 'Exit': did you mean 'Exited'"),
        ({"target": "exited"}, "did you mean 'Exited'"),
        ({"target": "Exited", "customer_id": "customer id"}, "no id column 'customer id': did you mean 'CustomerId'"),
        ({"target": "Exited", "customer_id": "Exited"}, "both target and id"),
        ({"target": "Geography"}, r"must hold two values, and holds 3: 'Spain' \(\d+ rows\)|holds 3: '"),
        ({"target": "Gender", "positive": "male"}, "no value 'male': did you mean 'Male'"),
        ({"target": "Gender", "positive": "gone"}, "no value 'gone': there are "),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_a_hint(options: dict[str, str], message: str) -> None:
    with pytest.raises(TableError, match=message):
        infer_contract(bank(50), name="bank", **options)  # type: ignore[arg-type]


def test_a_table_without_a_useful_column_is_refused() -> None:
    with pytest.raises(TableError, match="no column is of use"):
        draft({"same": ["x"] * 40, "left": ["yes", "no"] * 20}, "left")


def test_a_name_that_no_contract_can_have_is_refused() -> None:
    with pytest.raises(ContractError, match="name: String should match"):
        infer_contract(bank(50), name="My Bank", target="Exited")


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=2, max_size=8, unique_by=str.strip),
    name=st.text(st.characters(codec="utf-8", min_codepoint=32), min_size=1, max_size=20).filter(
        lambda name: name not in ("age", "left")
    ),
)
@settings(deadline=None)
def test_whatever_the_cells_and_names_the_draft_reads_back_as_it_is(texts: list[str], name: str) -> None:
    cells: list[object] = [texts[i % len(texts)] for i in range(40)]
    table: Cells = {"age": [20 + i % 7 for i in range(40)], "left": ["yes", "no", "no"] * 13 + ["no"], name: cells}

    inference = draft(table, "left")

    assert parse_contract(render(inference), "draft") == inference.contract
    assert check_table(inference.contract, table).rejected == ()
