import re
from pathlib import Path

import pytest

from churn.contract.reading import dump_contract, load_contract, parse_contract
from churn.errors import ContractError
from tests.churn.retention.shop import MONEY, OFFERS, shop

ROOT = Path(__file__).parent.parent.parent.parent


def with_offer(text: str) -> str:
    return f"{MONEY}\noffers:\n  - {{name: gift, title: Gift, cost: 5, {text}}}\n"


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        ("when: [{column: color, equals: red}]", "offer 'gift', when: 'color' is not in `columns`"),
        ("unless: [{reason: color}]", "offer 'gift', unless: 'color' is not in `columns`"),
        ("when: [{column: plan, equals: gold}]", "'plan' is never 'gold': it is one of basic, pro, 408"),
        ("when: [{column: plan, one_of: [basic, No]}]", "'plan' is a category, and False is none: write it in quotes"),
        ("when: [{column: plan, equals: 408}]", 'and 408 is none: write it in quotes, like "408"'),
        ("when: [{column: plan, at_least: 3}]", "need a number, and 'plan' is a category"),
        ("when: [{column: member, at_most: 1}]", "need a number, and 'member' is a boolean"),
        ("when: [{column: member, equals: perhaps}]", "'member' is a boolean, and 'perhaps' is neither"),
        ("when: [{column: visits, equals: many}]", "'visits' is a number, and 'many' is none"),
        ("when: [{column: visits}]", "the condition on 'visits' needs exactly one of `equals`, `one_of`"),
        ("when: [{column: visits, equals: 1, missing: true}]", "needs exactly one of"),
        ("when: [{column: visits, at_least: 5, at_most: 4}]", "no 'visits' is at least 5 and at most 4"),
        ("when: [{equals: 1}]", "names either a `column` or a `reason`"),
        ("when: [{column: visits, reason: paid, equals: 1}]", "names either a `column` or a `reason`"),
        ("when: [{reason: paid, at_least: 1}]", "the reason 'paid' asks for nothing else"),
        ("when: [{column: visits, one_of: []}]", "at least 1 item"),
        ("when: [{colum: visits}]", "colum"),
        ("success: 1.5", "less than or equal to 1"),
        ("least_probability: -1", "greater than or equal to 0"),
    ],
)
def test_an_offer_that_cannot_be_made_is_refused_by_name(offer: str, message: str) -> None:
    with pytest.raises(ContractError) as found:
        shop(with_offer(offer))

    assert message in str(found.value)


def test_offers_without_economics_are_refused() -> None:
    with pytest.raises(ContractError, match="ranked by what they are expected to earn, and the contract has no `econ"):
        shop(OFFERS)


def test_two_offers_of_one_name_are_refused() -> None:
    with pytest.raises(ContractError, match="two offers are called 'rest'"):
        shop(MONEY + OFFERS + "  - {name: rest, title: Another, cost: 1}\n")


def test_an_open_category_may_be_any_text() -> None:
    found = shop(with_offer("when: [{column: city, one_of: [Ulm, Bonn]}]"))

    assert found.offers[0].when[0].cells == ("Ulm", "Bonn")


@pytest.mark.parametrize("success", ["0.25", "{alpha: 1, beta: 3}"])
def test_success_is_a_share_or_how_sure_one_is_of_it(success: str) -> None:
    contract = shop(with_offer(f"success: {success}"))

    assert contract.economics is not None
    assert contract.offers[0].success_in(contract.economics) == 0.25


def test_offers_survive_being_written_and_read() -> None:
    contract = shop(MONEY + OFFERS)

    assert parse_contract(dump_contract(contract), "again") == contract


def test_the_telco_contract_has_offers_for_each_kind_of_contract() -> None:
    telco = load_contract(ROOT / "contracts" / "telco.yaml")

    assert telco.economics is not None
    assert all(offer.cost <= 60 and 0 < offer.success_in(telco.economics) <= 0.5 for offer in telco.offers)
    assert any(not offer.when and not offer.unless for offer in telco.offers)


def test_the_offers_in_the_documents_hold() -> None:
    text = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(offers:.*?)```", text, re.DOTALL)
    telco = (ROOT / "contracts" / "telco.yaml").read_text(encoding="utf-8")
    without = re.sub(r"(?ms)^offers:.*?(?=^policy:)", "", telco)

    assert [offer.name for offer in parse_contract(without + example, "documents").offers] == [
        "one-year-contract",
        "price-check",
    ]
