from typing import Any

import pytest

from churn.contract.column import Column
from churn.contract.compatibility import incompatibilities
from churn.contract.contract import Contract


def changed(telco: Contract, **columns: Column | None) -> Contract:
    found = {name: column for name, column in {**telco.columns, **columns}.items() if column is not None}
    return telco.model_copy(update={"columns": found})


def narrowed(telco: Contract, name: str, **change: Any) -> Contract:
    return changed(telco, **{name: telco.columns[name].model_copy(update=change)})


def test_a_contract_serves_its_own_clients(telco: Contract) -> None:
    assert incompatibilities(telco, telco) == ()


def test_a_new_column_that_may_be_missing_loses_nobody(telco: Contract) -> None:
    wider = changed(telco, Region=Column(type="category", accept_unknown=True))

    assert incompatibilities(telco, wider) == ()
    assert incompatibilities(wider, telco) == ("column 'Region' is no longer taken",)


def test_a_bound_that_is_wider_loses_nobody_and_a_tighter_one_does(telco: Contract) -> None:
    tight = narrowed(telco, "tenure", maximum=10.0)

    assert incompatibilities(tight, telco) == ()
    assert len(incompatibilities(telco, tight)) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Region": Column(type="number", required=True)}, "column 'Region' is new and required"),
        ({"gender": Column(type="number")}, "column 'gender' is of type number and was category"),
        ({"tenure": None}, "column 'tenure' is no longer taken"),
    ],
)
def test_what_clients_would_lose_is_named(telco: Contract, change: dict[str, Column | None], words: str) -> None:
    assert words in incompatibilities(telco, changed(telco, **change))


def test_a_category_that_is_no_longer_known_is_named_unless_unknown_ones_are_taken(telco: Contract) -> None:
    known = telco.columns["Contract"].model_copy(update={"accept_unknown": False})
    old = changed(telco, Contract=known)
    fewer = {"categories": known.categories[1:]}

    assert incompatibilities(old, narrowed(old, "Contract", **fewer)) == (
        f"column 'Contract' no longer takes {known.categories[0]}",
    )
    assert incompatibilities(old, narrowed(old, "Contract", **fewer, accept_unknown=True)) == ()
    assert incompatibilities(narrowed(old, "Contract", accept_unknown=True), old) == (
        "column 'Contract' no longer takes unknown values",
    )


def test_a_column_that_becomes_required_and_another_name_of_the_customer_are_named(telco: Contract) -> None:
    optional = narrowed(telco, "tenure", required=False)
    renamed = telco.model_copy(update={"customer_id": "number"})

    assert incompatibilities(optional, narrowed(optional, "tenure", required=True)) == (
        "column 'tenure' is required and was not",
    )
    assert incompatibilities(telco, renamed) == ("the customer's id is 'number' and was 'customerID'",)
