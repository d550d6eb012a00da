"""Folds: which customers a model is trained on, and which tested on, without looking at the future."""

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from churn.errors import TableError

Fold = tuple[np.ndarray, np.ndarray]
"""Row numbers to train on and row numbers to test on."""


def make_folds(
    labels: np.ndarray,
    *,
    folds: int,
    repeats: int = 1,
    seed: int = 0,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> list[list[Fold]]:
    """Cut customers into folds; one list of folds per repeat, each repeat drawn anew.

    Without times every row is tested once per repeat, and folds hold equal shares of leavers. With times the folds go
    forward: the rows are cut into `folds + 1` periods, and each period but the first is tested by what came before it,
    so the rows of the first are never tested. A moment is never divided. Times alone leave nothing to draw: there is
    one repeat, however many are asked for.

    Rows of one group are never on both sides. With times as well, the groups that a period shares with the past are
    halved by lot: one half is tested and left out of training, the other half the other way round; the next repeat
    swaps the halves, so two repeats test every row after the first period.

    Args:
        labels: 1 for customers who left, else 0; shape (rows,).
        folds: how many are tested, one after another.
        repeats: how often the customers are cut.
        seed: of the lots.
        groups: rows that belong together share a value; shape (rows,).
        times: when each row was seen; anything that sorts, shape (rows,).

    Raises:
        TableError: a fold would have only leavers or only stayers to train on or to test.
    """
    if times is None:
        cut = [list(_at_random(labels, folds, drawn, groups)) for drawn in _seeds(seed, repeats)]
    elif groups is None:
        cut = [list(_forward(_periods(times, folds)))]
    else:
        periods = _periods(times, folds)
        cut = [list(_forward_by_group(periods, groups, seed, repeat)) for repeat in range(repeats)]
    for repeat in cut:
        _require_both_kinds(labels, repeat)
    return cut


def _at_random(labels: np.ndarray, folds: int, seed: int, groups: np.ndarray | None) -> Iterator[Fold]:
    """Groups are drawn by number, never by name: a name may be of any type."""
    _require_enough(labels, folds, groups)
    nothing = np.zeros(len(labels))
    if groups is None:
        yield from StratifiedKFold(folds, shuffle=True, random_state=seed).split(nothing, labels)
    else:
        numbers = np.unique(groups, return_inverse=True)[1]
        yield from StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(nothing, labels, numbers)


def _seeds(seed: int, repeats: int) -> list[int]:
    """Seed 0's second repeat is not seed 1's first."""
    return [int(drawn) for drawn in np.random.SeedSequence(seed).generate_state(repeats)]


def _periods(times: np.ndarray, folds: int) -> np.ndarray:
    """Return the period of each row, 0 the oldest; about as many rows in each."""
    moments, place, counts = np.unique(times, return_inverse=True, return_counts=True)
    middles = (np.cumsum(counts) - counts / 2) / len(times)
    periods = np.floor(middles * (folds + 1)).astype(np.int64)[place]
    if (found := len(np.unique(periods))) <= folds:
        raise TableError(
            f"{len(moments)} distinct times fill {found} of the {folds + 1} periods that {folds} folds forward in time "
            "need: ask for fewer folds, or take `validation.time` out of the contract"
        )
    return periods


def _forward(periods: np.ndarray) -> Iterator[Fold]:
    for period in range(1, periods.max() + 1):
        yield np.flatnonzero(periods < period), np.flatnonzero(periods == period)


def _forward_by_group(periods: np.ndarray, groups: np.ndarray, seed: int, repeat: int) -> Iterator[Fold]:
    names, group = np.unique(groups, return_inverse=True)
    first_half = np.random.default_rng([seed, repeat // 2]).permutation(len(names)) % 2 == repeat % 2
    for past, tested in _forward(periods):
        is_shared = np.zeros(len(names), bool)
        is_shared[np.intersect1d(group[past], group[tested])] = True
        yield past[~(is_shared & first_half)[group[past]]], tested[~(is_shared & ~first_half)[group[tested]]]


def _require_enough(labels: np.ndarray, folds: int, groups: np.ndarray | None) -> None:
    units = np.arange(len(labels)) if groups is None else groups
    for kind, label in (("left", 1), ("stayed", 0)):
        if (found := len(np.unique(units[labels == label]))) < folds:
            what = "customers" if groups is None else "groups with a customer who"
            raise TableError(
                f"{found} {what} {kind}, and {folds} folds need at least {folds}: ask for fewer folds, or bring more"
            )


def _require_both_kinds(labels: np.ndarray, folds: list[Fold]) -> None:
    for number, sides in enumerate(folds, start=1):
        for side, rows in zip(("training", "test"), sides, strict=True):
            if len(np.unique(labels[rows])) < 2:
                raise TableError(
                    f"fold {number} of {len(folds)}: its {len(rows)} {side} rows are not of both kinds, left and "
                    "stayed: ask for fewer folds, or look at the columns that `validation` names"
                )
