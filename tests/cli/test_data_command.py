from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn.data import telco_download
from churn.data.sampler import sample_telco
from churn.errors import DownloadError, UsageError
from cli.data import app


def run(*words: str | Path) -> str:
    answer = CliRunner().invoke(app, [str(word) for word in words])
    if answer.exception:
        raise answer.exception
    return answer.stdout


def test_sample_writes_the_customers_of_the_seed(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"

    said = run("sample", "--rows", "20", "--seed", "4", "--shift", "0.5", "--out", path)

    assert "20 customers" in said
    lines = path.read_text().splitlines()
    assert len(lines) == 21
    assert lines[1].split(",")[0] == sample_telco(20, seed=4, shift=0.5)["customerID"][0]


def test_sample_refuses_a_shift_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shift"):
        run("sample", "--rows", "20", "--shift", "2", "--out", tmp_path / "customers.csv")


def test_fetch_prints_the_file_that_is_already_in_the_data_folder(
    telco_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN_HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / telco_download.TELCO_NAME).symlink_to(telco_file)

    assert run("fetch", "telco").strip() == str(tmp_path / "data" / telco_download.TELCO_NAME)


def test_fetch_lets_its_error_through(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("not a folder")

    with pytest.raises(DownloadError, match="choose another folder"):
        run("fetch", "telco", "--out", tmp_path / "taken")
