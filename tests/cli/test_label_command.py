"""`churn label` on the command line."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from churn.contract.reading import dump_contract
from churn.labels.events import date_of
from cli.main import run
from tests.churn.labels.event_logs import poisson_log, shop
from tests.tracking import own_tracking

Churn = Callable[..., tuple[int, str, str]]


@pytest.fixture
def churn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Churn]:
    with own_tracking():
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CHURN_HOME", str(tmp_path / "home"))

        def call(*words: str) -> tuple[int, str, str]:
            capsys.readouterr()
            monkeypatch.setattr(sys, "argv", ["churn", "label", "--contract", "shop.yaml", *words])
            with pytest.raises(SystemExit) as ended:
                run()
            said = capsys.readouterr()
            return int(ended.value.code or 0), said.out, said.err

        yield call


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    events = poisson_log(customers=150, rate=0.02, days=400, seed=3)
    (tmp_path / "shop.yaml").write_text(dump_contract(shop()))
    frame = pd.DataFrame({"who": events.names[events.customer], "day": [date_of(day) for day in events.day]})
    frame.assign(**events.values).to_csv(tmp_path / "log.csv", index=False)
    true = pd.DataFrame({"customer": events.names, "churned": [int(name[-1] == "1") for name in events.names]})
    true.to_csv(tmp_path / "truth.csv", index=False)


def test_a_log_is_labelled_and_the_next_command_is_named(churn: Churn) -> None:
    code, out, err = churn("--data", "log.csv", "--truth", "truth.csv")

    assert code == 0, err
    assert "150 rows" in out
    assert "agrees best with the true labels" in out
    table = Path(out.split("--data ")[1].strip())
    assert f"next: churn train --contract shop.yaml --data {table}" in out
    assert len(pd.read_parquet(table)) == 150


def test_the_draft_is_yaml_and_needs_no_log(churn: Churn) -> None:
    code, out, err = churn("--draft")

    assert code == 0, err
    assert yaml.safe_load(out)["columns"]["recency_days"] == {"type": "integer", "unit": "days", "minimum": 0}


def test_customers_of_a_day_are_written_for_score(churn: Churn) -> None:
    code, out, err = churn("--data", "log.csv", "--at", "2025-01-31")

    assert code == 0, err
    assert "next: churn score --input" in out


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ((), "there is no file None: give the event log"),
        (("--data", "none.csv"), "there is no file none.csv"),
        (("--data", "log.csv", "--at", "today"), "--at today is no day"),
        (("--data", "log.csv", "--truth", "log.csv"), "has no column 'customer', 'churned'"),
        (("--data", "log.csv", "--truth", "none.csv"), "none.csv can't be read"),
    ],
)
def test_a_mistake_is_one_line(churn: Churn, words: tuple[str, ...], fault: str) -> None:
    code, _, err = churn(*words)

    assert code == 1
    assert err.startswith("churn: ")
    assert fault in err
    assert len(err.splitlines()) == 1
