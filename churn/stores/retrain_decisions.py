"""Retrain decisions: whether to train anew, why, from which facts, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import orjson
from sqlalchemy import Engine, Row, insert, select, update

from churn.errors import ConflictError, NotFoundError
from churn.stores.tables import retrain_decisions
from churn.stores.transactions import database_now_text, reading, writing

Choice = Literal["train", "wait"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDecision:
    """A decision that was just taken.

    Attributes:
        reasons: sentences for it, the weightiest first.
        facts: what it was taken from, as JSON values.
        data_fingerprint: of the labelled customers that there were; "" when they were not looked at.
        actor: who asked: a person, or a scheduler.
    """

    model_name: str
    decision: Choice
    reasons: Sequence[str]
    facts: Mapping[str, object]
    data_fingerprint: str
    actor: str


@dataclass(frozen=True, slots=True)
class RetrainDecision:
    """One row. Moments are text, as `churn.scoring.prediction.utc_text` writes it.

    Attributes:
        version: what the training registered; None: nothing.
        outcome: how a 'train' ended: its first word is promoted, refused, held or failed. "" while it is at work, and
            for ever when its process was killed; of a 'wait' always "".
    """

    id: int
    model_name: str
    at: str
    decision: Choice
    reasons: tuple[str, ...]
    facts: Mapping[str, object]
    data_fingerprint: str
    actor: str
    version: int | None
    outcome: str

    @property
    def is_unfinished(self) -> bool:
        """True when a training was begun, and nobody noted its end."""
        return self.decision == "train" and not self.outcome


class RetrainDecisionStore:
    """The table of decisions. Every method raises StoreError when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, decision: NewDecision) -> int:
        """Store a decision before anything follows from it, and return its number."""
        with writing(self._engine) as connection:
            row = {**_to_row(decision), "at": database_now_text(connection)}
            key = connection.execute(insert(retrain_decisions), row).inserted_primary_key
        return int(key[0]) if key else 0

    def finish(self, decision_id: int, outcome: str, *, version: int | None = None) -> None:
        """Note what came of a decision to train.

        Raises:
            NotFoundError: there is no such decision to train.
            ConflictError: its outcome is known already.
        """
        chosen = (retrain_decisions.c.id == decision_id, retrain_decisions.c.decision == "train")
        with writing(self._engine) as connection:
            known = connection.execute(select(retrain_decisions.c.outcome).where(*chosen)).scalar_one_or_none()
            if known is None:
                raise NotFoundError(f"there is no decision {decision_id} to train: add() it first")
            if known:
                raise ConflictError(f"what came of decision {decision_id} is known already: {known}")
            connection.execute(update(retrain_decisions).where(*chosen).values(outcome=outcome, version=version))

    def latest(self, model_name: str, decision: Choice | None = None) -> RetrainDecision | None:
        """Return the newest decision of a model, or the newest of one kind; None when there is none."""
        found = self.history(model_name, decision=decision, limit=1)
        return found[0] if found else None

    def history(self, model_name: str, *, decision: Choice | None = None, limit: int = 50) -> list[RetrainDecision]:
        """Return the newest decisions of a model, newest first."""
        query = select(retrain_decisions).where(retrain_decisions.c.model_name == model_name)
        if decision is not None:
            query = query.where(retrain_decisions.c.decision == decision)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(retrain_decisions.c.id.desc()).limit(limit)).all()
        return [_from_row(row) for row in rows]


def _to_row(decision: NewDecision) -> dict[str, object]:
    return {
        "model_name": decision.model_name,
        "decision": decision.decision,
        "reasons": orjson.dumps(list(decision.reasons)).decode(),
        "facts": orjson.dumps(dict(decision.facts)).decode(),
        "data_fingerprint": decision.data_fingerprint,
        "actor": decision.actor,
        "version": None,
        "outcome": "",
    }


def _from_row(row: Row[tuple[object, ...]]) -> RetrainDecision:
    fields = row._asdict()
    texts = {"reasons": tuple(orjson.loads(fields["reasons"])), "facts": orjson.loads(fields["facts"])}
    return RetrainDecision(**{**fields, **texts})
