"""An explanation: what each raw column adds to the log-odds of leaving, and the strongest reasons in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from churn.bundle.explanation_session import ExplanationSession
from churn.contract.contract import Contract
from churn.contract.phrases import Value
from churn.scoring.reasons import LEAST_LOG_ODDS, Reason, ReasonWriter, strongest

DECIMALS = 6
"""Of log-odds in an answer: twenty columns rounded so still add up within 1e-5."""

MOST_RAISING = 5
"""Columns that count as reasons of an offer: more than are told, since half of those told may lower the risk."""


@dataclass(frozen=True, slots=True)
class RiskFactor:
    """A reason as an answer tells it: `impact` is what the feature adds to the log-odds of leaving."""

    feature: str
    impact: float
    value: Value
    words: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one probability is what it is: base and contributions add up to log(p / (1 - p)).

    Attributes:
        base_log_odds: what is expected before anything is known of the customer.
        contributions: log-odds per raw column, in the contract's order.
        top_reasons: at most three, strongest first.
    """

    base_log_odds: float
    contributions: dict[str, float]
    top_reasons: tuple[Reason, ...]

    @property
    def factors(self) -> list[RiskFactor]:
        """The top reasons, as an answer tells them."""
        return [RiskFactor(one.column, one.log_odds, one.value, one.words) for one in self.top_reasons]

    @property
    def raising(self) -> frozenset[str]:
        """The columns that raise the risk most, at most five: what offers may ask for."""
        found = [(amount, name) for name, amount in self.contributions.items() if amount >= LEAST_LOG_ODDS]
        return frozenset(name for _, name in sorted(found, reverse=True)[:MOST_RAISING])


class Explainer:
    """Explains rows of one version: its graph of contributions, and its contract's words."""

    def __init__(self, session: ExplanationSession, contract: Contract) -> None:
        self.contributions = session.explain
        self._explain_row = session.explain_row
        self._explain_rows = session.explain_rows
        self._names = tuple(contract.columns)
        self._writer = ReasonWriter(contract)

    def explain_row(self, row: Mapping[str, float | str]) -> Explanation:
        """Explain one graph-ready row."""
        return next(self._explanations([row], self._explain_row(row)[np.newaxis]))

    def explain_rows(self, rows: Sequence[Mapping[str, float | str]]) -> list[Explanation]:
        """Explain several graph-ready rows in one run."""
        return list(self._explanations(rows, self._explain_rows(rows)))

    def explain_columns(self, columns: Mapping[str, np.ndarray]) -> Iterator[Explanation]:
        """Explain graph-ready columns, row by row."""
        cells = zip(*(columns[name] for name in self._names), strict=True)
        rows = (dict(zip(self._names, each, strict=True)) for each in cells)
        return self._explanations(rows, self.contributions(columns))

    def _explanations(self, rows: Iterable[Mapping[str, float | str]], found: np.ndarray) -> Iterator[Explanation]:
        rounded = np.round(found.astype(np.float64), DECIMALS)
        places = strongest(rounded[:, :-1]).tolist()
        for row, (*contributions, base), chosen in zip(rows, rounded.tolist(), places, strict=True):
            yield Explanation(
                base_log_odds=base,
                contributions=dict(zip(self._names, contributions, strict=True)),
                top_reasons=self._writer.tell(row, contributions, chosen),
            )
