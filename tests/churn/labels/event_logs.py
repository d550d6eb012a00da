"""Small event logs with known content, and random ones."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from churn.contract.contract import Contract
from churn.contract.proxy import EventLog, Inactivity
from churn.contract.reading import parse_contract
from churn.labels.events import Events, day_number

START = day_number(dt.date(2024, 1, 1))
Purchase = tuple[str, int, float]
"""Customer, day after the start, price."""


def log_of(purchases: Sequence[Purchase], *, days: int = 400) -> Events:
    names, customer = np.unique([one[0] for one in purchases], return_inverse=True)
    return Events(
        names=names.astype(object),
        customer=customer.astype(np.int64),
        day=np.array([START + one[1] for one in purchases], np.int64),
        values={"price": np.array([one[2] for one in purchases], np.float64)},
        last_day=START + days,
    ).sorted()


def poisson_log(*, customers: int, rate: float, days: int, seed: int, left: np.ndarray | None = None) -> Events:
    """Purchases at a constant rate per day, until the day on which a customer leaves."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rate * days, customers)
    who = np.repeat(np.arange(customers), counts)
    when = rng.integers(0, days + 1, len(who))
    if left is not None:
        who, when = who[when < left[who]], when[when < left[who]]
    who, when = np.concatenate([np.arange(customers), who]), np.concatenate([np.zeros(customers, int), when])
    names = np.array([f"c{number:05d}" for number in range(customers)], object)
    prices = {"price": np.round(rng.gamma(2, 20, len(who)), 2)}
    return Events(names, who.astype(np.int64), (START + when).astype(np.int64), prices, START + days).sorted()


def proxy_of(**changes: object) -> Inactivity:
    events = EventLog(customer="who", time="day", values=("price",))
    fields = {"kind": "inactivity", "events": events, "dates": ("2024-06-30",), "horizon_days": 60}
    return Inactivity.model_validate({**fields, "windows_days": (30, 90), **changes})


def shop(more: str = "", dates: str = "[2024-06-30]", log: str = "") -> Contract:
    """A contract whose log is comma separated; `log` adds to `events`, `more` to the proxy."""
    return parse_contract(
        f"""
name: shop
customer_id: row
validation: {{group: who, time: seen}}
target:
  proxy:
    kind: inactivity
    events: {{customer: who, time: day, values: [price]{log}}}
    dates: {dates}
    horizon_days: 60
    windows_days: [30, 90]
    {more}
columns:
  recency_days: {{type: integer, minimum: 0, required: true}}
  events_all: {{type: integer, minimum: 1}}
  mean_gap_days: {{type: number, minimum: 0}}
  price_all: {{type: number}}
""",
        "shop.yaml",
    )
