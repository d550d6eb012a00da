import subprocess
import sys
import timeit

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from churn.contract.contract import Contract
from churn.contract.table import Columns
from churn.features.operations import derive
from churn.segments.assignment import SegmentBook
from churn.segments.choosing import k_means
from churn.segments.clusters import find_segments
from churn.segments.scales import NumberScale
from churn.segments.scaling import fit_scale
from tests.bundles import random_columns, random_target
from tests.churn.segments.crowds import crowd, leavers, row_of, shop

DERIVED = {
    "per_visit": {"operation": "ratio", "numerator": "basket", "denominator": "visits"},
    "is_web": {"operation": "count_of", "columns": ["channel"], "values": ["web"]},
    "band": {"operation": "bin", "column": "basket", "edges": [10, 50]},
    "no_channel": {"operation": "is_missing", "column": "channel"},
    "log_visits": {"operation": "log1p", "column": "visits"},
}
EVERY = shop(derived=DERIVED, segments={"columns": ["visits", "basket", "channel", "member", *DERIVED], "count": 5})


@pytest.fixture(scope="module")
def telco_book(telco: Contract) -> tuple[SegmentBook, Columns]:
    columns = random_columns(telco, 600, seed=0)
    return find_segments(telco, columns, random_target(columns, seed=0), seed=0), columns


@pytest.fixture(scope="module")
def every_book() -> SegmentBook:
    columns, truth = crowd(800, 4, seed=0)
    columns["visits"][::9] = np.nan
    columns["channel"][::7] = ""
    return find_segments(EVERY, columns, leavers(truth, seed=0), seed=0)


def test_a_row_alone_and_the_row_in_its_table_are_in_the_same_segment(
    telco_book: tuple[SegmentBook, Columns],
) -> None:
    book, columns = telco_book

    alone = [book.of_row(row_of(columns, place)) for place in range(600)]

    assert alone == book.of_columns(columns).tolist()
    assert len(set(alone)) == len(book.segments)


numbers = st.floats(width=32, allow_nan=True, allow_infinity=False) | st.sampled_from([0.0, -1.0, 10.0, 40.0, 1e30])


rows = st.fixed_dictionaries(
    {
        "visits": numbers,
        "basket": numbers,
        "channel": st.text(max_size=4) | st.just("web"),
        "member": st.sampled_from([0.0, 1.0, float("nan")]),
        "age": st.just(1.0),
    }
)


@settings(max_examples=200, deadline=None)
@given(row=rows)
def test_no_row_is_in_another_segment_than_its_table_says(every_book: SegmentBook, row: dict[str, float | str]) -> None:
    columns = {name: np.array([value], object if name == "channel" else np.float32) for name, value in row.items()}

    assert every_book.of_row(row) == every_book.of_columns(columns)[0]


@given(value=st.floats(-1e5, 1e5))
def test_a_number_of_a_request_is_rounded_as_a_table_rounds_it(value: float) -> None:
    scale = NumberScale(name="any", median=0, low=-1e4, high=1e4, log_unit=3.0, centre=0.1, spread=0.7)

    assert scale.encode_value(value) == scale.encode(np.array([value], np.float32))[0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_segments_are_those_of_k_means_itself(seed: int) -> None:
    columns, truth = crowd(500, 4, seed=seed, spread=20)
    columns["visits"][::9] = np.nan
    values = {**columns, **{name: derive(how, columns) for name, how in EVERY.derived.items()}}
    names = EVERY.segments.columns if EVERY.segments else ()
    scales = tuple(fit_scale(name, values[name]) for name in names)
    points = np.hstack([scale.encode(values[scale.name]) for scale in scales])
    model = k_means(points, 5, seed=seed)
    found = find_segments(EVERY, columns, leavers(truth, seed=seed), seed=seed)
    segments = [found.segments[0].model_copy(update={"centre": tuple(centre)}) for centre in model.cluster_centers_]
    book = found.model_copy(update={"segments": tuple(segments), "scales": scales})

    assert np.array_equal(book.of_columns(columns), model.labels_)


def test_a_book_is_the_same_after_json(telco_book: tuple[SegmentBook, Columns]) -> None:
    book, columns = telco_book

    again = SegmentBook.model_validate_json(book.model_dump_json())

    assert again == book
    assert np.array_equal(again.of_columns(columns), book.of_columns(columns))
    assert again.of_row(row_of(columns, 3)) == book.of_row(row_of(columns, 3))


def test_a_copy_does_not_remember_the_segments_that_it_had(telco_book: tuple[SegmentBook, Columns]) -> None:
    book, columns = telco_book
    before = book.of_columns(columns)

    turned = book.model_copy(update={"segments": book.segments[::-1]})

    assert np.array_equal(turned.of_columns(columns), len(book.segments) - 1 - before)


def test_missing_values_and_unknown_categories_have_a_segment(every_book: SegmentBook) -> None:
    nothing: dict[str, float | str] = {"visits": np.nan, "basket": np.nan, "channel": "", "member": np.nan}
    unknown = nothing | {"channel": "telepathy"}

    assert every_book.of_row(nothing) in range(5)
    assert every_book.of_row(unknown) in range(5)


def test_no_rows_have_no_segments(telco: Contract, telco_book: tuple[SegmentBook, Columns]) -> None:
    book, _ = telco_book

    assert book.of_columns(random_columns(telco, 0, seed=0)).shape == (0,)


def test_a_centre_of_another_width_is_refused(every_book: SegmentBook) -> None:
    broken = every_book.model_dump()
    broken["segments"][0]["centre"] = (1.0,)

    with pytest.raises(ValidationError, match="centre needs"):
        SegmentBook.model_validate(broken)


def test_a_row_costs_under_30_microseconds(telco_book: tuple[SegmentBook, Columns]) -> None:
    book, columns = telco_book
    row = row_of(columns, 0)

    assert min(timeit.repeat(lambda: book.of_row(row), number=200, repeat=20)) / 200 < 30e-6


def test_the_book_is_read_without_what_trains() -> None:
    heavy = "sorted({'sklearn', 'pandas', 'scipy', 'onnx', 'matplotlib'} & set(sys.modules))"
    code = f"import sys, churn.segments.assignment; print({heavy})"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
