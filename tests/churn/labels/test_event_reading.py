"""Event logs as the world writes them: blanks, torn lines, zero-padded ids, days in any form."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn.contract.proxy import EventLog
from churn.errors import TableError
from churn.labels.event_reading import ReadEvents, read_events
from churn.labels.events import date_of, day_number

PLAIN = {"customer": "who", "time": "day", "values": ("price",)}


def read(folder: Path, text: str | bytes, name: str = "log.csv", **changes: object) -> ReadEvents:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_events(path, EventLog.model_validate({**PLAIN, **changes}))


def rows_of(found: ReadEvents) -> list[tuple[str, str, float]]:
    events = found.events
    whos, days = events.names[events.customer], [date_of(day).isoformat() for day in events.day]
    return list(zip(whos.tolist(), days, events.values["price"].tolist(), strict=True))


def test_runs_of_blanks_with_carriage_returns_and_zero_padded_ids_are_read(tmp_path: Path) -> None:
    text = " who  day price\r\n 00017 20240102   1.50\r\n  17 20240101 2  \r\n\r\n 00017\t20240101  3\r\n"

    found = read(tmp_path, text, "log.txt", separator="whitespace", time_format="%Y%m%d")

    assert rows_of(found) == [("00017", "2024-01-01", 3), ("00017", "2024-01-02", 1.5), ("17", "2024-01-01", 2)]
    assert found.bad_rows == ()


@pytest.mark.parametrize("separator", ["whitespace", "comma"])
def test_a_log_of_many_blocks_is_read_whole(tmp_path: Path, separator: str) -> None:
    cell = "  " if separator == "whitespace" else ","
    lines = [cell.join([f"{number % 70:05d}", "2024-01-01", f"{number}.25"]) for number in range(120_000)]

    found = read(tmp_path, "\r\n".join([cell.join(["who", "day", "price"]), *lines]), separator=separator)

    assert (len(found.events.day), found.bad_rows) == (120_000, ())
    assert found.events.values["price"].sum() == pytest.approx(sum(range(120_000)) + 30_000)


def test_a_file_without_a_header_takes_its_names_from_the_contract(tmp_path: Path) -> None:
    text = "x 1 2024-01-01 9\ny 2 2024-01-02 8\n"

    found = read(tmp_path, text, separator="whitespace", names=("who", "cds", "day", "price"))

    assert rows_of(found) == [("x", "2024-01-01", 9), ("y", "2024-01-02", 8)]


@pytest.mark.parametrize(
    ("separator", "text"),
    [
        ("comma", 'who,day,price\n"Smith, J",2024-01-01,1.5\n'),
        ("semicolon", "who;day;price\nSmith, J;2024-01-01;1.5\n"),
        ("tab", "who\tday\tprice\nSmith, J\t2024-01-01\t1.5\n"),
        ("pipe", "who|day|price\rSmith, J|2024-01-01|1.5"),
    ],
)
def test_every_separator_is_read(tmp_path: Path, separator: str, text: str) -> None:
    assert rows_of(read(tmp_path, text, separator=separator)) == [("Smith, J", "2024-01-01", 1.5)]


def test_other_alphabets_commas_in_numbers_and_moments_with_zones_are_read(tmp_path: Path) -> None:
    text = "who;day;price\nМария;2024-01-01T23:30:00-05:00;1.234,50\n".encode("utf-16")

    found = read(tmp_path, text, separator="semicolon", decimal_comma=True)

    assert rows_of(found) == [("Мария", "2024-01-02", 1234.5)]


def test_a_bad_line_is_set_aside_with_its_number_and_reason_and_the_others_stay(tmp_path: Path) -> None:
    lines = [
        "who,day,price",
        "a,2024-01-01,1",
        "",
        "a,2024-01-02",
        "b,yesterday,2",
        "c,2024-02-30,x",
        "d,2024-01-04,4,5",
        ",2024-01-05,5",
        "e,2024-01-06,",
        "f,2024-01-07,7",
        "g,2024-01-08,inf",
    ]

    found = read(tmp_path, "\n".join(lines))

    assert rows_of(found) == [("a", "2024-01-01", 1), ("f", "2024-01-07", 7)]
    assert dict(found.bad_rows) == {
        2: "has 2 cells, and 3 are wanted",
        3: "day: not an ISO-8601 date",
        4: "day: not an ISO-8601 date; price: not a number",
        5: "has 4 cells, and 3 are wanted",
        6: "who: a customer is required",
        7: "price: not a number",
        9: "price: not a number",
    }


def test_a_customer_of_whom_every_line_is_bad_is_no_customer(tmp_path: Path) -> None:
    found = read(tmp_path, "who,day,price\na,2024-01-01,1\nb,never,2\n")

    assert found.events.names.tolist() == ["a"]


@pytest.mark.parametrize(("policy", "kept"), [("keep", 4), ("drop", 2)])
def test_equal_events_are_counted_and_dropped_only_when_the_contract_says_so(
    tmp_path: Path, policy: str, kept: int
) -> None:
    text = "who,day,price\na,2024-01-01,1\na,2024-01-01,1\na,2024-01-01,2\na,2024-01-01,1.0\n"

    found = read(tmp_path, text, duplicates=policy)

    assert (found.duplicates, found.dropped, len(found.events.day)) == (2, 4 - kept, kept)


def test_the_order_of_the_lines_does_not_matter(tmp_path: Path) -> None:
    lines = [f"c{number % 5},2024-01-{1 + number:02d},{number}" for number in range(25)]
    mixed = np.random.default_rng(1).permutation(lines).tolist()

    one = read(tmp_path, "\n".join(["who,day,price", *lines]))
    other = read(tmp_path, "\n".join(["who,day,price", *mixed]))

    assert rows_of(one) == rows_of(other)


def test_events_after_the_last_observed_day_are_set_aside_and_the_log_ends_there(tmp_path: Path) -> None:
    text = "who,day,price\na,2024-01-01,1\na,2042-01-01,1\n"

    found = read(tmp_path, text, observed_until="2024-03-31")

    assert found.bad_rows == ((2, "day: after the log's last day, observed_until"),)
    assert found.events.last_day == day_number(date(2024, 3, 31))


def test_parquet_is_read_like_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"who": [7, 7, 8], "day": pd.to_datetime(["2024-01-02", "2024-01-01", None])})
    frame.assign(price=[1.0, 2.5, 3.0]).to_parquet(tmp_path / "log.parquet")

    found = read_events(tmp_path / "log.parquet", EventLog.model_validate(PLAIN))

    assert rows_of(found) == [("7", "2024-01-01", 2.5), ("7", "2024-01-02", 1)]
    assert found.bad_rows == ((3, "day: not an ISO-8601 date"),)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("log.csv", "who,when,price\na,2024-01-01,1\n", "no column 'day'; it has 'who', 'when', 'price'"),
        ("log.csv", "who day price\na 2024-01-01 1\n", "no column 'who', 'day', 'price'"),
        ("log.csv", "who,day,price\n", "holds no event"),
        ("log.csv", "", "no column|no header|no name"),
        ("log.csv", "who,day,price\na,b,c\n", "none of its 1 events can be read; row 1: day"),
        ("log.csv", "who,day,price\na,b\n", "holds no event that can be read; row 1: has 2 cells"),
        ("log.csv", b"PK\x03\x04", "ZIP file"),
        ("log.parquet", "who,day,price\n", "not a Parquet file"),
        ("log.xlsx", "who", "is none of"),
    ],
)
def test_a_file_that_is_no_such_log_is_refused(tmp_path: Path, name: str, text: str | bytes, fault: str) -> None:
    with pytest.raises(TableError, match=fault):
        read(tmp_path, text, name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"none\.csv can't be read"):
        read_events(tmp_path / "none.csv", EventLog.model_validate(PLAIN))
