import numpy as np
import onnxruntime
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from churn.contract.derived import Bin, CountOf, Derived, Difference, IsMissing, Log1p, Ratio, Sum
from churn.contract.table import Columns
from churn.features.graph import GraphBuilder
from churn.features.operations import OPERATIONS, derive, derive_onnx

HARD = [np.nan, 0.0, -0.0, 1.0, -1.0, -0.99999994, -1.0000001, 1e-45, -1e-45, 1e30, -1e30, 3.4028235e38, 0.1, 7.0]
NUMBER = st.floats(width=32, allow_infinity=False) | st.sampled_from(HARD)
TEXT = st.sampled_from(["", "Yes", "No", " Yes", "yes", "é", "a'b\"", "1"]) | st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=5
)

OF_NUMBERS: list[Derived] = [
    Ratio(operation="ratio", numerator="a", denominator="b"),
    Ratio(operation="ratio", numerator="a", denominator="a"),
    Difference(operation="difference", left="a", right="b"),
    Bin(operation="bin", column="a", edges=(-1.0, 0.0, 0.1, 7.0, 1e30)),
    IsMissing(operation="is_missing", column="b"),
]
OF_TEXTS: list[Derived] = [
    CountOf(operation="count_of", columns=("t",), values=("Yes", "")),
    CountOf(operation="count_of", columns=("t", "u", "t"), values=("Yes", "é", "a'b\"")),
    IsMissing(operation="is_missing", column="u"),
]


def by_graph(derived: Derived, columns: Columns) -> np.ndarray:
    graph = GraphBuilder()
    tensors = {
        name: graph.text_input(name) if values.dtype == object else graph.number_input(name)
        for name, values in columns.items()
    }
    model = graph.build(derive_onnx(derived, graph, tensors), "out").SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {one.name: columns[one.name].reshape(-1, 1) for one in session.get_inputs()}
    return np.asarray(session.run(None, feed)[0])


def numbers(rows: list[tuple[float, float, float]]) -> Columns:
    return {name: np.array(values, np.float32) for name, values in zip("abc", zip(*rows, strict=True), strict=True)}


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal to the last bit, NaN like NaN."""
    return one.dtype == other.dtype == np.float32 and bool(
        np.all((one.view(np.int32) == other.view(np.int32)) | (np.isnan(one) & np.isnan(other)))
    )


def test_every_operation_is_proven_here() -> None:
    proven = {type(one) for one in [*OF_NUMBERS, *OF_TEXTS]} | {Sum, Log1p}

    assert proven == set(OPERATIONS)


@pytest.mark.parametrize("derived", OF_NUMBERS, ids=lambda one: one.operation)
@given(rows=st.lists(st.tuples(NUMBER, NUMBER, NUMBER), min_size=1, max_size=40))
@example(rows=[(one, other, 0.0) for one in HARD for other in HARD])
@settings(max_examples=40, deadline=None)
def test_numpy_and_graph_are_equal_bit_for_bit_on_numbers(
    derived: Derived, rows: list[tuple[float, float, float]]
) -> None:
    columns = numbers(rows)

    assert same_bits(derive(derived, columns), by_graph(derived, columns))


@given(rows=st.lists(st.tuples(NUMBER, NUMBER, NUMBER), min_size=1, max_size=40))
@example(rows=[(1e30, -1e30, 1.0), (0.1, 0.2, 0.3), (np.nan, 1.0, 2.0)])
@settings(max_examples=40, deadline=None)
def test_a_sum_adds_from_left_to_right_in_both_forms(rows: list[tuple[float, float, float]]) -> None:
    derived, columns = Sum(operation="sum", columns=("a", "b", "c")), numbers(rows)

    assert same_bits(derive(derived, columns), by_graph(derived, columns))


@given(rows=st.lists(st.tuples(NUMBER, NUMBER, NUMBER), min_size=1, max_size=40))
@example(rows=[(one, 0.0, 0.0) for one in HARD])
@settings(max_examples=40, deadline=None)
def test_logarithms_differ_by_at_most_one_unit_in_the_last_place(rows: list[tuple[float, float, float]]) -> None:
    """Both take the logarithm in double, and two libraries may round its last bit differently."""
    derived, columns = Log1p(operation="log1p", column="a"), numbers(rows)

    here, there = derive(derived, columns), by_graph(derived, columns)

    assert np.array_equal(np.isnan(here), np.isnan(there))
    assert np.array_equal(np.isnan(here), ~(columns["a"] > -1))
    np.testing.assert_array_max_ulp(here[~np.isnan(here)], there[~np.isnan(there)], maxulp=1)


@pytest.mark.parametrize("derived", OF_TEXTS, ids=lambda one: one.operation)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_numpy_and_graph_are_equal_bit_for_bit_on_texts(derived: Derived, rows: list[tuple[str, str]]) -> None:
    columns = {name: np.array(values, dtype=object) for name, values in zip("tu", zip(*rows, strict=True), strict=True)}

    assert same_bits(derive(derived, columns), by_graph(derived, columns))


@pytest.mark.parametrize(
    ("derived", "row", "expected"),
    [
        (OF_NUMBERS[0], (6, 3, 0), 2),
        (OF_NUMBERS[0], (6, 0, 0), np.nan),
        (OF_NUMBERS[0], (0, 0, 0), np.nan),
        (OF_NUMBERS[0], (1e30, 1e-30, 0), np.nan),
        (OF_NUMBERS[0], (np.nan, 3, 0), np.nan),
        (OF_NUMBERS[2], (6, 3, 0), 3),
        (OF_NUMBERS[3], (-2, 0, 0), 0),
        (OF_NUMBERS[3], (0.1, 0, 0), 3),
        (OF_NUMBERS[3], (np.nan, 0, 0), np.nan),
        (OF_NUMBERS[4], (0, np.nan, 0), 1),
        (Sum(operation="sum", columns=("a", "b", "c")), (1, 2, 3), 6),
        (Log1p(operation="log1p", column="a"), (np.e - 1, 0, 0), 1),
        (Log1p(operation="log1p", column="a"), (-1, 0, 0), np.nan),
    ],
)
def test_an_operation_means_what_the_contract_says(
    derived: Derived, row: tuple[float, float, float], expected: float
) -> None:
    np.testing.assert_allclose(derive(derived, numbers([row])), [expected], rtol=1e-6)


@pytest.mark.parametrize(
    ("derived", "row", "expected"),
    [
        (OF_TEXTS[0], ("Yes", ""), 1),
        (OF_TEXTS[1], ("Yes", "é"), 3),
        (OF_TEXTS[1], ("yes", ""), 0),
        (OF_TEXTS[2], ("", ""), 1),
    ],
)
def test_an_operation_on_texts_means_what_the_contract_says(
    derived: Derived, row: tuple[str, str], expected: float
) -> None:
    columns = {"t": np.array([row[0]], dtype=object), "u": np.array([row[1]], dtype=object)}

    assert derive(derived, columns).tolist() == [expected]
