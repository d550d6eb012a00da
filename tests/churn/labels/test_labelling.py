"""Labelled tables: one row per customer and date, that ordinary ingest takes; reports that say how they came to be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn.contract.contract import Contract
from churn.contract.proxy import Inactivity, Usage
from churn.contract.reading import load_contract, parse_contract
from churn.errors import TableError
from churn.labels.draft import draft_columns
from churn.labels.events import Events, date_of
from churn.labels.labelled_file import is_labelled
from churn.labels.labelling import Labelling, label_events, label_table
from churn.labels.report import as_markdown
from churn.labels.usage_study import study_usage, usage_markdown
from tests.churn.labels.event_logs import START, poisson_log, shop

ROOT = Path(__file__).parent.parent.parent.parent
DATES = "[2024-05-31, 2024-06-30]"


def write_log(path: Path, events: Events) -> Path:
    frame = pd.DataFrame({"who": events.names[events.customer], "day": [date_of(day) for day in events.day]})
    frame.assign(**events.values).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.csv"
    return write_log(path, poisson_log(customers=200, rate=0.01, days=400, seed=2))


def labelled(path: Path, contract: Contract, *, most: float = 0.01, at: int | None = None) -> Labelling:
    assert isinstance(contract.target.proxy, Inactivity)
    return label_events(path, contract, contract.target.proxy, most_set_aside=most, seed=1, at=at)


def test_each_customer_has_one_row_per_date_with_an_id_of_its_own(log_file: Path) -> None:
    found = labelled(log_file, shop(dates=DATES))

    assert found.table["row"].is_unique
    assert found.table.groupby("seen")["who"].nunique().to_dict() == {"2024-05-31": 200, "2024-06-30": 200}
    assert found.table.loc[0, "row"] == "c00000@2024-05-31"
    assert set(found.table["churned"]) == {"0", "1"}
    assert found.base_rate == pytest.approx((found.table["churned"] == "1").mean())


def test_the_label_is_silence_after_the_date(log_file: Path) -> None:
    log = pd.read_csv(log_file, parse_dates=["day"])

    table = labelled(log_file, shop(dates=DATES)).table

    for row in table.sample(60, random_state=1).itertuples():
        since = log.loc[log["who"] == row.who, "day"] - pd.Timestamp(str(row.seen))
        is_back = ((since.dt.days >= 1) & (since.dt.days <= 60)).any()
        assert row.churned == ("0" if is_back else "1")


def test_only_customers_who_are_eligible_have_a_row_and_the_others_are_counted(log_file: Path) -> None:
    everyone = labelled(log_file, shop()).table

    found = labelled(log_file, shop("active_within_days: 90"))

    assert set(found.table["who"]) == set(everyone.loc[everyone["recency_days"] < 90, "who"])
    assert found.moments[0].not_eligible == {
        "no event in the last 90 days": int((everyone["recency_days"] >= 90).sum())
    }


@pytest.mark.parametrize(("bought", "rows"), [(0, 0), (1, 1)])
def test_who_bought_on_the_first_day_of_the_eligible_window_is_in_and_a_day_earlier_is_out(
    tmp_path: Path, bought: int, rows: int
) -> None:
    first = date_of(START + 181 - 90 + bought)  # 2024-06-30 is day 181
    lines = ["who,day,price", "b,2024-06-30,1", f"a,{first},1", "b,2024-12-31,1"]
    (tmp_path / "log.csv").write_text("\n".join(lines))

    found = labelled(tmp_path / "log.csv", shop("active_within_days: 90"))

    assert (found.table["who"] == "a").sum() == rows


def test_who_came_after_the_date_is_no_customer_yet(tmp_path: Path) -> None:
    lines = ["who,day,price", "old,2024-01-05,1", "new,2024-07-01,1", "old,2024-12-31,1"]
    (tmp_path / "log.csv").write_text("\n".join(lines))

    found = labelled(tmp_path / "log.csv", shop())

    assert found.table["who"].tolist() == ["old"]
    assert found.moments[0].not_eligible == {}


def test_nobody_eligible_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("who,day,price\nold,2024-01-05,1\nold,2024-12-31,1")

    with pytest.raises(TableError, match=r"no customer is eligible on 2024-06-30.*active_within_days"):
        labelled(tmp_path / "log.csv", shop("active_within_days: 30"))


def test_a_log_of_which_too_much_is_set_aside_is_another_file(log_file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "log.csv"
    broken.write_text(log_file.read_text() + "x,never,1\n" * 20)

    with pytest.raises(TableError, match=r"20 of .* lines can't be read .*day: not an ISO-8601 date \(20\)"):
        labelled(broken, shop())
    assert len(labelled(broken, shop(), most=0.5).bad_rows) == 20


def test_customers_can_be_described_on_a_day_whose_outcome_is_not_known(log_file: Path) -> None:
    found = labelled(log_file, shop(), at=START + 399)

    assert found.moments[0].left is None
    assert found.table["churned"].isna().all()
    assert np.isnan(found.base_rate)


@pytest.mark.parametrize("day", [START - 1, START + 500])
def test_nobody_is_described_on_a_day_that_the_log_does_not_cover(log_file: Path, day: int) -> None:
    with pytest.raises(TableError, match=f"nobody can be described on {date_of(day)}: the log covers"):
        labelled(log_file, shop(), at=day)


def test_the_report_says_the_rule_the_dates_and_what_to_beware_of(log_file: Path) -> None:
    contract = shop("lead_days: 7", dates=DATES)
    found = labelled(log_file, contract)

    text = as_markdown(contract, found, "no study: too short")

    assert "nothing happened for 60 days, beginning 7 days after the observation date" in text
    assert "| 2024-05-31 | 200 |" in text
    assert "Outcome windows of neighbouring dates overlap" in text
    assert "no feature changed" in text
    assert "no study: too short" in text


def test_a_window_that_begins_before_the_log_is_told(log_file: Path) -> None:
    found = labelled(log_file, shop(dates="[2024-02-29]"))

    assert any("On 1 of 1 dates the window of 90 days begins before the log does" in one for one in found.remarks)


def test_the_drafted_columns_are_a_contract_that_takes_the_table(log_file: Path) -> None:
    contract = shop()
    assert isinstance(contract.target.proxy, Inactivity)
    text = "name: x\ncustomer_id: row\nvalidation: {group: who, time: seen}\ntarget: {column: churned, positive: '1'}\n"

    drafted = parse_contract(text + draft_columns(contract.target.proxy), "draft")

    assert tuple(drafted.columns) == contract.target.proxy.feature_names
    assert set(drafted.columns) < set(labelled(log_file, contract).table.columns)


USAGE = """
name: app
customer_id: who
target:
  proxy: {kind: usage, low_activity: {visits_90d: 1}, inactivity: {days_since_visit: 60}}
columns:
  age: {type: integer}
"""


def label_usage_file(folder: Path, text: str) -> Labelling:
    (folder / "usage.csv").write_text(text)
    contract = parse_contract(USAGE, "app.yaml")
    assert isinstance(contract.target.proxy, Usage)
    return label_table(folder / "usage.csv", contract, contract.target.proxy)


def test_usage_labels_need_low_activity_and_long_silence_and_the_columns_that_make_them_go(tmp_path: Path) -> None:
    lines = ["a,30,1,60", "b,31,2,60", "c,32,1,59", "d,33,0,400", "e,34,,60", "f,35,,10", "g,36,0,n/a"]

    found = label_usage_file(tmp_path, "\n".join(["who,age,visits_90d,days_since_visit", *lines]))

    assert list(found.table) == ["who", "age", "churned"]
    assert dict(zip(found.table["who"], found.table["churned"], strict=True)) == {
        "a": "1",
        "b": "0",
        "c": "0",
        "d": "1",
        "e": "",
        "f": "0",
        "g": "",
    }
    assert found.base_rate == pytest.approx(2 / 5)
    assert any("2 rows have no label" in one for one in found.remarks)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("who,age,visits_90d\na,1,1\n", "no column 'days_since_visit', from which target.proxy makes the label"),
        ("who,age,visits_90d,days_since_visit\na,1,few,1\n", "'visits_90d' makes the label, and 1 of its cells"),
    ],
)
def test_a_usage_table_that_can_not_be_labelled_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(TableError, match=fault):
        label_usage_file(tmp_path, text)


def test_other_bounds_of_inactivity_give_other_rates_and_agreement() -> None:
    contract = parse_contract(USAGE, "app.yaml")
    assert isinstance(contract.target.proxy, Usage)
    names = [f"c{number}" for number in range(100)]
    raw = {"who": names, "visits_90d": ["0"] * 100, "days_since_visit": [str(number) for number in range(100)]}
    truth = {name: number >= 30 for number, name in enumerate(names)}

    rows = study_usage(contract, contract.target.proxy, raw, factors=(0.5, 2.0), truth=truth)

    assert [(row.factor, row.bounds["days_since_visit"], row.base_rate) for row in rows] == [
        (0.5, 30, 0.7),
        (1, 60, 0.4),
        (2, 120, 0),
    ]
    assert [row.agreement.recall for row in rows if row.agreement] == pytest.approx([1, 4 / 7, 0])
    assert rows[0].agreement is not None
    assert rows[0].agreement.kappa == 1
    assert "| 0.5 | 30 | 100 | 0.7 | 1 | 1 | 1 |" in usage_markdown(rows)


def test_a_labelled_table_is_told_from_a_log(log_file: Path, tmp_path: Path) -> None:
    contract, app = shop(), parse_contract(USAGE, "app.yaml")
    labelled(log_file, contract).table.to_parquet(tmp_path / "table.parquet")
    (tmp_path / "log.txt").write_text(" who day price\n a 2024-01-01 1\n")
    (tmp_path / "usage.csv").write_text("who,age,churned,visits_90d,days_since_visit\na,1,0,1,1\n")
    (tmp_path / "done.csv").write_text("who,age,churned\na,1,0\n")

    assert is_labelled(tmp_path / "table.parquet", contract)
    assert not is_labelled(log_file, contract)
    assert not is_labelled(tmp_path / "log.txt", contract)
    assert not is_labelled(tmp_path / "usage.csv", app)
    assert is_labelled(tmp_path / "done.csv", app)


def test_the_published_rate_of_the_real_log_is_reproduced(cdnow_file: Path) -> None:
    contract = load_contract(ROOT / "contracts" / "cdnow.yaml")

    found = labelled(cdnow_file, contract)

    assert (found.rows_read, len(found.bad_rows)) == (69_659, 0)
    assert found.moments[0].customers == 23_570
    assert found.moments[0].left == 16_512
    assert round(100 * found.base_rate, 2) == 70.06
