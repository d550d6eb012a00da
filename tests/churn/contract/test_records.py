import json
import math

import numpy as np
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from churn.contract.column import Column
from churn.contract.contract import Contract, Target
from churn.contract.records import NO_OBJECT, RecordCheck
from churn.contract.request import RequestForm

CONTRACT = Contract(
    name="shop",
    customer_id="id",
    target=Target(column="left", positive="Yes"),
    columns={
        "bounded": Column(type="number", minimum=0, maximum=100, required=True),
        "free": Column(type="number"),
        "whole": Column(type="integer"),
        "flag": Column(type="boolean"),
        "tier": Column(type="category", categories=("gold", "None", "408", "-7")),
        "way": Column(type="category", categories=("card", "NA"), accept_unknown=True),
        "any": Column(type="category", accept_unknown=True, required=True),
    },
)
FORM = RequestForm(CONTRACT)
CHECK = RecordCheck(CONTRACT, FORM, lambda error: [str(each["loc"]) for each in error.errors()])
GOOD: dict[str, object] = {"bounded": 1, "any": "x"}

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False),
    st.sampled_from(
        ["gold", "None", "408", 408, -7, "-7", "card", "NA", "N/A", "", " card ", "yes", "0", 0.0, 1.0, "1_0"]
    ),
    st.text(max_size=4),
    st.lists(st.integers(), max_size=1),
    st.dictionaries(st.text(max_size=1), st.integers(), max_size=1),
)
names = st.sampled_from([*CONTRACT.columns, "id", "customer_id", "strange"])
records = st.dictionaries(names, values, max_size=4).map(lambda sent: {**GOOD, **sent})


def alone(record: object) -> tuple[object, ...] | None:
    """What POST /predict makes of a record: its id and values; None when it is refused."""
    try:
        read = FORM.read(json.dumps(record).encode())
    except ValidationError:
        return None
    return (read.customer_id, *(narrow(value) for value in read.row.values()))


def among(sent: list[object]) -> list[tuple[object, ...] | None]:
    """What a batch makes of each record."""
    checked = CHECK.check(sent, first_row=1)
    found: list[tuple[object, ...] | None] = [None] * len(sent)
    rows = zip(checked.customer_ids.tolist(), *(each.tolist() for each in checked.columns.values()), strict=True)
    for row, read in zip(checked.accepted.tolist(), rows, strict=True):
        found[row - 1] = tuple(narrow(value) for value in read)
    assert {each.row - 1 for each in checked.rejected} == {place for place, each in enumerate(found) if each is None}
    assert all(each.reasons for each in checked.rejected)
    return found


def narrow(value: object) -> object:
    if not isinstance(value, float):
        return value
    return "NaN" if math.isnan(value) else float(np.float32(value))


@given(sent=st.lists(records | st.integers() | st.none(), min_size=1, max_size=6))
@example(sent=[{**GOOD, "free": 1e300}, {**GOOD, "free": math.inf}, {**GOOD, "whole": 5.0000000001}])
@example(sent=[{**GOOD, "flag": 1}, {**GOOD, "flag": True}, {**GOOD, "flag": 2}, {**GOOD, "flag": "yes"}])
@example(sent=[{**GOOD, "id": "a"}, {**GOOD, "customer_id": 7}, {**GOOD, "id": "a", "customer_id": "b"}, GOOD])
@example(sent=[{**GOOD, "id": " a "}, {**GOOD, "id": True}, {**GOOD, "id": ""}, {**GOOD, "id": None}])
@example(sent=[{**GOOD, "tier": 408}, {**GOOD, "tier": 408.0}, {**GOOD, "tier": True}, {**GOOD, "way": 1}])
@settings(max_examples=300, deadline=None)
def test_a_record_means_among_others_what_it_means_alone(sent: list[object]) -> None:
    assert among(sent) == [alone(each) for each in sent]


def test_every_record_of_one_shape_is_read_a_column_at_a_time() -> None:
    sent = [orjson.loads(orjson.dumps({**GOOD, "id": f"c{number}", "free": number})) for number in range(5)]

    checked = CHECK.check(sent, first_row=11)

    assert checked.accepted.tolist() == [11, 12, 13, 14, 15]
    assert checked.customer_ids is not None
    assert checked.customer_ids.tolist() == ["c0", "c1", "c2", "c3", "c4"]
    assert checked.columns["free"].dtype == np.float32
    assert checked.missing["whole"] == 5
    assert checked.unknown["way"] == 0


@pytest.mark.parametrize("record", [None, 5, "text", [1], True])
def test_what_is_no_object_is_set_aside(record: object) -> None:
    checked = CHECK.check([record])

    assert checked.rejected[0].reasons == (NO_OBJECT,)


def test_a_value_nested_too_deeply_is_set_aside() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    checked = CHECK.check([{**GOOD, "free": deep}])

    assert len(checked.rejected) == 1


def test_reasons_name_fields_and_never_values() -> None:
    checked = CHECK.check([{**GOOD, "bounded": 4711}])

    assert "4711" not in str(checked.rejected)
    assert "bounded" in str(checked.rejected)
