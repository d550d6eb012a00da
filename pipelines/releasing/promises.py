"""What two versions promise on live customers, before any outcome: a collapse of it stops a release."""

from collections.abc import Sequence
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from scipy.stats import ks_2samp

from churn.scoring.prediction import Prediction

LEAST = 30
"""Fewer predictions of one of them say nothing."""


def promised(predictions: Sequence[Prediction]) -> np.ndarray | None:
    """Return what contacting those at risk is expected to earn, of shape (rows,); None without economics."""
    profits = [one.expected_profit for one in predictions]
    if not profits or None in profits:
        return None
    contacted = np.array([one.churn_prediction for one in predictions])
    return np.asarray(np.array(profits, float) * contacted)


def collapse(mine: Sequence[Prediction], theirs: Sequence[Prediction], *, ratio: float, chance: float) -> str:
    """Say that a version surely promises less than `ratio` times what production does; "" when it does not.

    The difference of two means, taken for normal; with an equal promise it is said with less than `chance`.
    """
    new, old = promised(mine), promised(theirs)
    if new is None or old is None or min(len(new), len(old)) < LEAST or old.mean() <= 0:
        return ""
    apart = new.mean() - ratio * old.mean()
    error = sqrt(new.var(ddof=1) / len(new) + ratio**2 * old.var(ddof=1) / len(old))
    if apart + NormalDist().inv_cdf(1 - chance) * error >= 0:
        return ""
    return (
        f"it promises {new.mean():.2f} per customer, less than {ratio:.0%} of the {old.mean():.2f} that production does"
    )


def shift(mine: Sequence[Prediction], theirs: Sequence[Prediction], *, most: float, chance: float) -> str:
    """Say that a version's probabilities surely lie farther from production's than `most`; "" when they do not."""
    if min(len(mine), len(theirs)) < LEAST:
        return ""
    distance = float(ks_2samp(_probabilities(mine), _probabilities(theirs), method="asymp").statistic)
    margin = sqrt(-log(chance / 2) / 2) * sqrt(1 / len(mine) + 1 / len(theirs))
    if distance - margin <= most:
        return ""
    return f"its probabilities lie {distance:.2f} from production's (Kolmogorov-Smirnov), more than {most:.2f} for sure"


def _probabilities(predictions: Sequence[Prediction]) -> np.ndarray:
    return np.array([one.probability for one in predictions])
