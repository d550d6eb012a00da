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
from churn.scoring.standing import Standing
from services import telemetry
from services.api.formats.cells import Cells, joined, json_cells, json_inputs, members
from services.api.formats.reading import CheckedChunk
from services.api.predict import LONGEST_CUSTOMER_ID, why_of
from services.api.recording import row_prediction_id
from services.live import Served
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
    """Scores chunks with one version."""

    def __init__(self, worker: Worker, served: Served, *, key: str | None, is_explained: bool) -> None:
        self._worker, self._served = worker, served
        self._key = key
        self._is_explained = is_explained

    def score(self, chunk: CheckedChunk) -> ScoredRows:
        """Score, count and record the accepted rows of one chunk."""
        table, scorer = chunk.table, self._served.scorer
        self._count(chunk)
        probabilities = scorer.score_columns(table.columns)
        predictions, levels = scorer.decide_all(probabilities)
        ids = self._prediction_ids(table.accepted)
        predicted: dict[str, Sequence[object]] = {
            "churn_probability": probabilities.tolist(),
            "churn_prediction": predictions.tolist(),
            "risk_level": levels.tolist(),
            "prediction_id": ids,
            **scorer.standings.lists_of(table.columns, probabilities),
        }
        customer_ids = _customer_ids(table, ids)
        cells = {name: json_cells(values) for name, values in {"customer_id": customer_ids, **predicted}.items()}
        inputs = joined(members(json_inputs(scorer.contract, table.columns)))
        recorded = self._worker.spool.extend(self._lines(cells, inputs))
        self._served.meters.count_all(probabilities, levels.tolist())
        whys = self._whys(table, probabilities) if self._is_explained else None
        return ScoredRows(table, customer_ids, inputs, predicted, cells, whys, chunk.rejected, recorded)

    def _count(self, chunk: CheckedChunk) -> None:
        telemetry.REJECTED.labels(self._worker.door).inc(len(chunk.rejected))
        for column, times in chunk.table.missing.items():
            if times:
                telemetry.count_missing(column, times)
        for column, times in chunk.table.unknown.items():
            if times:
                telemetry.count_unknown(column, times)

    def _whys(self, table: CheckedTable, probabilities: np.ndarray) -> list[dict[str, object]]:
        scorer, names = self._served.scorer, list(table.columns)
        found: Iterable[Explanation | None] = repeat(None)
        if scorer.explainer is not None:
            found = scorer.explain_columns(table.columns)
        rows = zip(*table.columns.values(), strict=True)
        whys = [
            why_of(self._served, dict(zip(names, row, strict=True)), (probability, explanation), is_whole=True)
            for row, probability, explanation in zip(rows, probabilities.tolist(), found, strict=False)
        ]
        return [{name: part for name, part in why.items() if name != "explanation_note"} for why in whys]

    def _prediction_ids(self, numbers: np.ndarray) -> list[str]:
        """Return an id per row; made of the client's key and the row's number, if there is a key."""
        if self._key is None:
            return new_prediction_ids(len(numbers))
        key = self._key
        return [row_prediction_id(key, row) for row in numbers.tolist()]

    def _lines(self, cells: Mapping[str, Sequence[bytes]], inputs: Sequence[bytes]) -> list[bytes]:
        """Render the records of a chunk, each as Prediction.to_json would."""
        scorer = self._served.scorer
        of_all = {
            "model_name": scorer.name,
            "model_version": scorer.version,
            "role": "production",
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
