import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.contract.contract import Contract
from churn.retention.offers import Advice, OfferBook
from churn.retention.profit import customer_value, expected_profit
from churn.retention.worth import worth_of
from tests.churn.retention.shop import MONEY, OFFERS, shop

CONTRACT = shop(MONEY + OFFERS)
ROW: dict[str, float | str] = {"paid": 80.0, "visits": 3.0, "member": 0.0, "plan": "basic", "city": "Ulm"}
ROWS = st.fixed_dictionaries(
    {
        "paid": st.floats(0, 1000, width=32) | st.just(math.nan),
        "visits": st.integers(0, 100).map(float) | st.just(math.nan),
        "member": st.sampled_from([0.0, 1.0, math.nan]),
        "plan": st.sampled_from(["basic", "pro", "408", ""]),
        "city": st.sampled_from(["Ulm", "Bonn", ""]),
    }
)
REASONS = st.frozensets(st.sampled_from(["paid", "plan", "visits"]))


def book(contract: Contract = CONTRACT) -> OfferBook:
    return OfferBook(contract, worth_of(contract.economics, None), threshold=0.4)


def offered(advice: Advice) -> list[str]:
    return [action.offer for action in advice.actions]


def test_the_best_three_offers_are_told_with_their_reason_and_what_they_earn() -> None:
    found = book().of_row(ROW, 0.8, frozenset({"paid"}))

    assert found.recommendations == (
        "Offer: Lower price: paid is 80 EUR per month, which raises the risk; expected to earn 156 EUR",
        "Offer the pro plan: plan is basic; expected to earn 140 EUR",
        "Offer: Gift: expected to earn 90 EUR",
    )
    assert [(each.offer, each.title, each.cost) for each in found.actions] == [
        ("cheap", "Lower price", 50.0),
        ("upgrade", "Upgrade", 30.0),
        ("gift", "Gift", 8.0),
    ]


@given(row=ROWS, probability=st.floats(0, 1), raising=REASONS)
def test_actions_are_ranked_by_the_profit_that_the_formula_gives(
    row: dict[str, float | str], probability: float, raising: frozenset[str]
) -> None:
    found = book().of_row(row, probability, raising)

    assert CONTRACT.economics is not None
    by_name = {offer.name: offer for offer in CONTRACT.offers}
    worth = customer_value(CONTRACT.economics, row)
    for action in found.actions:
        offer = by_name[action.offer]
        own = CONTRACT.economics.model_copy(update={"offer_cost": offer.cost})
        expected = float(expected_profit(probability, worth, own, offer.success_in(CONTRACT.economics)))
        assert action.expected_profit == pytest.approx(expected, rel=1e-9, abs=0.0051)
    profits = [action.expected_profit for action in found.actions]
    assert profits == sorted(profits, reverse=True)
    assert all(math.isfinite(profit) and profit > 0 for profit in profits)
    assert len(profits) <= 3
    assert len(found.recommendations) == max(len(profits), 1)


@given(row=ROWS, probability=st.floats(0, 1), raising=REASONS)
def test_only_offers_that_fit_are_made(
    row: dict[str, float | str], probability: float, raising: frozenset[str]
) -> None:
    names = offered(book().of_row(row, probability, raising))

    assert "upgrade" not in names or row["plan"] == "basic"
    assert "cheap" not in names or "paid" in raising
    assert "visit" not in names or not float(row["visits"]) >= 10
    assert "gift" not in names or (probability >= 0.5 and row["member"] != 1 and row["city"])


@given(row=ROWS, probability=st.floats(0, 1), cost=st.floats(0, 100), dearer=st.floats(0, 100))
def test_a_dearer_offer_never_earns_more(
    row: dict[str, float | str], probability: float, cost: float, dearer: float
) -> None:
    def earned(amount: float) -> float:
        offer = CONTRACT.offers[-1].model_copy(update={"cost": amount})
        found = book(CONTRACT.model_copy(update={"offers": (offer,)})).of_row(row, probability)
        return found.actions[0].expected_profit if found.actions else 0.0

    assert earned(cost + dearer) <= earned(cost) + 0.01


def test_when_nothing_pays_the_answer_says_what_the_best_would_lose() -> None:
    found = book().of_row({**ROW, "paid": 1.0}, 0.1)

    assert found.actions == ()
    assert found.recommendations == ("No action pays: the best that fits, Voucher, would be expected to lose 6.50 EUR",)


def test_when_no_offer_fits_the_answer_says_so() -> None:
    picky = CONTRACT.model_copy(update={"offers": CONTRACT.offers[:2]})

    found = book(picky).of_row({**ROW, "plan": "pro"}, 0.9)

    assert found == Advice((), ("No action pays: no offer fits this customer",))


def test_economics_without_offers_make_one() -> None:
    found = book(shop(MONEY)).of_row(ROW, 0.8)

    assert found.recommendations == ("Contact this customer with an offer to stay: expected to earn 85 EUR",)
    assert offered(found) == ["contact"]
    assert found.actions[0].cost == 20


@pytest.mark.parametrize(
    ("probability", "sentence"),
    [
        (0.4, "Contact this customer with an offer to stay: the risk is high; what that earns is not known"),
        (0.39, "No action is needed: the risk is low"),
    ],
)
def test_without_economics_the_risk_alone_decides(probability: float, sentence: str) -> None:
    found = book(shop()).of_row(ROW, probability)

    assert found.actions == ()
    assert found.recommendations[0].startswith(sentence)


CONDITIONS: list[tuple[dict[str, Any], str, list[Any], list[Any]]] = [
    ({"equals": 79.4}, "paid", [79.4, np.float32(79.4)], [79.5, math.nan]),
    ({"at_most": 79.4}, "paid", [79.4, np.float32(79.4), 0.0], [79.41, math.nan]),
    ({"at_least": 0.1, "at_most": 0.1}, "paid", [0.1, np.float32(0.1)], [0.0, 0.2, math.nan]),
    ({"one_of": [1, 2]}, "visits", [1.0, np.float32(2)], [3.0, math.nan]),
    ({"equals": "yes"}, "member", [1.0, np.float32(1)], [0.0, math.nan]),
    ({"one_of": [False]}, "member", [0.0], [1.0, math.nan]),
    ({"equals": "408"}, "plan", ["408"], ["basic", ""]),
    ({"missing": True}, "plan", [""], ["basic"]),
    ({"missing": True}, "paid", [math.nan, np.float32(np.nan)], [0.0, np.float32(1)]),
    ({"missing": False}, "paid", [0.0], [math.nan, np.float32(np.nan)]),
]


@pytest.mark.parametrize(("condition", "column", "holding", "failing"), CONDITIONS)
def test_a_condition_holds_alike_for_a_request_and_a_table(
    condition: dict[str, Any], column: str, holding: list[Any], failing: list[Any]
) -> None:
    offer = {"name": "only", "title": "Only", "cost": 0, "when": [{"column": column, **condition}]}
    contract = Contract.model_validate({**CONTRACT.model_dump(), "offers": [offer]})
    worth = worth_of(contract.economics.model_copy(update={"value_column": None, "customer_value": 500}), None)  # type: ignore[union-attr]
    found = OfferBook(contract, worth, threshold=0.4)

    for cell in holding:
        assert offered(found.of_row({**ROW, column: cell}, 0.9)) == ["only"], cell
    for cell in failing:
        assert offered(found.of_row({**ROW, column: cell}, 0.9)) == [], cell
