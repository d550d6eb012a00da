"""Answers: scored rows as JSON, NDJSON, CSV or Parquet, a chunk at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from churn.contract.contract import Contract
from churn.contract.request import CUSTOMER_ID_FIELD
from services.api.batch_scoring import PLACE, ScoredRows
from services.api.formats.cells import (
    Cells,
    csv_cells,
    csv_inputs,
    csv_text,
    joined,
    json_cells,
    members,
    with_commas,
)

INPUT_ROW = "input_row"
"""Number of a row in what was sent: 1 is the first after the header."""

REJECTED_BECAUSE = "rejected_because"
"""Last column of CSV and Parquet: why a row was set aside; empty in scored rows."""

PREDICTED = ("churn_probability", "churn_prediction", "risk_level", "prediction_id", "model_version", *PLACE)
WORDS = ("reason_1", "reason_2", "reason_3", "recommendation_1", "recommendation_2", "recommendation_3")
"""Columns of CSV and Parquet for who asks for reasons."""


@dataclass(slots=True)
class Totals:
    """What a batch came to.

    Attributes:
        facts: what is known before the first row: version, threshold, door …
    """

    facts: Mapping[str, object]
    scored: int = 0
    rejected: int = 0
    at_risk: int = 0
    recorded: int = 0

    def add(self, scored: ScoredRows) -> None:
        """Count a chunk."""
        self.scored += scored.rows
        self.rejected += len(scored.rejected)
        self.at_risk += scored.at_risk
        self.recorded += scored.recorded

    def to_dict(self) -> dict[str, object]:
        """Return them as an answer names them."""
        return {
            "total_customers": self.scored + self.rejected,
            "churn_risk_count": self.at_risk,
            "recorded": self.recorded,
            **self.facts,
        }


class Answer(Protocol):
    """An answer in one format; used once."""

    def rows(self, scored: ScoredRows) -> bytes:
        """Return the part of the answer that a chunk makes."""

    def end(self, totals: Totals) -> bytes:
        """Return the last part."""

    def broken(self, detail: str) -> bytes:
        """Return what is said when the table breaks off after the answer has begun."""


class JsonAnswer:
    """One JSON object, with the rows under one of its names."""

    def __init__(self, contract: Contract, rows_name: str) -> None:
        self._id = contract.customer_id or CUSTOMER_ID_FIELD
        self._rows_name = rows_name
        self._parts: list[bytes] = []
        self._rejected: list[dict[str, object]] = []

    def rows(self, scored: ScoredRows) -> bytes:
        """Keep a chunk: the totals come first."""
        self._parts += json_rows(self._id, scored)
        self._rejected += [{"row": each.row, "reasons": each.reasons} for each in scored.rejected]
        return b""

    def end(self, totals: Totals) -> bytes:
        """Return the whole answer."""
        facts = orjson.dumps({**totals.to_dict(), "rejected": self._rejected})
        rows = orjson.dumps(self._rows_name)
        return b"%b,%b:[%b]}" % (facts[:-1], rows, b",".join(self._parts))

    def broken(self, detail: str) -> bytes:
        """Say nothing: an answer that has not begun is a problem."""
        del detail
        return b""


class NdjsonAnswer:
    """A JSON object a line: rows in their order, set-aside ones too, and last the summary."""

    def __init__(self, contract: Contract) -> None:
        self._id = contract.customer_id or CUSTOMER_ID_FIELD

    def rows(self, scored: ScoredRows) -> bytes:
        """Return a line per row."""
        set_aside = [
            orjson.dumps({"row": each.row, "rejected": True, "reasons": each.reasons}) for each in scored.rejected
        ]
        return b"".join(line + b"\n" for line in in_order(scored, json_rows(self._id, scored), set_aside))

    def end(self, totals: Totals) -> bytes:
        """Return the line of totals."""
        return orjson.dumps({"summary": {**totals.to_dict(), "rejected": totals.rejected}}) + b"\n"

    def broken(self, detail: str) -> bytes:
        """Return a line that says so; no summary follows."""
        return orjson.dumps({"error": detail}) + b"\n"


class CsvAnswer:
    """A CSV with a header; a row that was set aside has its number and the reasons, and nothing else."""

    def __init__(self, contract: Contract, *, is_explained: bool) -> None:
        self._contract = contract
        names = table_names(contract, is_explained=is_explained)
        self._empty = b"," * (len(names) - 1)
        self._begin = b",".join(map(csv_text, names)) + b"\r\n"

    def rows(self, scored: ScoredRows) -> bytes:
        """Return a line per row, the header before the first."""
        begin, self._begin = self._begin, b""
        set_aside = [
            b"%d%b%b\r\n" % (each.row, self._empty, csv_text("; ".join(each.reasons))) for each in scored.rejected
        ]
        return begin + b"".join(in_order(scored, self._lines(scored), set_aside))

    def _lines(self, scored: ScoredRows) -> list[bytes]:
        columns: list[Cells] = [json_cells(scored.table.accepted), csv_cells(scored.customer_ids)]
        columns += csv_inputs(self._contract, scored.table.columns).values()
        columns += [
            scored.cells[name] if name == "prediction_id" else csv_cells(values)  # digits in quotes are a cell, too
            for name, values in scored.predicted.items()
        ]
        columns += [csv_cells(values) for values in words_of(scored).values()]
        return with_commas([*columns, b""])

    def end(self, totals: Totals) -> bytes:
        """Add nothing; the totals of a CSV can be counted."""
        del totals
        return self._begin

    def broken(self, detail: str) -> bytes:
        """Say nothing: the connection breaks."""
        del detail
        return b""


def table_names(contract: Contract, *, is_explained: bool) -> list[str]:
    """Return the columns of an answer that is a table."""
    words = WORDS if is_explained else ()
    own = contract.customer_id or CUSTOMER_ID_FIELD
    return [INPUT_ROW, own, *contract.columns, *PREDICTED, *words, REJECTED_BECAUSE]


def json_rows(id_name: str, scored: ScoredRows) -> list[bytes]:
    """Return a JSON object per scored row."""
    head = members({INPUT_ROW: json_cells(scored.table.accepted), id_name: scored.cells["customer_id"]})
    tail = members({name: scored.cells[name] for name in scored.predicted})
    parts: list[Cells] = [b"{", *head, b",", scored.inputs, b",", *tail]
    if scored.whys is not None:
        parts += [b",", [orjson.dumps(why)[1:-1] for why in scored.whys]]
    return joined([*parts, b"}"])


def in_order(scored: ScoredRows, lines: Sequence[bytes], set_aside: Sequence[bytes]) -> Iterator[bytes]:
    """Yield lines of scored and of set-aside rows in the order of the rows."""
    if not set_aside:
        yield from lines
        return
    numbers = [*scored.table.accepted.tolist(), *(each.row for each in scored.rejected)]
    yield from (line for _, line in sorted(zip(numbers, [*lines, *set_aside], strict=True)))


def words_of(scored: ScoredRows) -> dict[str, list[str | None]]:
    """Return reasons and recommendations as columns; none when nobody asked."""
    if scored.whys is None:
        return {}
    rows = [_words(why) for why in scored.whys]
    return {name: [row[place] for row in rows] for place, name in enumerate(WORDS)}


def _words(why: Mapping[str, object]) -> list[str | None]:
    explanation = why["explanation"]
    reasons = [each.words for each in explanation.top_reasons] if explanation else []  # type: ignore[attr-defined]
    recommendations = list(why["recommendations"])  # type: ignore[call-overload]
    return [*(reasons + [None] * 3)[:3], *(recommendations + [None] * 3)[:3]]
