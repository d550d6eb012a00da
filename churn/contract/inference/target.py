"""The target column: which of its two values is a customer who left."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from churn.contract.inference.profile import Profile
from churn.errors import TableError

LEFT_WORDS = frozenset(
    {"yes", "true", "1", "1.0", "y", "t", "churn", "churned", "left", "exited", "attrited", "attrited customer", "lost"}
    | {"cancelled", "canceled", "closed", "inactive", "churner", "gone", "terminated"}
    | {"ja", "j", "gekündigt", "oui", "si", "sí", "sim", "tak", "да"}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who left.

    Attributes:
        positive: text of those who left.
        negative: text of those who stayed.
        is_guessed: the positive value was neither given nor a word that says so: it is the rarer one.
        labelled: which rows have either; bool of shape (rows,).
        left: who left among the labelled rows; bool of shape (labelled rows,).
    """

    positive: str
    negative: str
    is_guessed: bool
    labelled: np.ndarray
    left: np.ndarray


def outcome_of(column: Profile, positive: str | None) -> Outcome:
    """Read the target column.

    Raises:
        TableError: it has not two values, or not the positive one that was given.
    """
    counts = {text: count for text, count in column.counts.items() if text == positive or text in column.present}
    if len(counts) != 2:
        raise TableError(f"the target column {column.name!r} must hold two values, and holds {_listed(counts)}")
    found = _positive(column.name, counts, positive)
    (negative,) = counts.keys() - {found}
    code, other = column.texts.index(found), column.texts.index(negative)
    labelled = np.isin(column.codes, [code, other])
    is_guessed = positive is None and not _speaking(counts)
    return Outcome(found, negative, is_guessed, labelled, column.codes[labelled] == code)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a hint at the name that was probably meant, or at what there is."""
    listed = list(names)
    folded = {other.casefold(): other for other in listed}
    close = get_close_matches(name.casefold(), folded, n=1)
    return f"did you mean {folded[close[0]]!r}?" if close else f"there are {', '.join(map(repr, listed[:30]))}"


def _positive(name: str, counts: dict[str, int], positive: str | None) -> str:
    if positive is None:
        return _speaking(counts) or min(counts, key=lambda text: (counts[text], text))
    if positive not in counts:
        raise TableError(f"the target column {name!r} has no value {positive!r}: {did_you_mean(positive, counts)}")
    return positive


def _speaking(counts: dict[str, int]) -> str:
    """Return the one value whose word says "left"; "" when none or both do."""
    speaking = [text for text in counts if text.casefold() in LEFT_WORDS]
    return speaking[0] if len(speaking) == 1 else ""


def _listed(counts: dict[str, int]) -> str:
    shown = ", ".join(f"{text!r} ({count:,} rows)" for text, count in list(counts.items())[:6])
    return f"{len(counts)}: {shown}{', …' if len(counts) > 6 else ''}" if counts else "none"
