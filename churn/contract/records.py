"""The check of JSON records: what POST /predict would say of each, said of thousands at once.

A column at a time it is seen which values are plainly good. The few records with any other value are read one by one by
the request form itself, so that a record means the same alone and among others.
"""

import json
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
from pydantic import ValidationError

from churn.contract.contract import Contract
from churn.contract.plain_values import PlainColumn, plain_column, plain_ids
from churn.contract.request import CUSTOMER_ID_FIELD, MISSING_TEXT, CustomerRequest, RequestForm
from churn.contract.table import CheckedTable, RejectedRow

Record = dict[str, object]
Shape = tuple[str, ...]
"""The names of one record, in the order that they were sent."""

Say = Callable[[ValidationError], Sequence[str]]
"""Says what is wrong with a record, naming fields and never values."""

NO_OBJECT = "not a JSON object"
TOO_DEEP = "a value is nested too deeply"


class RecordCheck:
    """Holds records against one contract."""

    def __init__(self, contract: Contract, form: RequestForm, say: Say) -> None:
        self._contract, self._form, self._say = contract, form, say
        self._id_names = tuple(dict.fromkeys([contract.customer_id or CUSTOMER_ID_FIELD, CUSTOMER_ID_FIELD]))
        self._known = frozenset([*contract.columns, *self._id_names])

    def check(self, records: Sequence[object], *, first_row: int = 1) -> CheckedTable:
        """Hold every record against the form.

        Args:
            records: as a JSON reader gives them; what is no dictionary is rejected.
            first_row: number of the first record.

        Returns:
            As `check_table` does; a customer id that was not sent is None, and values are counted in accepted rows.
        """
        columns, is_plain = self._columns(records)
        rejected = []
        for place in np.flatnonzero(~is_plain).tolist():
            found = self._read(records[place])
            if isinstance(found, CustomerRequest):
                self._put(found, columns, place)
                is_plain[place] = True
            else:
                rejected.append(RejectedRow(place + first_row, found))
        return self._accepted(columns, is_plain, tuple(rejected), first_row)

    def _columns(self, records: Sequence[object]) -> tuple[dict[str, PlainColumn], np.ndarray]:
        """Return each column's plain values, the ids as "", and which records have nothing else."""
        objects = [record if type(record) is dict else {} for record in records]
        shapes = list(map(tuple, objects))
        cells = _cells_of(objects, shapes, self._known)
        nothing: list[object] = [None] * len(objects)
        marks = frozenset(self._contract.missing_marks)
        columns = {
            name: plain_column(column, cells.get(name, nothing), marks)
            for name, column in self._contract.columns.items()
        }
        columns[""] = plain_ids(_either(*(cells.get(name) for name in self._id_names)) or nothing)
        is_plain = np.logical_and.reduce([each.is_plain for each in columns.values()])
        return columns, is_plain & self._has_known_fields(shapes)

    def _has_known_fields(self, shapes: Sequence[Shape]) -> np.ndarray:
        fits = {shape: self._fits(shape) for shape in set(shapes)}
        if all(fits.values()):
            return np.ones(len(shapes), bool)
        return np.fromiter((fits[shape] for shape in shapes), bool, len(shapes))

    def _fits(self, shape: Shape) -> bool:
        """False also for an object with both names of the customer's id."""
        return self._known.issuperset(shape) and not (len(self._id_names) == 2 and set(self._id_names) <= set(shape))

    def _read(self, record: object) -> CustomerRequest | tuple[str, ...]:
        if type(record) is not dict:
            return (NO_OBJECT,)
        try:
            return self._form.read(json.dumps(record).encode())  # writes Infinity, which the form refuses by its name
        except ValidationError as error:
            return tuple(self._say(error))
        except RecursionError:
            return (TOO_DEEP,)

    def _put(self, customer: CustomerRequest, columns: dict[str, PlainColumn], place: int) -> None:
        for name, value in customer.row.items():
            columns[name].values[place] = value
        columns[""].values[place] = customer.customer_id

    def _accepted(
        self, columns: dict[str, PlainColumn], is_good: np.ndarray, rejected: tuple[RejectedRow, ...], first_row: int
    ) -> CheckedTable:
        taken: slice | np.ndarray = is_good if rejected else slice(None)
        values = {name: columns[name].values[taken] for name in self._contract.columns}
        ids = columns[""].values[taken]
        return CheckedTable(
            columns=values,
            customer_ids=ids,
            accepted=np.flatnonzero(is_good) + first_row,
            rejected=rejected,
            missing={name: _missing(each) for name, each in values.items()},
            unknown={name: self._unknown(name, each) for name, each in values.items()},
        )

    def _unknown(self, name: str, values: np.ndarray) -> int:
        column = self._contract.columns[name]
        if not column.accept_unknown:
            return 0
        known = {MISSING_TEXT, *column.categories}
        return sum(value not in known for value in values.tolist())


def _missing(values: np.ndarray) -> int:
    return int((values == MISSING_TEXT).sum() if values.dtype == object else np.isnan(values).sum())


def _cells_of(
    objects: Sequence[Record], shapes: Sequence[Shape], wanted: frozenset[str]
) -> dict[str, Sequence[object]]:
    """Return a cell per object for each wanted name that occurs; None where it is absent."""
    if len(set(shapes)) == 1:
        columns = zip(*map(dict.values, objects), strict=True)
        return {name: cells for name, cells in zip(shapes[0], columns, strict=False) if name in wanted}
    names = wanted.intersection(chain.from_iterable(objects))
    return {name: [each.get(name) for each in objects] for name in names}


def _either(cells: Sequence[object] | None, others: Sequence[object] | None = None) -> Sequence[object] | None:
    if cells is None or others is None:
        return others if cells is None else cells
    return [other if cell is None else cell for cell, other in zip(cells, others, strict=True)]
