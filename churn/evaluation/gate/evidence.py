"""The evidence: labelled rows, what two versions say of them, and what others found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from churn.evaluation.gate.verdict import Guard


@dataclass(frozen=True, slots=True)
class Rows:
    """Customers whose outcome is known, and that no judged version was made from; at least one.

    Attributes:
        target: 1 for those who left, else 0; shape (rows,).
        earned: what contacting each would have earned, by one and the same economics for all versions
            (`realised_profit` with everybody contacted); shape (rows,).
        groups: rows of one customer share a value, shape (rows,); None: each row is a customer.
        parts: slices and protected groups by a name for people ("Contract is One year"), masks of shape (rows,).
        currency: of `earned`; without economics, what is counted: `earned` is then the target, "leavers reached".
    """

    target: np.ndarray
    earned: np.ndarray
    groups: np.ndarray | None = None
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Contender:
    """What one version says of the rows.

    Attributes:
        probability: of leaving, shape (rows,).
        promised: what it expects contacting each to earn, by its own economics; without economics the probability;
            shape (rows,). It ranks by this, and contacts nobody with whom it expects to lose.
        threshold: probability from which it calls a customer at risk.
    """

    probability: np.ndarray
    promised: np.ndarray
    threshold: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a verdict rests on.

    Attributes:
        rows: that both are judged on.
        candidate: the version that asks for production's place.
        production: None when nothing is in production.
        guards: what was found elsewhere: leaks, latency, size, fingerprint, fairness.
    """

    rows: Rows
    candidate: Contender
    production: Contender | None
    guards: tuple[Guard, ...] = ()
