"""Scoring of batches: a checked chunk becomes scored rows, counted and recorded at once."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import repeat

import numpy as np
import orjson

from churn.contract.table import CheckedTable, RejectedRow
from churn.scoring.explanation import Explanation
from churn.scoring.prediction import utc_now
from churn.scoring.scorer import RiskLevel
from churn.scoring.standing import Standing
from services import telemetry
from services.api.batch_parts import Part, order_of, set_aside
from services.api.formats.cells import Cells, joined, json_cells, json_inputs, members
from services.api.formats.reading import CheckedChunk
from services.api.predict import LONGEST_CUSTOMER_ID, why_of
from services.api.recording import row_prediction_id
from services.served import Canary, Served
from services.worker import Worker

PLACE = tuple(field.name for field in fields(Standing))
RECORDED = ("prediction_id", "customer_id", "churn_prediction", "risk_level", *PLACE)


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Rows of one chunk, in the order of their numbers.

    Attributes:
        table: the accepted rows' graph-ready columns, and their numbers.
        customer_ids: as sent, or generated.
        inputs: per row its input columns as members of a JSON object, `"tenure":12,…`.
        predicted: values by name of what is answered for each row, besides the inputs.
        cells: the same and the customer_id as JSON.
        whys: per row what to do, and why; None when nobody asked.
        rejected: rows that were set aside.
        recorded: how many of the rows are in the spool.
    """

    table: CheckedTable
    customer_ids: Sequence[str]
    inputs: Sequence[bytes]
    predicted: Mapping[str, Sequence[object]]
    cells: Mapping[str, Sequence[bytes]]
    whys: Sequence[Mapping[str, object]] | None
    rejected: Sequence[RejectedRow]
    recorded: int

    @property
    def rows(self) -> int:
        """Number of accepted rows."""
        return len(self.customer_ids)

    @property
    def at_risk(self) -> int:
        """Number of rows whose prediction is 1."""
        return sum(self.predicted["churn_prediction"])  # type: ignore[arg-type]


class BatchScoring:
    """Scores chunks with production, and with the canary the rows of its customers."""

    def __init__(self, worker: Worker, served: Served, *, key: str | None, is_explained: bool) -> None:
        self._worker, self._served = worker, served
        self._key = key
        self._is_explained = is_explained

    def score(self, chunk: CheckedChunk) -> ScoredRows:
        """Score, count and record the accepted rows of one chunk; one without a probability is set aside."""
        table = chunk.table
        self._count(chunk)
        ids = self._prediction_ids(table.accepted)
        canary = self._served.canary
        parts = [] if canary is None else self._canarys(canary, table, ids)
        rest = np.setdiff1d(np.arange(len(ids)), parts[0].places) if parts else np.arange(len(ids))
        if len(rest) or not parts:
            parts.append(self._productions(table, rest, ids))
        return self._joined(parts, chunk)

    def _canarys(self, canary: Canary, table: CheckedTable, ids: Sequence[str]) -> list[Part]:
        """Return the rows that the canary answers, if any; whatever it fails of, production is to answer the others."""
        mine = np.flatnonzero(canary.rows_of(table))
        if not len(mine):
            return []
        try:
            read, places = canary.read_table(table.taken(mine))
            part = self._part(canary.served, read, mine[places], ids)
        except Exception as error:  # noqa: BLE001  no customer may ever see what a canary does wrong
            canary.fall_back(len(mine), type(error).__name__)
            return []
        if lost := len(mine) - len(part.places):
            canary.fall_back(lost, "no probability, or not its contract")
        return [part] if len(part.places) else []

    def _productions(self, table: CheckedTable, places: np.ndarray, ids: Sequence[str]) -> Part:
        is_whole = len(places) == len(ids)
        part = self._part(self._served, table if is_whole else table.taken(places), places, ids)
        if lost := len(places) - len(part.places):
            self._served.meters.fail(lost)
        return part

    def _part(self, served: Served, table: CheckedTable, places: np.ndarray, ids: Sequence[str]) -> Part:
        """Compute what one version answers, without the rows for which it gives no probability."""
        scorer = served.scorer
        probabilities = scorer.score_columns(table.columns)
        is_sound = (probabilities >= 0) & (probabilities <= 1)
        if not is_sound.all():
            table, places, probabilities = table.taken(is_sound), places[is_sound], probabilities[is_sound]
        predictions, levels = scorer.decide_all(probabilities)
        own = [ids[place] for place in places.tolist()]
        predicted: dict[str, Sequence[object]] = {
            "churn_probability": probabilities.tolist(),
            "churn_prediction": predictions.tolist(),
            "risk_level": levels.tolist(),
            "prediction_id": own,
            "model_version": [str(scorer.version)] * len(own),
            **scorer.standings.lists_of(table.columns, probabilities),
        }
        customer_ids = _customer_ids(table, own)
        cells = {name: json_cells(values) for name, values in {"customer_id": customer_ids, **predicted}.items()}
        whys = self._whys(served, table, probabilities) if self._is_explained else None
        return Part(served, places, table, customer_ids, probabilities, predicted, cells, whys)

    def _joined(self, parts: Sequence[Part], chunk: CheckedChunk) -> ScoredRows:
        """Record the parts, and put them together in the order of the rows."""
        inputs = [joined(members(json_inputs(part.served.scorer.contract, part.table.columns))) for part in parts]
        recorded = sum(self._record(part, lines) for part, lines in zip(parts, inputs, strict=True))
        scorer, order = self._served.scorer, order_of(parts)
        table, rejected = set_aside(chunk, parts, f"version {scorer.version} gives no probability for it")
        return ScoredRows(
            table=table,
            customer_ids=order([part.customer_ids for part in parts]),
            inputs=inputs[0] if len(parts) == 1 else joined(members(json_inputs(scorer.contract, table.columns))),
            predicted={name: order([part.predicted[name] for part in parts]) for name in parts[0].predicted},
            cells={name: order([part.cells[name] for part in parts]) for name in parts[0].cells},
            whys=order([part.whys or [] for part in parts]) if self._is_explained else None,
            rejected=rejected,
            recorded=recorded,
        )

    def _record(self, part: Part, inputs: Sequence[bytes]) -> int:
        """Spool and count a part; return how many of its rows are on disk."""
        levels: Sequence[RiskLevel] = part.predicted["risk_level"]  # type: ignore[assignment]
        part.served.meters.count_all(part.probabilities, levels)
        return self._worker.spool.extend(self._lines(part, inputs))

    def _count(self, chunk: CheckedChunk) -> None:
        telemetry.REJECTED.labels(self._worker.door).inc(len(chunk.rejected))
        for column, times in chunk.table.missing.items():
            if times:
                telemetry.count_missing(column, times)
        for column, times in chunk.table.unknown.items():
            if times:
                telemetry.count_unknown(column, times)

    def _whys(self, served: Served, table: CheckedTable, probabilities: np.ndarray) -> list[dict[str, object]]:
        scorer, names = served.scorer, list(table.columns)
        found: Iterable[Explanation | None] = repeat(None)
        if scorer.explainer is not None:
            found = scorer.explain_columns(table.columns)
        rows = zip(*table.columns.values(), strict=True)
        whys = [
            why_of(served, dict(zip(names, row, strict=True)), (probability, explanation), is_whole=True)
            for row, probability, explanation in zip(rows, probabilities.tolist(), found, strict=False)
        ]
        return [{name: part for name, part in why.items() if name != "explanation_note"} for why in whys]

    def _prediction_ids(self, numbers: np.ndarray) -> list[str]:
        """Return an id per row; made of the client's key and the row's number, if there is a key."""
        if self._key is None:
            return new_prediction_ids(len(numbers))
        key = self._key
        return [row_prediction_id(key, row) for row in numbers.tolist()]

    def _lines(self, part: Part, inputs: Sequence[bytes]) -> list[bytes]:
        """Render the records of a part, each as Prediction.to_json would."""
        scorer, cells = part.served.scorer, part.cells
        of_all = {
            "model_name": scorer.name,
            "model_version": scorer.version,
            "role": part.served.role,
            "door": self._worker.door,
            "threshold": scorer.threshold,
            "predicted_at": utc_now(),
        }
        record: dict[str, Cells] = {
            **{name: orjson.dumps(value) for name, value in of_all.items()},
            "probability": cells["churn_probability"],
            **{name: cells[name] for name in RECORDED},
        }
        return joined([b"{", *members(record), b',"inputs":{', inputs, b"}}"])


def new_prediction_ids(count: int) -> list[str]:
    """Return UUIDs of version 7 as 32 hexadecimal digits, like `new_prediction_id` makes one."""
    raw = np.frombuffer(os.urandom(16 * count), np.uint8).reshape(count, 16).copy()
    raw[:, :6] = np.frombuffer((time.time_ns() // 1_000_000).to_bytes(6), np.uint8)
    raw[:, 6] = 0x70 | raw[:, 6] & 0x0F
    raw[:, 8] = 0x80 | raw[:, 8] & 0x3F
    text = raw.tobytes().hex()
    return [text[begin : begin + 32] for begin in range(0, len(text), 32)]


def _customer_ids(table: CheckedTable, prediction_ids: Sequence[str]) -> list[str]:
    sent: list[str | None]
    sent = [None] * len(prediction_ids) if table.customer_ids is None else table.customer_ids.tolist()
    return [one or f"generated-{own}"[:LONGEST_CUSTOMER_ID] for one, own in zip(sent, prediction_ids, strict=True)]
