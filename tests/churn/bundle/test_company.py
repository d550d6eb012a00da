"""A score does not depend on its company: the same bits alone, among others, and wherever a row stands."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from churn.bundle.files import MODEL, OUTPUT
from churn.bundle.making import graph_of
from churn.bundle.parity import prove_row_by_row
from churn.bundle.session import GraphSession
from churn.contract.contract import Contract
from churn.contract.derived import Log1p
from churn.contract.request import Row
from churn.contract.table import Columns
from churn.errors import BundleError
from churn.features.frame import raw_frame
from churn.features.graph import GraphBuilder
from churn.models.calibration import CalibratedPipeline
from churn.models.calibrators import METHODS
from churn.models.candidate import Recipe
from churn.models.candidates import CANDIDATES
from tests.bundles import fitted_pipeline, quick_parameters, random_columns, random_target

ROWS = 100
COMPANIES = (2, 3, 5, 16, 17)


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_a_row_has_the_same_bits_alone_and_in_any_company(telco: Contract, candidate: str) -> None:
    fitted = fitted_pipeline(telco, candidate, random_columns(telco, 300, seed=1))

    assert_row_by_row(telco, GraphSession(graph_of(candidate, fitted, telco).SerializeToString(), telco))


@pytest.mark.parametrize("method", [name for name in METHODS if name != "temperature"])
def test_no_calibration_makes_a_row_depend_on_its_company(telco: Contract, method: str) -> None:
    model = calibrated_graph(telco, method)

    assert_row_by_row(telco, GraphSession(model.SerializeToString(), telco))


def test_no_derived_logarithm_makes_a_row_depend_on_its_company(telco: Contract) -> None:
    derived = {**telco.derived, "log_charges": Log1p(operation="log1p", column="MonthlyCharges")}
    contract = telco.model_copy(update={"derived": derived})
    fitted = fitted_pipeline(contract, "logistic", random_columns(contract, 300, seed=1))

    assert_row_by_row(contract, GraphSession(graph_of("logistic", fitted, contract).SerializeToString(), contract))


def test_a_bundle_without_the_mark_has_the_bits_of_one_that_has_it(telco: Contract) -> None:
    fitted = fitted_pipeline(telco, "logistic", random_columns(telco, 300, seed=1))
    model = graph_of("logistic", fitted, telco)
    marked = GraphSession(model.SerializeToString(), telco)
    del model.metadata_props[:]
    customers = random_columns(telco, 9000, seed=3)

    assert np.array_equal(marked.score(customers), GraphSession(model.SerializeToString(), telco).score(customers))


def test_sums_of_a_graph_of_the_first_kind_are_row_by_row_in_the_session(telco: Contract) -> None:
    first_kind = GraphSession(row_sum_of_the_first_kind(telco), telco)

    assert_row_by_row(telco, first_kind)


def test_a_first_kind_sum_that_is_marked_is_found_out(telco: Contract) -> None:
    model = onnx.load_from_string(row_sum_of_the_first_kind(telco))
    model.metadata_props.add(key="row_by_row", value="1")

    with pytest.raises(AssertionError):
        assert_row_by_row(telco, GraphSession(model.SerializeToString(), telco))


def test_a_graph_whose_rows_depend_on_each_other_is_refused() -> None:
    alone = np.array([0.25, 0.5, 0.75])

    prove_row_by_row(alone, alone.copy())
    with pytest.raises(
        BundleError, match=r"1 of 3 rows differ, by up to 6\.0e-08, and no prediction could be replayed"
    ):
        prove_row_by_row(alone, alone + np.array([0, 0, 6e-8]))


def test_what_a_bundle_promises_of_itself_stands_in_its_graph(bundle_folder: Path) -> None:
    model = onnx.load(bundle_folder / MODEL)

    assert {each.key: each.value for each in model.metadata_props} == {"row_by_row": "1"}


def assert_row_by_row(contract: Contract, graph: GraphSession) -> None:
    """Score the same customers alone, in companies of several sizes, and as a table from several first rows."""
    columns = random_columns(contract, ROWS, seed=5)
    rows = rows_of(columns)
    alone = np.array([graph.score_row(row) for row in rows])
    for size in COMPANIES:
        for first in (0, 1):
            found = [each for at in range(first, ROWS, size) for each in graph.score_rows(rows[at : at + size])]
            assert np.array_equal(found, alone[first:]), f"companies of {size} from row {first}"
    many = {name: np.tile(values, 83) for name, values in columns.items()}
    for first in (0, 13):
        found = graph.score({name: values[first:] for name, values in many.items()})
        assert np.array_equal(found, np.tile(alone, 83)[first:]), f"a table from row {first}"


def rows_of(columns: Columns) -> list[Row]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def calibrated_graph(contract: Contract, method: str) -> onnx.ModelProto:
    """A forest, whose log-odds are a logarithm, behind one method of calibration."""
    build = CANDIDATES["random_forest"]
    customers = random_columns(contract, 600, seed=1)
    pipeline = CalibratedPipeline(build.build(Recipe(contract, quick_parameters(build), 0)), method=method, folds=2)
    return graph_of("random_forest", pipeline.fit(raw_frame(customers), random_target(customers, seed=1)), contract)


def row_sum_of_the_first_kind(contract: Contract) -> bytes:
    """Sums and a sigmoid as they were written before: all numbers, weighed unevenly."""
    graph = GraphBuilder()
    tensors = {
        name: graph.number_input(name) if column.is_numeric else graph.text_input(name)
        for name, column in contract.columns.items()
    }
    numbers = [graph.where_missing(tensors[name], 0.0) for name in contract.numeric_columns]
    looked_up = [
        graph.lookup(tensors[name], {text: 0.1 / (1 + place) for place, text in enumerate(column.categories)}, 0.07)
        for name, column in contract.columns.items()
        if not column.is_numeric
    ]
    terms = graph.add("Concat", *numbers, *looked_up, axis=1)
    weighed = graph.add("Mul", terms, graph.constant(0.013))
    total = graph.add("ReduceSum", weighed, graph.constant([1], np.int64), keepdims=1)
    return bytes(graph.build(graph.add("Sigmoid", total), OUTPUT).SerializeToString())
