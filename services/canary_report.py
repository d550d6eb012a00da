"""The canary's report: the customers whom it answered beside those whom production answered meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from churn.errors import NotFoundError
from churn.evaluation.canarying import Answered, CanaryComparison, compare_canary
from churn.scoring.prediction import utc_text
from churn.scoring.scorer import Scorer
from services.door_figures import DoorFigures

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from churn.stores.canaries import Newest

CANARY, PRODUCTION = "canary", "production"
NOTE = (
    "Profit is what each version promises of its own customers: a version that promises more is not yet better; "
    "outcomes, or the gate, say that. Failures and times are the doors', since they were opened."
)


@dataclass(frozen=True, slots=True)
class CanaryQuestion:
    """What is asked: a canary's version and share, and from when on."""

    version: int
    share: float
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """A canary beside the version in production now.

    Attributes:
        share: of the customers that it answers now.
        since: from when on answers count; None: from the first.
        currency: of the profit; None without economics.
        doors: what they say of failures and time.
    """

    model: str
    version: int
    production_version: int
    share: float
    since: str | None
    currency: str | None
    comparison: CanaryComparison
    doors: Sequence[DoorFigures]
    note: str


def report_canary(
    scorer: Scorer, engine: "Engine", question: CanaryQuestion, doors: Sequence[DoorFigures]
) -> CanaryReport:
    """Compare the canary's customers with production's.

    Args:
        scorer: the version in production.
        engine: the SQL store.
        question: which canary, and when.
        doors: what they say of both versions.

    Raises:
        NotFoundError: one of the two has answered nobody.
        StoreError: the store did not answer.
    """
    groups = [
        _answered(scorer, engine, version, role=role, since=question.since)
        for version, role in ((question.version, CANARY), (scorer.version, PRODUCTION))
    ]
    return CanaryReport(
        model=scorer.name,
        version=question.version,
        production_version=scorer.version,
        share=question.share,
        since=utc_text(question.since) if question.since else None,
        currency=scorer.currency,
        comparison=compare_canary(*groups),
        doors=doors,
        note=NOTE,
    )


def _answered(scorer: Scorer, engine: "Engine", version: int, *, role: str, since: datetime | None) -> Answered:
    from churn.stores.canaries import CanaryStore  # noqa: PLC0415  a worker that is never asked never pays for SQL

    store = CanaryStore(engine)
    found = store.newest(scorer.name, version, role=role, since=since)
    if not found:
        raise NotFoundError(
            f"version {version} has answered nobody as {role} since then: what is answered is there after about a "
            "second; a share of few customers may be nobody yet"
        )
    return _group(found, predictions=store.count(scorer.name, version, role=role, since=since))


def _group(found: Sequence["Newest"], *, predictions: int) -> Answered:
    profits = [each.expected_profit for each in found]
    return Answered(
        predictions=predictions,
        probability=np.array([each.probability for each in found]),
        is_at_risk=np.array([each.churn_prediction for each in found], bool),
        profit=None if None in profits else np.array(profits, np.float64),
        churned=np.array([np.nan if each.churned is None else each.churned for each in found], np.float64),
    )
