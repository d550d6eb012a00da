"""Parts of a batch's chunk: the rows of each version that answers, and how they come together again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from churn.contract.table import CheckedTable, RejectedRow
from services.api.formats.reading import CheckedChunk
from services.served import Served


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a chunk that one version answers, in their order.

    Attributes:
        served: the version.
        places: of the rows in the chunk's table, int64 of shape (rows,).
        table: the rows, as the version's contract reads them.
        customer_ids: as sent, or generated.
        probabilities: float64 of shape (rows,).
        predicted: values by name of what is answered for each row, besides the inputs.
        cells: the same and the customer_id as JSON.
        whys: per row what to do, and why; None when nobody asked.
    """

    served: Served
    places: np.ndarray
    table: CheckedTable
    customer_ids: Sequence[str]
    probabilities: np.ndarray
    predicted: Mapping[str, Sequence[object]]
    cells: Mapping[str, Sequence[bytes]]
    whys: Sequence[Mapping[str, object]] | None


def order_of(parts: Sequence[Part]) -> Callable[[Sequence[Sequence[Any]]], Sequence[Any]]:
    """Return what puts values of several parts in the order of the rows."""
    if len(parts) == 1:
        return lambda values: values[0]
    places = np.argsort(np.concatenate([part.places for part in parts])).tolist()

    def order(values: Sequence[Sequence[Any]]) -> Sequence[Any]:
        found = list(chain.from_iterable(values))
        return [found[place] for place in places]

    return order


def set_aside(chunk: CheckedChunk, parts: Sequence[Part], reason: str) -> tuple[CheckedTable, Sequence[RejectedRow]]:
    """Return the rows that a version answered, and those that were set aside, with the others for a reason."""
    table = chunk.table
    if sum(len(part.places) for part in parts) == len(table.accepted):
        return table, chunk.rejected
    answered = np.sort(np.concatenate([part.places for part in parts]))
    left = np.setdiff1d(np.arange(len(table.accepted)), answered)
    rejected = [*chunk.rejected, *(RejectedRow(row, (reason,)) for row in table.accepted[left].tolist())]
    return table.taken(answered), sorted(rejected, key=lambda each: each.row)
