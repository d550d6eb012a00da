"""Customers with a known truth, for what is judged in money."""

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit

from churn.contract.economics import Beta, Economics
from churn.evaluation.scored import Scored

TEXTBOOK = Economics(customer_value=200, contact_cost=1, offer_cost=10, offer_success=Beta(alpha=6, beta=14))


def true_scores(rows: int, *, seed: int, value: float | None = None) -> Scored:
    """Outcomes drawn from their own probabilities; who is likelier to leave is worth more, unless `value` is given."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1.4, 1.3, rows)
    truth = expit(log_odds)
    worth = rng.gamma(4, 50, rows) * expit(log_odds / 2 + 1) if value is None else np.full(rows, value)
    return Scored((rng.random(rows) < truth).astype(float), truth, worth)


@st.composite
def any_scores(draw: st.DrawFn, *, scale: float = 1e4) -> tuple[Scored, Economics]:
    """Any small table: all leavers, none, equal scores, worthless customers, costs above worth."""
    rows = draw(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.floats(0, scale)), min_size=1, max_size=25))
    target, probability, value = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    economics = Economics(
        customer_value=0,
        contact_cost=draw(st.floats(0, scale)),
        offer_cost=draw(st.floats(0, scale)),
        offer_success=Beta(alpha=draw(st.floats(0.5, 30)), beta=draw(st.floats(0.5, 30))),
    )
    return Scored(target, probability, value), economics
