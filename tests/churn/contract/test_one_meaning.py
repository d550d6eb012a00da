"""One meaning of a row: JSON and files give the same graph-ready values, and refuse the same rows."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from churn.contract.column import Column
from churn.contract.contract import Contract, Target
from churn.contract.request import RequestForm
from churn.contract.table import check_table, check_target
from churn.contract.texts import FALSE_TEXTS, MISSING_MARKS, TRUE_TEXTS
from churn.errors import TableError
from tests.churn.contract.contracts import contracts

CONTRACT = Contract(
    name="shop",
    customer_id="id",
    target=Target(column="left", positive="Yes"),
    columns={
        "number": Column(type="number"),
        "bounded": Column(type="number", minimum=0, maximum=100),
        "whole": Column(type="integer"),
        "flag": Column(type="boolean"),
        "tier": Column(type="category", categories=("gold", "None", "408", "-7")),
        "way": Column(type="category", categories=("card", "NA"), accept_unknown=True),
    },
)
FORM = RequestForm(CONTRACT)
REFUSED = "refused"

Value = float | int | str | bool | None


def by_json(name: str, value: Value, form: RequestForm = FORM) -> float | str:
    """The graph-ready value of one JSON field, or that it was refused."""
    try:
        return form.read(json.dumps({name: value}).encode()).row[name]
    except ValidationError:
        return REFUSED


def by_table(name: str, cell: object, contract: Contract = CONTRACT) -> float | str:
    """The graph-ready value of one cell, or that its row was set aside."""
    checked = check_table(contract, {name: [cell]})
    return checked.columns[name][0] if len(checked.accepted) else REFUSED


def same(one: float | str, other: float | str) -> bool:
    """Equal as the graph sees them: float32, NaN like NaN, or text. (-0 is 0 to every operation and every tree.)"""
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return bool(np.float32(one) == np.float32(other)) or (math.isnan(one) and math.isnan(other))


def as_cell(value: Value) -> str:
    """How a CSV writes a JSON value."""
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", ["number", "bounded", "whole"])
@given(value=st.none() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False))
@example(value=1e30)
@example(value=1.0000001e30)
@example(value=3.4028236e38)
@example(value=1e-46)
@example(value=-0.0)
@example(value=5.0000000001)
@example(value=1e12 + 0.5)
@example(value=100.00000000000001)
@settings(max_examples=150, deadline=None)
def test_a_number_means_the_same_in_json_and_in_a_file(name: str, value: float | int | None) -> None:
    sent = by_json(name, value)

    assert same(sent, by_table(name, as_cell(value)))
    assert same(sent, by_table(name, value))


@pytest.mark.parametrize(
    "value", ["inf", "-Infinity", "1e400", "1_000", "0x10", "1,5", "12 months", "NAN", "--1", "1e"]
)
def test_a_text_that_is_no_number_of_a_customer_is_refused_in_files_and_as_json(value: str) -> None:
    assert by_table("number", value) == REFUSED
    assert by_json("number", value) == REFUSED


def test_a_number_in_quotes_is_a_number_in_a_file_and_refused_in_json() -> None:
    assert by_table("number", "12") == 12
    assert by_json("number", "12") == REFUSED


@pytest.mark.parametrize("text", sorted(TRUE_TEXTS | FALSE_TEXTS))
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_a_boolean_text_means_the_same_in_json_and_in_a_file(text: str, spell: type) -> None:
    expected = 1.0 if text in TRUE_TEXTS else 0.0

    assert by_table("flag", spell(text)) == expected
    assert by_json("flag", float(text) if text.endswith(".0") else spell(text)) == expected


@given(st.booleans() | st.integers(-2, 3) | st.sampled_from([0.0, 1.0, 0.5]) | st.text(max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_boolean_means_the_same_but_that_files_have_blanks_missing_marks_and_widened_numbers(value: Value) -> None:
    by_nature = isinstance(value, str) and (
        value.strip() != value or value in {*MISSING_MARKS, "1.0", "0.0"} or value.lower() != value.casefold()
    )
    if not by_nature:
        assert same(by_json("flag", value), by_table("flag", value))


@given(st.text(max_size=20) | st.sampled_from(["gold", "None", "408", "-7", "card", "NA", "N/A"]))
@example("a\x00b")
@example("a\x7f")
@example("x" * 255)
@example("x" * 256)
@example("\u200b")
@example("a\x85b")
@example("a\u2028b")
@example("é" * 255)
@settings(max_examples=300, deadline=None)
def test_a_text_means_the_same_but_that_files_have_blanks_and_missing_marks(text: str) -> None:
    for name in ("tier", "way"):
        is_mark = text in MISSING_MARKS and text not in CONTRACT.columns[name].categories
        if text.strip() == text and not is_mark:
            assert same(by_json(name, text), by_table(name, text))


@pytest.mark.parametrize("mark", [mark for mark in MISSING_MARKS if mark not in {"None", "NA"}])
@pytest.mark.parametrize("name", ["tier", "way"])
def test_a_missing_mark_is_missing_in_a_file_and_refused_in_json_which_has_null(name: str, mark: str) -> None:
    assert by_table(name, mark) == ""
    assert by_json(name, mark) == REFUSED
    assert by_json(name, None) == ""


@pytest.mark.parametrize(("name", "value"), [("tier", "None"), ("way", "NA")])
def test_a_listed_category_wins_over_a_missing_mark(name: str, value: str) -> None:
    assert by_table(name, value) == value
    assert by_json(name, value) == value


@pytest.mark.parametrize("value", [408, -7])
def test_a_category_of_digits_may_come_as_an_integer(value: int) -> None:
    assert by_json("tier", value) == by_table("tier", value) == by_table("tier", float(value)) == str(value)


@given(st.integers(-(2**62), 2**62))
@settings(max_examples=50, deadline=None)
def test_an_integer_in_an_open_category_is_its_digits(value: int) -> None:
    assert by_json("way", value) == by_table("way", value) == str(value)


@pytest.mark.parametrize("text", ["a\ud800", "a\x00", "a\nb", "a\x7fb", "x" * 256])
def test_a_text_that_no_store_takes_is_refused_everywhere(text: str) -> None:
    for name in ("tier", "way", "id"):
        checked = check_table(CONTRACT, {name: [text]})
        assert len(checked.accepted) == 0
    assert by_json("way", text) == REFUSED
    assert by_json("tier", text) == REFUSED
    with pytest.raises(ValidationError, match="id"):
        FORM.model.model_validate({"id": text})


@pytest.mark.parametrize(
    "cell",
    [[1, 2], {"a": 1}, {1}, datetime(2026, 1, 1, tzinfo=UTC), b"bytes", object(), 1j, ("a",), np.float64(1e300)],
)
@pytest.mark.parametrize("name", list(CONTRACT.columns))
def test_a_cell_of_a_strange_kind_is_data_not_a_crash(name: str, cell: object) -> None:
    checked = check_table(CONTRACT, {name: [cell, None, "1"]})

    assert len(checked.accepted) + len(checked.rejected) == 3


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("number", Decimal("1.50"), 1.5),
        ("number", True, REFUSED),
        ("number", math.nan, math.nan),
        ("number", math.inf, REFUSED),
        ("flag", True, 1.0),
        ("flag", 0.0, 0.0),
        ("whole", 3.0, 3.0),
        ("whole", 3.5, REFUSED),
        ("tier", 408.0, "408"),
        ("tier", math.nan, ""),
        ("way", datetime(2026, 1, 2), "2026-01-02 00:00:00"),  # noqa: DTZ001  Parquet and XLSX hold naive ones
        ("id", 12.0, "12"),
    ],
)
def test_values_of_parquet_and_xlsx_read_as_their_texts(name: str, cell: object, expected: float | str) -> None:
    if name == "id":
        assert check_table(CONTRACT, {"id": [cell]}).customer_ids == [expected]
    else:
        assert same(by_table(name, cell), expected)


def test_what_a_cell_means_does_not_depend_on_the_rows_before_it() -> None:
    """True and 1 are one key of a dictionary, and two different cells."""
    for cells in ([1, True], [True, 1]):
        checked = check_table(CONTRACT, {"number": cells})
        assert [cells[row - 1] is True for row in checked.accepted.tolist()] == [False]


@given(contracts(), st.data())
@settings(max_examples=80, deadline=None)
def test_a_random_row_means_the_same_in_json_and_in_a_csv(contract: Contract, data: st.DataObject) -> None:
    row = {name: data.draw(_value(column), label=name) for name, column in contract.columns.items()}
    try:
        sent = RequestForm(contract).read(json.dumps(row).encode())
    except ValidationError:
        sent = None

    checked = check_table(contract, {name: [as_cell(value)] for name, value in row.items()})

    assert len(checked.accepted) == (sent is not None)
    if sent is not None:
        assert all(same(sent.row[name], checked.columns[name][0]) for name in contract.columns)
        assert {name for name, count in checked.missing.items() if count} == set(sent.missing)
        assert {name for name, count in checked.unknown.items() if count} == set(sent.unknown)


def _value(column: Column) -> st.SearchStrategy[Value]:
    """A JSON value of the right kind, often a bad one, without what files write differently."""
    match column.type:
        case "boolean":
            return st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["yes", "No", "maybe"])
        case "category":
            plain = st.text(st.characters(blacklist_categories=("Cs", "Z", "Cc")), min_size=1, max_size=5)
            known = st.sampled_from(column.categories) if column.categories else st.just("other")
            return st.none() | known | plain.filter(lambda text: text not in MISSING_MARKS)
        case _:
            return st.none() | st.integers(-(10**7), 10**7) | st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("column", list(CONTRACT.columns))
@pytest.mark.parametrize("secret", ["secret-4711", "4711e4711", "47114711"])
def test_a_reason_never_holds_the_value(column: str, secret: str) -> None:
    checked = check_table(CONTRACT, {column: [secret], "id": ["x\x00" + secret]})

    reasons = " ".join(reason for one in checked.rejected for reason in one.reasons)
    assert "id:" in reasons
    assert "4711" not in reasons


def test_all_reasons_of_a_row_are_given_at_once() -> None:
    checked = check_table(CONTRACT, {"bounded": ["-1", "5"], "whole": ["1.5", "5"], "tier": ["tin", "gold"]})

    assert checked.rejected[0].row == 1
    assert checked.rejected[0].reasons == (
        "bounded: below the minimum 0",
        "whole: not a whole number",
        "tier: not one of gold, None, 408, -7",
    )
    assert checked.accepted.tolist() == [2]


def test_rows_of_a_chunk_are_numbered_from_its_first_row() -> None:
    checked = check_table(CONTRACT, {"bounded": ["1", "-1", "3"]}, first_row=101)

    assert checked.accepted.tolist() == [101, 103]
    assert [one.row for one in checked.rejected] == [102]


def test_a_table_without_an_optional_column_has_it_missing_in_every_row() -> None:
    checked = check_table(CONTRACT, {"number": ["1", "2"]})

    assert np.isnan(checked.columns["whole"]).all()
    assert checked.columns["whole"].dtype == np.float32
    assert checked.columns["tier"].tolist() == ["", ""]
    assert checked.missing["tier"] == 2
    assert checked.customer_ids is None


def test_an_absent_required_column_is_named_with_the_nearest_name(telco: Contract) -> None:
    with pytest.raises(TableError, match=r"no column 'tenure' \(did you mean 'Tenure'\?\).*'MonthlyCharges'"):
        check_table(telco, {"Tenure": ["1"], "Contract": ["One year"], "monthly_charges": ["1"]})


def test_columns_of_unequal_lengths_are_refused() -> None:
    with pytest.raises(TableError, match=r"differ in length: \[1, 2\]"):
        check_table(CONTRACT, {"number": ["1"], "whole": ["1", "2"]})


@pytest.mark.parametrize("raw", [{}, {"number": [], "tier": [], "id": []}])
def test_a_table_without_rows_has_no_accepted_and_no_rejected_rows(raw: dict[str, list[object]]) -> None:
    checked = check_table(CONTRACT, raw)

    assert len(checked.accepted) == len(checked.rejected) == 0
    assert {values.dtype for values in checked.columns.values()} == {np.dtype(np.float32), np.dtype(object)}


def test_a_row_without_a_required_value_is_refused_everywhere(telco: Contract) -> None:
    customer = {**telco.example, "tenure": None}

    checked = check_table(telco, {name: [as_cell(value)] for name, value in customer.items()})

    assert checked.rejected[0].reasons == ("tenure: a value is required",)
    with pytest.raises(ValidationError, match="tenure"):
        RequestForm(telco).read(json.dumps(customer).encode())


@pytest.mark.parametrize("value", [True, 1.5, "a\x00", "x" * 256, [1], 10**40])
def test_a_customer_id_that_no_store_takes_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="id"):
        FORM.read(json.dumps({"id": value}).encode())


@pytest.mark.parametrize(("value", "expected"), [("C-1", "C-1"), (" C-1 ", "C-1"), (4711, "4711"), (None, None)])
@pytest.mark.parametrize("field", ["id", "customer_id"])
def test_a_customer_id_comes_by_its_own_name_or_by_ours(field: str, value: object, expected: str | None) -> None:
    assert FORM.read(json.dumps({field: value}).encode()).customer_id == expected


def test_a_field_that_the_contract_lacks_is_refused_in_json_and_passed_over_in_a_file() -> None:
    with pytest.raises(ValidationError, match="extra"):
        FORM.read(b'{"shoe_size": 44}')

    assert len(check_table(CONTRACT, {"shoe_size": ["44"]}).accepted) == 1


def test_the_target_reads_its_two_values_and_marks_the_rest_as_unreadable() -> None:
    contract = CONTRACT.model_copy(update={"target": Target(column="left", positive="1", negative="0")})

    labels, is_read = check_target(contract, {"left": [1, 0.0, "1 ", None, "?", True]})

    assert labels.tolist() == [1, 0, 1, 0, 0, 0]
    assert is_read.tolist() == [True, True, True, False, False, False]


@pytest.mark.parametrize("cells", [["Yes", "Yes"], ["No", "No"], ["", "Yes"], []])
def test_a_target_of_one_kind_is_refused(cells: list[object]) -> None:
    with pytest.raises(TableError, match="both are needed"):
        check_target(CONTRACT, {"left": cells})


def test_an_absent_target_is_named_with_the_nearest_name() -> None:
    with pytest.raises(TableError, match=r"no target column 'left' \(did you mean 'Left'\?\)"):
        check_target(CONTRACT, {"Left": ["Yes"]})
