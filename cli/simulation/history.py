"""A history: months of predictions and outcomes in the churn store, scored by production as its doors would have."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np

from churn.contract.table import Columns, check_table
from churn.data.simulation.chance import MONTH_DAYS
from churn.data.simulation.month import Month
from churn.data.simulation.simulation import simulate
from churn.data.simulation.world import World
from churn.errors import UsageError
from churn.scoring.outcome import Outcome
from churn.scoring.prediction import Prediction, utc_text
from churn.scoring.scorer import Scorer
from churn.settings import Settings
from churn.stores.database import open_migrated
from churn.stores.outcomes import OutcomeStore
from churn.stores.predictions import PredictionStore

DOORS = ("bento", "fastapi")
STORED_AT_ONCE = 5_000
SOURCE = "simulated"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class History:
    """What was stored.

    Attributes:
        version: that scored.
        unreadable: rows that the contract does not hold for; nobody was answered.
        outcomes: those that are known by now.
        unknown: those that come later, or never.
        since: moment of the first month; the last ends now.
    """

    model: str
    version: int
    predictions: int
    unreadable: int
    outcomes: int
    unknown: int
    since: str
    until: str


def history(
    world: World, *, settings: Settings, is_sure: bool = False, tell: Tell = lambda _: None, now: datetime | None = None
) -> History:
    """Score each month of a world with the version in production; store predictions and the outcomes known by now.

    Args:
        world: its start is moved so that its last month ends now; its horizon becomes the contract's.
        settings: where the home is.
        is_sure: also beside predictions that are there already.
        tell: is told of each month.
        now: the end of the last month; None: the time now.

    Raises:
        NotFoundError: nothing is in production.
        TableError: the world's customers are not those of the contract.
        UsageError: there are predictions already.
    """
    engine = open_migrated(settings.database_url)
    store, outcomes = PredictionStore(engine), OutcomeStore(engine)
    _refuse_company(store, settings.model, is_sure=is_sure)
    scorer = _production_scorer(settings)
    until = now or datetime.now(UTC)
    world = _ending(world, until, scorer.contract.target.horizon_days)
    told = History(settings.model, scorer.version, 0, 0, 0, 0, utc_text(world.start), utc_text(until))
    for month in simulate(world):
        found = _Scored.of(month, scorer)
        known = list(_outcomes(month, settings.model, found.prediction_ids, until))
        _store_in_parts(store.add, list(_predictions(found, scorer)))
        _store_in_parts(outcomes.add, known)
        told = _with_month(told, found, known)
        tell(f"month {month.number}: {found.rows:,} predictions, {len(known):,} outcomes")
    return told


def _refuse_company(store: PredictionStore, model: str, *, is_sure: bool) -> None:
    if not is_sure and (there := store.count(model)):
        raise UsageError(
            f"{there:,} predictions of {model} are recorded already, and a history would be among them: use another "
            "CHURN_HOME, or say --yes"
        )


def _production_scorer(settings: Settings) -> Scorer:
    from churn.scoring.loading import load_scorer
    from monitoring.production import find_production

    production = find_production(settings)
    return load_scorer(production.bundle, name=settings.model, version=production.version)


def _ending(world: World, until: datetime, horizon_days: int) -> World:
    start = until - timedelta(days=MONTH_DAYS * world.months)
    return replace(world, start=start, horizon_days=horizon_days)


@dataclass(frozen=True, slots=True)
class _Scored:
    """A month's customers with what production says of them.

    Attributes:
        prediction_ids: of all rows of the month.
        kept: rows that the contract holds for, from 0; `columns` and `probabilities` are theirs.
    """

    month: Month
    prediction_ids: Sequence[str]
    kept: np.ndarray
    columns: Columns
    probabilities: np.ndarray

    @classmethod
    def of(cls, month: Month, scorer: Scorer) -> "_Scored":
        checked = check_table(scorer.contract, {name: cells.tolist() for name, cells in month.columns.items()})
        token = uuid4().hex[:12]
        ids = [f"simulated-{token}-{month.number}-{row}" for row in range(month.rows)]
        return cls(month, ids, checked.accepted - 1, checked.columns, scorer.score_columns(checked.columns))

    @property
    def rows(self) -> int:
        return len(self.kept)


def _predictions(found: _Scored, scorer: Scorer) -> Iterator[Prediction]:
    """Yield what the doors would have recorded, half of it at each."""
    decisions, levels = scorer.decide_all(found.probabilities)
    standings = scorer.standings.lists_of(found.columns, found.probabilities)
    inputs, seen = _inputs(found, scorer), found.month.seen_at
    for place, row in enumerate(found.kept.tolist()):
        yield Prediction(
            prediction_id=found.prediction_ids[row],
            customer_id=str(found.month.customer_ids[row]),
            model_name=scorer.name,
            model_version=scorer.version,
            role="production",
            door=DOORS[row % len(DOORS)],
            inputs=inputs[place],
            probability=float(found.probabilities[place]),
            threshold=scorer.threshold,
            churn_prediction=int(decisions[place]),
            risk_level=str(levels[place]),
            predicted_at=utc_text(seen[row]),
            **{name: values[place] for name, values in standings.items()},
        )


def _inputs(found: _Scored, scorer: Scorer) -> list[dict[str, object]]:
    """Return what a door records of each row: numbers as they were sent, missing ones as None."""
    cells = [_sent(found, name, is_numeric=column.is_numeric) for name, column in scorer.contract.columns.items()]
    return [dict(zip(scorer.contract.columns, row, strict=True)) for row in zip(*cells, strict=True)]


def _sent(found: _Scored, name: str, *, is_numeric: bool) -> list[object]:
    raw = found.month.columns.get(name)
    exact = is_numeric and raw is not None and raw.dtype != object  # the graph's float32 are not what was sent
    values = raw[found.kept] if exact and raw is not None else found.columns[name]
    return [None if value == "" or value != value else value for value in values.tolist()]  # noqa: PLR0124  NaN


def _outcomes(month: Month, model: str, prediction_ids: Sequence[str], until: datetime) -> Iterator[Outcome]:
    """Yield what is known by a moment."""
    facts = zip(prediction_ids, month.customer_ids, month.left, month.observed_at, month.reported_at, strict=True)
    for prediction_id, customer_id, left, observed, reported in facts:
        if reported is not None and reported <= until:
            yield Outcome(
                model_name=model, customer_id=str(customer_id), churned=int(left), observed_at=utc_text(observed),
                prediction_id=prediction_id, source=SOURCE,
            )  # fmt: skip


def _store_in_parts(add: Callable[[list[Any]], int], rows: list[Any]) -> None:
    for first in range(0, len(rows), STORED_AT_ONCE):
        add(rows[first : first + STORED_AT_ONCE])


def _with_month(told: History, found: _Scored, known: Sequence[Outcome]) -> History:
    return replace(
        told,
        predictions=told.predictions + found.rows,
        unreadable=told.unreadable + found.month.rows - found.rows,
        outcomes=told.outcomes + len(known),
        unknown=told.unknown + found.month.rows - len(known),
    )
