"""The shadow: a version that is scored beside production on live customers, recorded, and never answered.

The attendant scores it while it moves predictions into the SQL store, so no request waits for it; and whatever is wrong
with it, production's predictions are stored as without it.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import orjson

from churn.contract.table import Columns, check_table
from churn.errors import BundleError, RefusedError
from churn.scoring.loading import load_scorer
from churn.scoring.prediction import Prediction
from churn.scoring.scorer import Scorer
from churn.scoring.standing import Standing
from churn.stores.predictions import HEARD
from churn.stores.shadows import SHADOW, is_sampled, shadow_id
from services.api.formats.cells import json_inputs
from services.exchange import Pointer, ShadowState, read_note
from services.settings import ServiceSettings

log = logging.getLogger(__name__)

DOOR = "attendant"


class Sink(Protocol):
    """Where records go; a PredictionStore."""

    def add(self, records: Sequence[Prediction]) -> int:
        """Store records; an id that is known already is left as it is."""


class ShadowedStore:
    """A sink that adds the shadow's predictions to those that it is given, in the same transaction."""

    def __init__(self, store: Sink, shadow: "Shadow") -> None:
        self._store = store
        self._shadow = shadow

    def add(self, records: Sequence[Prediction]) -> int:
        """Store records and what the shadow makes of them.

        Raises:
            RefusedError: the database will never take one of `records`.
        """
        beside = self._shadow.beside(records)
        try:
            stored = self._store.add([*records, *beside])
        except RefusedError as error:
            if not beside:
                raise
            stored = self._store.add(records)
            self._shadow.fail(len(beside), str(error))
        else:
            self._shadow.count(records, beside)
        return stored


class Shadow:
    """Scores customers with the bundle that `shadow.json` names; used by one thread."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._scorer: Scorer | None = None
        self._pointer: Pointer | None = None
        self.state: ShadowState | None = None

    def beside(self, records: Sequence[Prediction]) -> list[Prediction]:
        """Return the shadow's predictions of a sample of the records; [] when there is none, or it fails."""
        self._follow()
        if self._scorer is None:
            return []
        asked = [record for record in records if self._is_asked(record, self._scorer)]
        try:
            return self._score(self._scorer, asked) if asked else []
        except Exception as error:  # noqa: BLE001  nothing that a version does may hold up production's records
            self.fail(len(asked), type(error).__name__)
            return []

    def count(self, records: Sequence[Prediction], beside: Sequence[Prediction]) -> None:
        """Count what was stored."""
        if self.state is None or not beside:
            return
        decided = {shadow_id(self.state.version, one.prediction_id): one.churn_prediction for one in records}
        agreed = sum(decided[one.prediction_id] == one.churn_prediction for one in beside)
        self._note(scored=self.state.scored + len(beside), agreed=self.state.agreed + agreed, problem="")

    def fail(self, customers: int, reason: str) -> None:
        """Count and tell what could not be scored or stored."""
        if self.state is None:
            return
        if self.state.problem != reason:
            log.warning("shadow failed", extra={"shadow_version": self.state.version, "reason": reason})
        self._note(failed=self.state.failed + customers, problem=reason)

    def _follow(self) -> None:
        pointer = read_note(Pointer, self._settings.shadow_file)
        if pointer == self._pointer:
            return
        self._pointer, self._scorer, self.state = pointer, None, None
        if pointer is None or pointer.name != self._settings.model:
            return
        self.state = ShadowState(version=pointer.version)
        folder = self._settings.bundle_folder / pointer.digest
        try:
            self._scorer = load_scorer(folder, name=pointer.name, version=pointer.version, digest=pointer.digest)
        except BundleError as error:
            self.fail(0, str(error))

    def _is_asked(self, record: Prediction, scorer: Scorer) -> bool:
        """A version that is in production is no shadow of itself."""
        return (
            record.role in HEARD
            and record.model_name == scorer.name
            and record.model_version != scorer.version
            and is_sampled(record.prediction_id, self._settings.shadow_share)
        )

    def _score(self, scorer: Scorer, records: Sequence[Prediction]) -> list[Prediction]:
        """Read each row by the shadow's own contract: a column that the other lacks is missing."""
        raw = {name: [record.inputs.get(name) for record in records] for name in scorer.contract.columns}
        checked = check_table(scorer.contract, raw)
        if checked.rejected and self.state is not None:
            self._note(unreadable=self.state.unreadable + len(checked.rejected))
        if not len(checked.accepted):
            return []
        probabilities = scorer.score_columns(checked.columns)
        if not np.isfinite(probabilities).all():
            raise BundleError(f"version {scorer.version} gave a probability that is no number")
        rows = zip(
            checked.accepted.tolist(),
            _inputs(scorer, checked.columns),
            probabilities.tolist(),
            scorer.standings.of_columns(checked.columns, probabilities),
            strict=True,
        )
        return [
            _prediction(replace(records[row - 1], inputs=inputs), scorer, probability=probability, standing=standing)
            for row, inputs, probability, standing in rows
        ]

    def _note(self, **changes: object) -> None:
        if self.state is not None:
            self.state = self.state.model_copy(update=changes)


def _inputs(scorer: Scorer, columns: Columns) -> Iterator[dict[str, object]]:
    """Yield what was scored of each row: its record must replay, and production's contract may be another."""
    cells = json_inputs(scorer.contract, columns)
    values = [orjson.loads(b"[" + b",".join(each) + b"]") for each in cells.values()]
    return (dict(zip(cells, row, strict=True)) for row in zip(*values, strict=True))


def _prediction(heard: Prediction, scorer: Scorer, *, probability: float, standing: Standing) -> Prediction:
    decision = scorer.decide(probability)
    return Prediction(
        prediction_id=shadow_id(scorer.version, heard.prediction_id),
        customer_id=heard.customer_id,
        model_name=scorer.name,
        model_version=scorer.version,
        role=SHADOW,
        door=DOOR,
        inputs=heard.inputs,
        probability=probability,
        threshold=scorer.threshold,
        churn_prediction=decision.churn_prediction,
        risk_level=decision.risk_level,
        predicted_at=heard.predicted_at,
        segment=standing.segment,
        expected_loss=standing.expected_loss,
        expected_profit=standing.expected_profit,
        priority_score=standing.priority_score,
    )
