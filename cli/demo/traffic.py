"""Live traffic for the demo: customers of the table, at first as they are, then with a shift in them."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import numpy as np

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.table import Columns

CLIENTS = 8
DEARER = 1.35


@dataclass(frozen=True, slots=True)
class Sent:
    """What came back.

    Attributes:
        prediction_ids: of the answers with status 200.
        probabilities: of the same answers, in the order of the requests.
        refused: answers with another status, or none.
    """

    prediction_ids: tuple[str, ...]
    probabilities: tuple[float, ...]
    refused: int
    seconds: float


def customers(contract: Contract, columns: Columns, rows: int, *, seed: int) -> list[dict[str, object]]:
    """Draw rows as a client would send them."""
    drawn = np.random.default_rng(seed).integers(0, len(next(iter(columns.values()))), rows)
    return [
        {
            name: _as_sent(contract.columns[name], values[row])
            for name, values in columns.items()
            if not _is_missing(values[row])
        }
        for row in drawn
    ]


def with_shift(contract: Contract, rows: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """Move a population: amounts grow by a third, whole numbers fall to a third (newer customers), a category narrows.

    Every model has to see it: one that looks at other columns, or is flat beyond what it knows, as well.
    """
    favourite = next((name for name in contract.category_columns if name in contract.required_columns), None)
    moved = []
    for position, row in enumerate(rows):
        changed = {name: _moved(contract.columns[name], value) for name, value in row.items()}
        if favourite and position % 4:
            changed[favourite] = contract.columns[favourite].categories[0]
        moved.append(changed)
    return moved


def send(rows: Sequence[Mapping[str, object]], doors: Sequence[str]) -> Sent:
    """Send each row to one of the doors in turn, with several clients at once."""
    start = time.monotonic()
    with httpx.Client(timeout=10, limits=httpx.Limits(max_connections=CLIENTS)) as client:

        def post(position: int) -> dict[str, object] | None:
            answer = client.post(f"{doors[position % len(doors)]}/predict", json=rows[position])
            return answer.json() if answer.status_code == httpx.codes.OK else None

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(post, range(len(rows))))
    good = [answer for answer in answers if answer is not None]
    return Sent(
        prediction_ids=tuple(str(answer["prediction_id"]) for answer in good),
        probabilities=tuple(float(str(answer["churn_probability"])) for answer in good),
        refused=len(answers) - len(good),
        seconds=time.monotonic() - start,
    )


def _is_missing(value: object) -> bool:
    return value == "" or (not isinstance(value, str) and bool(np.isnan(np.float64(str(value)))))


def _as_sent(column: Column, value: object) -> object:
    match column.type:
        case "category":
            return str(value)
        case "boolean":
            return bool(value)
        case "integer":
            return int(float(str(value)))
        case "number":
            return round(float(str(value)), 4)


def _moved(column: Column, value: object) -> object:
    if column.type == "integer" and isinstance(value, int | float):
        fallen = value // 3
        return fallen if column.minimum is None or fallen >= column.minimum else value
    if column.type != "number" or not isinstance(value, float):
        return value
    grown = round(value * DEARER, 4)
    return grown if column.maximum is None or grown <= column.maximum else value
