"""What a drift would cost: what contacting those at risk is expected to earn on the live window, less the reference.

Both sides are what the model's own probabilities promise by the contract's economics, per customer of the window,
contacted or not. It tells how the campaign's worth moves with the customers; it does not tell whether the probabilities
are still true on customers whom the model has not learned from: outcomes will (`churn performance`).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from churn.bundle.files import MONTHS, POLICY, DecisionPolicy, parse
from churn.contract.contract import Contract
from churn.contract.economics import Economics
from churn.retention.months import MonthsModel
from churn.retention.profit import expected_profit
from churn.retention.worth import Worth, worth_of
from monitoring.windows import Window

WIDTH = 1.96
"""Half-width of a 95 % interval in standard errors; both windows have hundreds of customers."""


@dataclass(frozen=True, slots=True)
class ProfitChange:
    """Expected profit per customer, in `currency`.

    Attributes:
        now: on the live window.
        before: on the reference.
        change: now less before, with its 95 % interval over customers of both windows.
    """

    currency: str
    now: float
    before: float
    change: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """True when the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def measure_profit_change(bundle: Path, contract: Contract, live: Window, reference: Window) -> ProfitChange | None:
    """Return the change; None when the contract has no economics.

    Raises:
        BundleError: a file of the bundle does not hold.
    """
    months = parse(MonthsModel, (bundle / MONTHS).read_bytes(), bundle / MONTHS) if (bundle / MONTHS).exists() else None
    economics, worth = contract.economics, worth_of(contract.economics, months)
    if economics is None or worth is None:
        return None
    threshold = parse(DecisionPolicy, (bundle / POLICY).read_bytes(), bundle / POLICY).threshold
    now, before = (_earned(window, economics, worth, threshold) for window in (live, reference))
    return compare_profits(now, before, economics.currency)


def compare_profits(now: np.ndarray, before: np.ndarray, currency: str) -> ProfitChange:
    """Compare what each customer of two windows earns, shapes (rows,)."""
    change = float(now.mean() - before.mean())
    width = WIDTH * float(np.sqrt(now.var(ddof=1) / len(now) + before.var(ddof=1) / len(before)))
    return ProfitChange(currency, float(now.mean()), float(before.mean()), change, change - width, change + width)


def _earned(window: Window, economics: Economics, worth: Worth, threshold: float) -> np.ndarray:
    """Return what each customer is expected to earn: nothing, if he is not called at risk."""
    profits = expected_profit(window.probabilities, worth.of_columns(window.columns), economics)
    return np.where(window.probabilities >= threshold, profits, 0.0)
