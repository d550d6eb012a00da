"""What becomes of each column: the id, an input, ignored with a reason, or leaking with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from churn.contract.contract import RESERVED_NAMES
from churn.contract.inference.naming import id_score, numbers_the_rows
from churn.contract.inference.profile import Profile
from churn.contract.inference.signal import missing_auc, signal_auc

LEAK_AUC = 0.95
SUSPICIOUS_AUC = 0.9
REQUIRED_AUC = 0.65
MOST_REQUIRED = 3
ENOUGH_LEAVERS = 100
"""With fewer, an area of REQUIRED_AUC is within the reach of chance."""

INPUT_KINDS = ("boolean", "integer", "number", "category")
REASONS = {
    "empty": "has no values",
    "constant": "has the same value in every row",
    "date": "a date: give a number instead, such as days since it",
    "e-mail": "e-mail addresses: personal, and no two alike",
    "phone": "phone numbers: personal, and no two alike",
    "measure": "numbers with a sign, unit or thousands separator: write them as plain numbers, then make it a number",
}


@dataclass(frozen=True, slots=True)
class Roles:
    """Each column's role.

    Attributes:
        inputs: columns to learn from, with the area under the ROC curve of each one alone.
        ignored: columns without use, each with the reason.
        leaking: columns that know the outcome, each with the reason.
    """

    inputs: dict[str, float]
    ignored: dict[str, str]
    leaking: dict[str, str]

    def required(self, profiles: Mapping[str, Profile], leavers: int) -> frozenset[str]:
        """Return the few strongest inputs that no row lacks; the others may be left out of a request."""
        if leavers < ENOUGH_LEAVERS:
            return frozenset()
        strong = [name for name, auc in self.inputs.items() if REQUIRED_AUC <= auc < SUSPICIOUS_AUC]
        whole = [name for name in strong if not profiles[name].rows_missing]
        return frozenset(sorted(whole, key=lambda name: -self.inputs[name])[:MOST_REQUIRED])


def find_id(profiles: Mapping[str, Profile]) -> str | None:
    """Return the column that names the customer, by its name and its values."""
    scores = {name: id_score(profile) for name, profile in profiles.items()}
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] else None


def assign(profiles: Mapping[str, Profile], left: np.ndarray, labelled: np.ndarray) -> Roles:
    """Give each column its role.

    Args:
        profiles: columns without id and target.
        left: who left, of the labelled rows; bool of shape (labelled rows,).
        labelled: which rows have a target; bool of shape (rows,).
    """
    roles = Roles({}, {}, {})
    for name, profile in profiles.items():
        seen = Profile(name, profile.texts, profile.codes[labelled])
        signal = signal_auc(seen, left) if profile.kind in INPUT_KINDS else 0.5
        if reason := _leak(seen, left, signal):
            roles.leaking[name] = reason
        elif reason := _uselessness(profile):
            roles.ignored[name] = reason
        else:
            roles.inputs[name] = signal
    return roles


def _leak(column: Profile, left: np.ndarray, signal: float) -> str:
    if column.kind in ("empty", "constant") and not column.rows_missing:
        return ""
    if missing_auc(column, left) >= LEAK_AUC:
        return "filled in, or empty, just for those who left: it is written down afterwards"
    if numbers_the_rows(column) or id_score(column) >= 2:  # a table sorted by outcome makes these look like one
        return ""
    return f"tells alone who left (ROC-AUC {signal:.3f}): it is known only afterwards" if signal >= LEAK_AUC else ""


def _uselessness(column: Profile) -> str:
    if column.name in RESERVED_NAMES:
        return "named like a part of the answer: rename it in the table to use it"
    if numbers_the_rows(column):
        return "counts the rows"
    if id_score(column) >= 2:
        return "another identifier: no two alike"
    if column.kind == "text":
        return f"free text, or too many distinct values ({len(column.present):,})"
    return REASONS.get(column.kind, "")
