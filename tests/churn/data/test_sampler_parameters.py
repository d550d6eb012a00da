import numpy as np

from churn.data.sampler_parameters import telco_parameters


def test_each_table_has_a_row_for_each_cell_of_its_parents_and_sums_to_one() -> None:
    parameters = telco_parameters()
    for table in parameters.tables:
        cells = int(np.prod([len(parameters.values[parent]) for parent in table.parents]))
        assert table.shares.shape == (cells, len(parameters.values[table.column]))
        assert np.allclose(table.shares.sum(axis=1), 1)


def test_parents_are_drawn_before_their_children() -> None:
    known = {"stage"}
    for table in telco_parameters().tables:
        needed = {*table.parents, *([table.only[0]] if table.only else [])}
        assert needed <= known
        known.add(table.column)


def test_each_term_has_a_weight_for_each_cell() -> None:
    parameters = telco_parameters()
    for term in (*parameters.churn.terms, *parameters.price.terms):
        assert term.weights.shape == (np.prod([len(parameters.values[column]) for column in term.columns]),)


def test_a_service_costs_what_the_price_list_says() -> None:
    prices = {term.columns[0]: term.weights.max() for term in telco_parameters().price.terms}

    assert np.allclose([prices["PhoneService"], prices["MultipleLines"], prices["StreamingTV"]], [20, 5, 10], atol=0.1)
    assert np.isclose(prices["InternetService"], 50, atol=0.1)
