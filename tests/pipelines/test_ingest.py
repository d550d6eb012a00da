import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn.contract.contract import Contract
from churn.contract.reading import parse_contract
from churn.data.sampler import sample_telco
from churn.errors import TableError
from pipelines.ingest import ID, LABEL, ingest
from tests.pipelines.conftest import settings_of

ROWS = 300


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame(sample_telco(ROWS, seed=5)).astype(str)


def written(folder: Path, customers: pd.DataFrame) -> Path:
    path = folder / "customers.csv"
    customers.to_csv(path, index=False)
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_raw_table_is_kept_byte_for_byte_with_time_and_digest_in_its_name(
    telco: Contract, tmp_path: Path, customers: pd.DataFrame
) -> None:
    path = written(tmp_path, customers)
    content = path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(content)

    found = ingest(path, telco, settings_of(tmp_path / "home"))

    assert found.raw.read_bytes() == content
    assert hashlib.sha256(content).hexdigest()[:12] in found.raw.name
    assert found.raw.name.startswith("20")
    assert found.customers.sha256 == hashlib.sha256(content).hexdigest()


def test_the_same_table_is_kept_once(telco: Contract, tmp_path: Path, customers: pd.DataFrame) -> None:
    path, settings = written(tmp_path, customers), settings_of(tmp_path / "home")

    first, second = ingest(path, telco, settings), ingest(path, telco, settings)

    assert first.raw == second.raw
    assert not [name for name in files(settings.home) if name.endswith(".part")]
    assert len(files(settings.home)) == 5


def test_bad_rows_are_set_aside_with_their_numbers_and_reasons(
    telco: Contract, tmp_path: Path, customers: pd.DataFrame
) -> None:
    customers.loc[4, "tenure"] = "-3"
    customers.loc[9, "Contract"] = "secret plan"
    customers.loc[9, "MonthlyCharges"] = "secret price"
    customers.loc[19, "customerID"] = customers.loc[2, "customerID"]
    customers.loc[29, "Churn"] = "perhaps"

    found = ingest(written(tmp_path, customers), telco, settings_of(tmp_path / "home"))

    with found.rejected.open(encoding="utf-8", newline="") as stream:
        rejected = {int(row["row"]): row["reasons"] for row in csv.DictReader(stream)}
    assert set(rejected) == {5, 10, 20, 30}
    assert rejected[5] == "tenure: below the minimum 0"
    assert "Contract: not one of" in rejected[10]
    assert "MonthlyCharges: not a number" in rejected[10]
    assert rejected[20] == "customerID: an earlier row has the same id"
    assert rejected[30] == "Churn: not one of the target's two values"
    assert "secret" not in found.rejected.read_text()
    assert (found.quality.rows, found.quality.accepted, found.quality.rejected) == (ROWS, ROWS - 4, 4)
    assert not set(customers.loc[[4, 9, 29], "customerID"]) & set(found.customers.ids)


def test_an_id_whose_first_row_was_set_aside_is_not_a_repeat(
    telco: Contract, tmp_path: Path, customers: pd.DataFrame
) -> None:
    customers.loc[19, "customerID"] = customers.loc[2, "customerID"]
    customers.loc[2, "tenure"] = "many"

    found = ingest(written(tmp_path, customers), telco, settings_of(tmp_path / "home"))

    assert found.quality.rejection_reasons == {"tenure: not a number": 1}


def test_rows_that_no_csv_reader_can_read_keep_their_numbers(
    telco: Contract, tmp_path: Path, customers: pd.DataFrame
) -> None:
    path = written(tmp_path, customers)
    lines = path.read_text().splitlines()
    lines[8] += ",one,cell,too,many"
    lines[11] = lines[11].replace("Month-to-month", "for ever").replace("year", "age")
    path.write_text("\n".join(lines))

    found = ingest(path, telco, settings_of(tmp_path / "home"))

    with found.rejected.open(encoding="utf-8", newline="") as stream:
        assert [row["row"] for row in csv.DictReader(stream)] == ["8", "11"]


def test_the_accepted_rows_can_be_read_back(telco: Contract, tmp_path: Path, customers: pd.DataFrame) -> None:
    found = ingest(written(tmp_path, customers), telco, settings_of(tmp_path / "home"))

    frame = pd.read_parquet(found.accepted)

    assert frame[ID].tolist() == customers["customerID"].tolist()
    assert frame[LABEL].tolist() == (customers["Churn"] == "Yes").astype(int).tolist()
    assert np.allclose(frame["MonthlyCharges"], customers["MonthlyCharges"].astype(float))


def test_a_column_called_label_stays_the_customer_s(tmp_path: Path) -> None:
    contract = parse_contract(
        'name: shop\ntarget: {column: left, positive: "1"}\n'
        "columns: {label: {type: number}, pipeline_probability: {type: number}, class: {type: boolean}}\n",
        "here",
    )
    path = written(
        tmp_path,
        pd.DataFrame({"label": range(ROWS), "pipeline_probability": 7, "class": 1, "left": [0, 1, 0] * (ROWS // 3)}),
    )

    found = ingest(path, contract, settings_of(tmp_path / "home"))

    assert pd.read_parquet(found.accepted)["label"].tolist() == list(range(ROWS))


def test_without_an_id_column_equal_rows_are_one_customer(tmp_path: Path) -> None:
    contract = parse_contract(
        'name: shop\ntarget: {column: left, positive: "1"}\ncolumns: {visits: {type: number}}\n', "here"
    )
    path = written(tmp_path, pd.DataFrame({"visits": [i % 150 for i in range(ROWS)], "left": [0, 1, 0] * (ROWS // 3)}))

    found = ingest(path, contract, settings_of(tmp_path / "home"))

    assert len(found.customers.ids) == ROWS
    assert len(set(found.customers.ids)) == 150


@pytest.mark.parametrize(
    ("rows", "leavers", "why"),
    [
        (80, 40, "80 usable customers, 40 of whom left"),
        (200, 19, "200 usable customers, 19 of whom left"),
        (200, 0, "both are needed"),
        (200, 200, "both are needed"),
    ],
)
def test_a_table_that_teaches_nothing_is_refused_and_leaves_only_its_raw_copy(  # noqa: PLR0917
    telco: Contract, tmp_path: Path, customers: pd.DataFrame, rows: int, leavers: int, why: str
) -> None:
    few = customers[:rows].assign(Churn=["Yes"] * leavers + ["No"] * (rows - leavers))

    with pytest.raises(TableError, match=why):
        ingest(written(tmp_path, few), telco, settings_of(tmp_path / "home"))

    assert [name.split("/")[:3] for name in files(tmp_path / "home")] == [["data", "telco", "raw"]]


def test_the_most_frequent_reasons_are_named_when_too_few_rows_are_left(
    telco: Contract, tmp_path: Path, customers: pd.DataFrame
) -> None:
    with pytest.raises(TableError, match=r"tenure: above the maximum 1200 \(300 rows\)"):
        ingest(written(tmp_path, customers.assign(tenure="9999")), telco, settings_of(tmp_path / "home"))


def test_a_missing_column_leaves_no_half_written_file(telco: Contract, tmp_path: Path, customers: pd.DataFrame) -> None:
    path = written(tmp_path, customers.rename(columns={"tenure": "Tenure"}))

    with pytest.raises(TableError, match="did you mean 'Tenure'"):
        ingest(path, telco, settings_of(tmp_path / "home"))

    assert all("/raw/" in name for name in files(tmp_path / "home"))


def test_the_report_says_what_was_found(telco: Contract, tmp_path: Path, customers: pd.DataFrame) -> None:
    customers.loc[3, "PaymentMethod"] = "carrier pigeon"
    customers.loc[4, "TotalCharges"] = " "
    customers.loc[5, "TotalCharges"] = "999999"
    customers["hobby"] = "chess"

    found = ingest(written(tmp_path, customers), telco, settings_of(tmp_path / "home"))

    report = json.loads(found.report.with_suffix(".json").read_text())
    columns = {one["name"]: one for one in report["columns"]}
    assert columns["PaymentMethod"]["unknown"] == 1
    assert columns["TotalCharges"]["missing"] >= 1
    assert columns["TotalCharges"]["outliers"] >= 1
    assert report["broken_relations"]["charges add up"] >= 1
    assert report["unused_columns"] == ["hobby"]
    assert "not used, because the contract does not name them: hobby" in found.report.read_text()


def test_the_real_file_is_accepted_whole(telco: Contract, telco_file: Path, tmp_path: Path) -> None:
    found = ingest(telco_file, telco, settings_of(tmp_path / "home"))

    assert (found.quality.rows, found.quality.accepted) == (7043, 7043)
    assert found.quality.churn_rate == pytest.approx(0.2654, abs=1e-4)
    assert {one.name: one.missing for one in found.quality.columns}["TotalCharges"] == 11
