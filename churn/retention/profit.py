"""What contacting a customer earns: worth, expected profit, break-even. numpy only, since serving imports it.

Model (Neslin et al., "Defection detection", Journal of Marketing Research 43, 2006; Verbraken, Verbeke and Baesens,
IEEE TKDE 25, 2013): with worth V, offer cost d, contact cost f and the share γ of leavers who stay for the offer,

    contacted and about to leave:  γ · (V - d) - f      (who accepts stays, is worth V, and costs the offer)
    contacted and about to stay:   -d - f               (takes the offer too)
    not contacted:                 0
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from churn.contract.economics import Economics
from churn.errors import ContractError


def customer_value(
    economics: Economics, columns: Mapping[str, ArrayLike], months: ArrayLike | None = None
) -> np.ndarray:
    """Return what customers are worth over the horizon after margin, in `economics.currency`: never NaN or negative.

    A customer whose revenue is missing or negative is worth 0: no money is spent on a guess.

    Args:
        economics: where the worth comes from.
        columns: graph-ready columns of shape (rows,), or one row of numbers and texts.
        months: months that each customer is expected to stay, used up to the horizon; None: the whole horizon.

    Returns:
        float64 of shape (rows,); of shape () for one row.

    Raises:
        ContractError: the months are to come from survival, and none were given.
    """
    if economics.value_from == "survival" and months is None:
        raise ContractError(
            "economics.value_from is survival, and no expected months were given: pass `months`, or set value_from to "
            "horizon"
        )
    if economics.value_column is None:
        return np.full(np.shape(next(iter(columns.values()))), float(economics.customer_value or 0))
    horizon = float(economics.horizon_months)
    counted = horizon if months is None else np.clip(np.nan_to_num(np.asarray(months, np.float64)), 0, horizon)
    revenue = np.nan_to_num(np.asarray(columns[economics.value_column], np.float64), posinf=0, neginf=0)
    return np.asarray(np.maximum(revenue, 0) * counted * economics.margin_ratio)


def expected_profit(
    probability: ArrayLike, value: ArrayLike, economics: Economics, success: ArrayLike | None = None
) -> np.ndarray:
    """Return what contacting each customer is expected to earn: p · γ · (V - d) - (1 - p) · d - f.

    Args:
        probability: calibrated probability of leaving.
        value: worth of the customer, from `customer_value`.
        economics: the costs, and how often the offer works.
        success: γ, when it is not the mean of `economics.offer_success`; all three broadcast.
    """
    leaving = np.asarray(probability, np.float64)
    gain, loss = gain_when_leaving(value, economics, success), loss_when_staying(economics)
    return np.asarray(leaving * gain + (1 - leaving) * loss)


def realised_profit(
    target: ArrayLike,
    is_contacted: ArrayLike,
    value: ArrayLike,
    economics: Economics,
    *,
    success: ArrayLike | None = None,
) -> np.ndarray:
    """Return what a campaign earned with each customer, once it is known who would have left; 0 if not contacted.

    Args:
        target: 1 for those who leave without an offer, else 0.
        is_contacted: whom the campaign contacts.
        value: worth of the customer, from `customer_value`.
        economics: the costs, and how often the offer works.
        success: γ, when it is not the mean of `economics.offer_success`; all four broadcast.
    """
    earned = expected_profit(np.asarray(target, np.float64), value, economics, success)
    return np.where(np.asarray(is_contacted, bool), earned, 0.0)


def break_even(value: ArrayLike, economics: Economics, success: ArrayLike | None = None) -> np.ndarray:
    """Return the probability of leaving from which contacting a customer pays; infinite where it never does."""
    loss, gain = loss_when_staying(economics), gain_when_leaving(value, economics, success)
    pays = (gain >= 0) & (gain > loss)
    return np.where(pays, -loss / np.where(pays, gain - loss, 1.0), np.inf)


def gain_when_leaving(value: ArrayLike, economics: Economics, success: ArrayLike | None = None) -> np.ndarray:
    """Return γ · (V - d) - f: what contacting a would-be leaver earns on average."""
    share = economics.offer_success.mean if success is None else np.asarray(success, np.float64)
    return np.asarray(share * (np.asarray(value, np.float64) - economics.offer_cost) - economics.contact_cost)


def loss_when_staying(economics: Economics) -> float:
    """Return -d - f: what contacting a customer who stays anyhow earns."""
    return -economics.offer_cost - economics.contact_cost
