"""Outcomes: what became of customers, stored once however often it is sent."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Engine, distinct, func, select

from churn.scoring.outcome import Outcome
from churn.scoring.prediction import utc_now
from churn.stores.tables import outcomes
from churn.stores.transactions import reading, writing
from churn.stores.upserts import ignore_rows


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """What is known of a model's customers.

    Attributes:
        left: outcomes that say that somebody had left.
        stayed: outcomes that say that somebody was there.
        customers: distinct ones.
        first_observed_at: None when there is none.
        last_observed_at: likewise.
        by_source: who brought how many, the most first; at most 20.
    """

    left: int
    stayed: int
    customers: int
    first_observed_at: str | None
    last_observed_at: str | None
    by_source: dict[str, int]


class OutcomeStore:
    """The table of outcomes. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, found: Sequence[Outcome]) -> int:
        """Store outcomes in one transaction, those that are known already left as they are.

        Returns:
            How many were new.
        """
        recorded_at = utc_now()
        rows = {one.outcome_id: {**asdict(one), "recorded_at": recorded_at} for one in found}
        if not rows:
            return 0
        with writing(self._engine) as connection:
            # In one order: of two who send some of the same, neither waits for the other for ever.
            return ignore_rows(connection, outcomes, [{"outcome_id": key, **rows[key]} for key in sorted(rows)])

    def count(self, model_name: str) -> int:
        """Return how many outcomes of a model's customers are known."""
        query = select(func.count()).select_from(outcomes).where(outcomes.c.model_name == model_name)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one()

    def counts(self, model_name: str) -> OutcomeCounts:
        """Return what is known of a model's customers."""
        of_model = outcomes.c.model_name == model_name
        churned, number = outcomes.c.churned, func.count()
        span = (func.min(outcomes.c.observed_at), func.max(outcomes.c.observed_at))
        with reading(self._engine) as connection:
            of_kind = connection.execute(select(churned, number).where(of_model).group_by(churned)).all()
            customers, first, last = connection.execute(
                select(func.count(distinct(outcomes.c.customer_id)), *span).where(of_model)
            ).one()
            sources = select(outcomes.c.source, number).where(of_model).group_by(outcomes.c.source)
            by_source = connection.execute(sources.order_by(number.desc(), outcomes.c.source).limit(20)).all()
        kinds = {row[0]: row[1] for row in of_kind}
        return OutcomeCounts(
            kinds.get(1, 0), kinds.get(0, 0), customers, first, last, {row[0]: row[1] for row in by_source}
        )
