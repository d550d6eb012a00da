import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract, load_contract, parse_contract
from churn.contract.request import RequestForm
from churn.contract.table import check_table
from churn.errors import ContractError
from tests.churn.contract.contracts import contracts

SMALL = """
name: shop
customer_id: id
target: {column: left, positive: "Yes"}
columns:
  visits: {type: integer, minimum: 0}
  spend: {type: number}
  tier: {type: category, categories: [gold, silver]}
"""


def refused(text: str) -> str:
    with pytest.raises(ContractError, match="here") as caught:
        parse_contract(text, "here.yaml")
    return str(caught.value)


def test_a_contract_holds() -> None:
    contract = parse_contract(SMALL, "here.yaml")

    assert contract.numeric_columns == ("visits", "spend")
    assert contract.category_columns == ("tier",)


def test_all_problems_are_named_at_once() -> None:
    said = refused("""
name: Shop 1
target: {column: left, positive: "Yes"}
columns:
  visits: {type: integer, minimum: 9, maximum: 1}
  tier: {type: category}
  spend: {type: money}
policy: {recall_at_least: 2}
""")

    for problem in ("name", "columns.visits", "columns.tier", "columns.spend", "policy.recall_at_least"):
        assert problem in said
    assert "minimum 9.0 is above maximum 1.0" in said


def test_all_problems_between_the_parts_are_named_at_once() -> None:
    said = refused(
        SMALL
        + """
  left: {type: number}
derived:
  share: {operation: ratio, numerator: spend, denominator: vists}
  odd: {operation: log1p, column: tier}
  many: {operation: count_of, columns: [spend], values: ["1"]}
relations: {adds up: {total: tier, factors: [spend, visits]}}
economics: {value_column: nothing}
"""
    )

    assert "column 'left' has more than one role: target, columns" in said
    assert "'share' reads 'vists'" in said
    assert "log1p needs numbers, and 'tier' is a category" in said
    assert "count_of needs categories, and 'spend' is a number" in said
    assert "relations.adds up names 'tier'" in said
    assert "economics.value_column names 'nothing'" in said


def test_one_problem_takes_one_line() -> None:
    assert len(refused(SMALL.replace("spend: {type: number}", "spend: {type: money}")).splitlines()) == 1


@pytest.mark.parametrize("word", ["Yes", "No", "on", "Off", "true"])
def test_an_unquoted_yes_or_no_among_categories_says_to_quote_it(word: str) -> None:
    said = refused(SMALL.replace("[gold, silver]", f"[gold, {word}]"))

    assert "columns.tier.categories.1" in said
    assert "write it in quotes" in said


def test_an_unquoted_yes_as_the_positive_value_says_to_quote_it() -> None:
    assert 'write it in quotes, like "Yes"' in refused(SMALL.replace('"Yes"', "Yes"))


def test_an_unquoted_number_among_categories_says_to_quote_it() -> None:
    assert 'like "408"' in refused(SMALL.replace("[gold, silver]", "[408, 415]"))


@pytest.mark.parametrize("other", ["customer_id: left", "ignored: {left: why}", "leaking: {spend: why}"])
def test_a_column_has_one_role(other: str) -> None:
    assert "more than one role" in refused(SMALL.replace("customer_id: id", other))


@pytest.mark.parametrize(
    "name", ["churn_probability", "churn_prediction", "risk_level", "prediction_id", "customer_id"]
)
def test_the_name_of_an_answer_is_no_column(name: str) -> None:
    assert "is the name of an answer" in refused(SMALL + f"  {name}: {{type: number}}\n")


def test_a_column_that_stands_twice_is_refused() -> None:
    assert "'spend' stands twice" in refused(SMALL + "  spend: {type: integer}\n")


def test_a_misspelt_key_is_refused() -> None:
    assert "columns.visits.minimun" in refused(SMALL.replace("minimum", "minimun"))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("{type: category, categories: [a, a]}", "twice"),
        ("{type: category, categories: [a], minimum: 1}", "is no number"),
        ("{type: number, categories: [a]}", "has no `categories`"),
        ('{type: category, categories: [" a"]}', "has blanks at its ends"),
        ('{type: category, categories: [""]}', "is empty"),
        ('{type: category, categories: ["a\\x07"]}', "control characters"),
        ("{type: number, minimum: .nan}", "finite number"),
        ("{type: number, maximum: .inf}", "finite number"),
        ("{type: number, maximum: 1.0e+39}", "less than or equal"),
        ("{type: number, maximum: 5, example: 6}", "the example 6 is outside the bounds"),
        ("{type: integer, example: 1.5}", "not a whole number"),
        ("{type: boolean, example: 7}", "not true or false"),
        ("{type: category, categories: [a], example: b}", "not one of"),
        ("{type: number, example: many}", "is not a number"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(wrong: str, why: str) -> None:
    assert why in refused(SMALL + f"  wrong: {wrong}\n")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("{operation: bin, column: spend, edges: [1, 1]}", "must ascend"),
        ("{operation: bin, column: spend, edges: [2, 1]}", "must ascend"),
        ("{operation: bin, column: spend, edges: [.nan]}", "finite number"),
        ("{operation: bin, column: spend, edges: [1.0e+40]}", "less than or equal"),
        ("{operation: sum, columns: [spend]}", "at least 2"),
        ("{operation: product, columns: [spend]}", "product"),
        ("{operation: ratio, numerator: other, denominator: spend}", "not in `columns`"),
    ],
)
def test_a_derived_column_that_makes_no_sense_is_refused(wrong: str, why: str) -> None:
    assert why in refused(SMALL + f"derived:\n  other: {wrong}\n")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [", "just text", "{1: 2}", "name: 5"])
def test_what_is_no_contract_is_refused_with_the_file_named(text: str) -> None:
    assert refused(text).startswith("here.yaml")


def test_text_that_is_no_yaml_takes_one_line() -> None:
    assert len(refused("a: [\nb: {").splitlines()) == 1


def test_a_file_that_is_not_there_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("none") / "none.yaml"

    with pytest.raises(ContractError, match=r"none\.yaml can't be read"):
        load_contract(path)


def test_a_contract_does_not_change(telco: Contract) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        telco.name = "other"  # type: ignore[misc]


@given(contracts())
@settings(max_examples=60, deadline=None)
def test_what_is_dumped_reads_back_equal(contract: Contract) -> None:
    assert parse_contract(dump_contract(contract), "dumped") == contract


@given(contracts())
@settings(max_examples=60, deadline=None)
def test_the_example_is_a_customer_that_both_doors_take(contract: Contract) -> None:
    request = RequestForm(contract).read(json.dumps(contract.example).encode())

    checked = check_table(contract, {name: [value] for name, value in contract.example.items()})

    assert len(checked.accepted) == 1
    assert request.missing == ()


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_contract_or_a_contract_error(text: str) -> None:
    with suppress(ContractError):
        assert parse_contract(text, "here.yaml").columns
