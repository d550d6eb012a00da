"""The choice among finalists: a technical floor first, then money, then speed and how easily it is explained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from churn.evaluation.finalists import FLOOR, Finalist, Floor, Standing, rank


@dataclass(frozen=True, slots=True)
class Choice:
    """The finalist that was chosen, and why.

    Attributes:
        name: of the chosen one.
        reason: a sentence for people who know the business.
        is_sound: False when no finalist reaches the floor; then the one that gains most is named, to look at.
        standings: of every finalist, the highest gain first.
    """

    name: str
    reason: str
    is_sound: bool
    standings: tuple[Standing, ...]


def choose(
    finalists: Sequence[Finalist],
    floor: Floor = FLOOR,
    *,
    currency: str | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Choice:
    """Choose among finalists.

    Those below the floor are ruled out, and those whose probabilities are clearly less true than the best's. Of the
    others the one that gains most wins, if the paired difference to the rest is more than noise; among those within the
    noise, the quickest (a millisecond is nothing), then the easiest to explain, then the one with the truest
    probabilities.

    Args:
        finalists: at least one.
        floor: what each has to reach.
        currency: of the gains; None: they are no money.
        groups: rows with the same value are one customer, shape (rows,).
        seed: of the resamples.
    """
    standings = rank(finalists, floor, groups, seed)
    tied = [standing.finalist for standing in standings if standing.is_tied]
    if not tied:
        worst = standings[0]
        reason = (
            f"No finalist reaches the technical floor. {worst.finalist.name} gains most: {'; '.join(worst.problems)}."
        )
        return Choice(worst.finalist.name, reason, is_sound=False, standings=standings)
    quickest = min(one.milliseconds for one in tied)
    quick = [one for one in tied if one.milliseconds <= quickest + floor.same_milliseconds]
    plainest = min(one.interpretability for one in quick)
    plain = [one for one in quick if one.interpretability == plainest]
    plain.sort(key=lambda one: (one.squared_error.mean(), one.name))
    reason = _Words(standings, currency).reason(plain[0], tied=tied, quick=quick, plain=plain)
    return Choice(plain[0].name, reason, is_sound=True, standings=standings)


class _Words:
    """Says why."""

    def __init__(self, standings: Sequence[Standing], currency: str | None) -> None:
        self._standings = standings
        self._verb, self._unit = ("earns", f" {currency}") if currency else ("gains", "")
        self._digits = 2 if currency else 4

    def reason(
        self, chosen: Finalist, *, tied: Sequence[Finalist], quick: Sequence[Finalist], plain: Sequence[Finalist]
    ) -> str:
        """Return the sentence, and who was ruled out."""
        why = self._won(chosen) if len(tied) == 1 else self._drew(chosen, tied, quick, plain)
        ruled_out = [f"{one.finalist.name} ({'; '.join(one.problems)})" for one in self._standings if one.problems]
        return f"{chosen.name} was chosen: {why}." + (f" Ruled out: {', '.join(ruled_out)}." if ruled_out else "")

    def _won(self, chosen: Finalist) -> str:
        others = [one for one in self._standings if not one.problems and one.finalist is not chosen]
        if not others:
            return "it is the only finalist that reaches the technical floor"
        lag = others[0].behind
        amount = f"{self._amount(float(chosen.gain.mean()))}{self._unit} per customer"
        more = f"{self._amount(lag.value)} ({self._amount(lag.low)} to {self._amount(lag.high)}) more"
        return f"it {self._verb} {amount}, {more} than the next, {others[0].finalist.name}"

    def _drew(
        self, chosen: Finalist, tied: Sequence[Finalist], quick: Sequence[Finalist], plain: Sequence[Finalist]
    ) -> str:
        names = _listed([one.name for one in tied])
        same = f"{names} {self._verb[:-1]} the same within the noise"
        same = f"{same} (about {self._amount(float(chosen.gain.mean()))}{self._unit} per customer)"
        if len(quick) == 1:
            return f"{same}, and it answers quickest ({chosen.milliseconds:.1f} ms)"
        if len(plain) == 1:
            return f"{same}, and of those that answer quickly it is the easiest to explain"
        same = f"{same}, others are neither quicker nor easier to explain"
        return f"{same}, and its probabilities are the truest by a little"

    def _amount(self, amount: float) -> str:
        return f"{amount:,.{self._digits}f}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
