"""The shadow's report: what the SQL store holds of it and production, compared by production's contract."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from churn.contract.table import Columns, check_table
from churn.errors import NotFoundError
from churn.evaluation.shadowing import ExpectedProfit, ShadowComparison, View, compare_shadow
from churn.scoring.scorer import Scorer
from churn.scoring.standing import Standings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from churn.stores.shadows import Pair, Side

NOTE = (
    "No outcome is known yet: profit is what probabilities promise. A gain that the shadow's own promise alone is no "
    "gain; one that production's promise too, or the mean of both with an interval above 0, is worth asking the gate."
)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a shadow's version, from when on, and how many predictions at most, the newest."""

    version: int
    since: datetime | None = None
    limit: int = 50_000


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """A shadow beside the version in production now.

    Attributes:
        first_at: moment of the oldest prediction that is compared.
        last_at: of the newest.
        with_other_versions: predictions that were left out, because another version was in production then.
        unreadable: left out, because production's contract does not hold for them.
        currency: of the profit; None without economics.
    """

    model: str
    version: int
    production_version: int
    first_at: str
    last_at: str
    with_other_versions: int
    unreadable: int
    currency: str | None
    comparison: ShadowComparison
    note: str


def report_shadow(scorer: Scorer, engine: "Engine", question: Question) -> ShadowReport:
    """Compare a shadow with production.

    Args:
        scorer: the version in production, whose economics count.
        engine: the SQL store.
        question: which shadow, and when.

    Raises:
        NotFoundError: nothing was scored by both.
        StoreError: the store did not answer.
    """
    from churn.stores.shadows import ShadowStore  # noqa: PLC0415  a worker that is never asked never pays for SQL

    found = ShadowStore(engine).pairs(scorer.name, question.version, since=question.since, limit=question.limit)
    current = [pair for pair in found if pair.production.version == scorer.version]
    if not current:
        raise NotFoundError(
            f"version {question.version} has scored no customer beside version {scorer.version}: "
            f"`churn shadow set {question.version}` begins, and live predictions follow"
        )
    pairs, columns = _readable(scorer, current)
    economics = scorer.contract.economics
    return ShadowReport(
        model=scorer.name,
        version=question.version,
        production_version=scorer.version,
        first_at=current[0].predicted_at,
        last_at=current[-1].predicted_at,
        with_other_versions=len(found) - len(current),
        unreadable=len(current) - len(pairs),
        currency=economics.currency if economics else None,
        comparison=_compared(scorer, pairs, columns),
        note=NOTE,
    )


def _readable(scorer: Scorer, pairs: Sequence["Pair"]) -> tuple[list["Pair"], Columns]:
    raw = {name: [pair.inputs.get(name) for pair in pairs] for name in scorer.contract.columns}
    checked = check_table(scorer.contract, raw)
    kept = [pairs[row - 1] for row in checked.accepted.tolist()]
    if not kept:
        raise NotFoundError(f"no recorded customer is readable by the contract of version {scorer.version}")
    return kept, checked.columns


def _compared(scorer: Scorer, pairs: Sequence["Pair"], columns: Columns) -> ShadowComparison:
    return compare_shadow(
        _view([pair.production for pair in pairs]),
        _view([pair.shadow for pair in pairs]),
        np.array([pair.customer_id for pair in pairs], dtype=object),
        expected_profit_of(scorer.standings, columns),
    )


def _view(sides: Sequence["Side"]) -> View:
    return View(
        probability=np.array([side.probability for side in sides]),
        is_at_risk=np.array([side.churn_prediction for side in sides], bool),
        level=np.array([side.risk_level for side in sides], dtype=object),
    )


def expected_profit_of(standings: Standings, columns: Columns) -> ExpectedProfit | None:
    """Return what contacting each of these customers earns, by their probabilities; None without economics.

    Profit is linear in the probability: that of leaving for certain and that of staying for certain tell all others.
    """
    rows = len(next(iter(columns.values())))
    staying, leaving = (_profits(standings, columns, np.full(rows, certain)) for certain in (0.0, 1.0))
    if staying is None or leaving is None:
        return None
    return _between(staying, leaving)


def _between(staying: np.ndarray, leaving: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda probability: staying + probability * (leaving - staying)


def _profits(standings: Standings, columns: Columns, probability: np.ndarray) -> np.ndarray | None:
    found = [standing.expected_profit for standing in standings.of_columns(columns, probability)]
    return None if None in found else np.array(found, np.float64)
