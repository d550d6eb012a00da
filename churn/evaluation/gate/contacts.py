"""Whom a version contacts when a campaign can contact a share of all customers, and what that earned."""

from dataclasses import dataclass

import numpy as np

BORDER_SHARE, FEWEST_AT_BORDER = 0.2, 20
"""Customers this near to the border, in ranks, tell what the next one to be contacted earns."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """A campaign.

    Attributes:
        weight: 1 for who is contacted, between for those who tie at the border and draw lots, else 0; (rows,).
        influence: what each row adds to the profit per customer, with a mean of 0; (rows,).
        profit: per customer of the rows, contacted or not.
    """

    weight: np.ndarray
    influence: np.ndarray
    profit: float


def contact(promised: np.ndarray, earned: np.ndarray, share: float | None) -> Contacts:
    """Contact the customers who promise most, and nobody who promises a loss.

    Args:
        promised: what contacting each is expected to earn, shape (rows,).
        earned: what it did earn, shape (rows,).
        share: of all customers that can be contacted; None: no limit.
    """
    rows, promising = len(promised), promised > 0
    capacity = rows * (1.0 if share is None else share)
    if promising.sum() <= capacity:
        return _campaign(promising.astype(np.float64), earned, at_border=0.0)
    ordered = np.sort(promised)[::-1]
    border = ordered[int(np.ceil(capacity)) - 1]
    above, tied = promised > border, promised == border
    weight = above + tied * ((capacity - above.sum()) / tied.sum())
    return _campaign(weight, earned, at_border=float(earned[_is_near(promised, ordered, capacity)].mean()))


def _campaign(weight: np.ndarray, earned: np.ndarray, *, at_border: float) -> Contacts:
    """Whoever is contacted takes somebody else's place, who would have earned what customers at the border earn."""
    added = weight * (earned - at_border)
    return Contacts(weight, added - added.mean(), float((weight * earned).mean()))


def _is_near(promised: np.ndarray, ordered: np.ndarray, capacity: float) -> np.ndarray:
    reach = max(FEWEST_AT_BORDER, BORDER_SHARE * capacity)
    first, last = max(0, int(capacity - reach)), min(len(ordered), int(np.ceil(capacity + reach))) - 1
    return np.asarray((promised <= ordered[first]) & (promised >= ordered[last]))
