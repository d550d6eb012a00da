"""A shop with offers, for tests of what they are worth."""

from churn.contract.contract import Contract
from churn.contract.reading import parse_contract

SHOP = """
name: shop
target: {column: gone, positive: "1"}
columns:
  paid: {type: number, minimum: 0, maximum: 1000, unit: EUR/month}
  visits: {type: integer, minimum: 0, maximum: 100}
  member: {type: boolean}
  plan: {type: category, categories: [basic, pro, "408"]}
  city: {type: category, accept_unknown: true}
"""
MONEY = """
economics: {value_column: paid, currency: EUR, horizon_months: 10, margin_ratio: 0.5, contact_cost: 2, offer_cost: 20}
"""
OFFERS = """
offers:
  - name: upgrade
    title: Upgrade
    words: Offer the pro plan
    cost: 30
    success: 0.5
    when: [{column: plan, equals: basic}]
  - {name: cheap, title: Lower price, cost: 50, success: 0.6, when: [{reason: paid}]}
  - {name: visit, title: Voucher, cost: 5, success: 0.1, unless: [{column: visits, at_least: 10}]}
  - name: gift
    title: Gift
    cost: 8
    least_probability: 0.5
    unless: [{column: member, equals: true}, {column: city, missing: true}]
  - {name: rest, title: Credit, cost: 20}
"""


def shop(extra: str = "") -> Contract:
    """Return the shop's contract with more sections."""
    return parse_contract(SHOP + extra, "shop")
