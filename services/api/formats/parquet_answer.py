"""The answer as a Parquet file: row groups as they fill up, the footer last, so that a broken one is no file."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from churn.contract.column import Column
from churn.contract.contract import Contract
from churn.contract.request import CUSTOMER_ID_FIELD
from services.api.batch_scoring import ScoredRows
from services.api.formats.answers import INPUT_ROW, REJECTED_BECAUSE, Totals, table_names, words_of

GROUP_ROWS = 20_000
LARGEST_WHOLE = 2.0**53
FLOATS = ("churn_probability", "expected_profit", "expected_loss", "priority_score")


class ParquetAnswer:
    """A Parquet file; a row that was set aside has its number and the reasons, and nothing else."""

    def __init__(self, contract: Contract, *, is_explained: bool) -> None:
        from pyarrow import schema  # noqa: PLC0415  who wants JSON does not need it
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415

        self._contract = contract
        self._id = contract.customer_id or CUSTOMER_ID_FIELD
        names = table_names(contract, is_explained=is_explained)
        self._schema = schema([(name, _type_of(name, contract)) for name in names])
        self._sink = _Sink()
        self._writer = ParquetWriter(self._sink, self._schema, compression="zstd")
        self._waiting: list[Any] = []

    def rows(self, scored: ScoredRows) -> bytes:
        """Keep a chunk; returns a row group's bytes when it is full."""
        self._waiting.append(self._table(scored))
        if sum(each.num_rows for each in self._waiting) >= GROUP_ROWS:
            self._write()
        return self._sink.taken()

    def end(self, totals: Totals) -> bytes:
        """Return the last rows and the footer."""
        del totals
        self._write()
        self._writer.close()
        return self._sink.taken()

    def broken(self, detail: str) -> bytes:
        """Say nothing: without its footer it is no file."""
        del detail
        return b""

    def _write(self) -> None:
        from pyarrow import concat_tables  # noqa: PLC0415

        if self._waiting:
            self._writer.write_table(concat_tables(self._waiting), row_group_size=2 * GROUP_ROWS)
            self._waiting = []

    def _table(self, scored: ScoredRows) -> Any:
        from pyarrow import Table, array, concat_tables  # noqa: PLC0415

        values = self._values(scored)
        arrays = [
            array(values[field.name], field.type, from_pandas=True) if field.name in values else _nothing(field, scored)
            for field in self._schema
        ]
        table = Table.from_arrays(arrays, schema=self._schema)
        if not scored.rejected:
            return table
        return concat_tables([table, self._set_aside(scored)]).sort_by(INPUT_ROW)

    def _values(self, scored: ScoredRows) -> Mapping[str, Sequence[object]]:
        inputs = {name: _values(each, self._schema.field(name).type) for name, each in scored.table.columns.items()}
        own: dict[str, Sequence[object]] = {INPUT_ROW: scored.table.accepted.tolist(), self._id: scored.customer_ids}
        return {**own, **inputs, **scored.predicted, **words_of(scored)}

    def _set_aside(self, scored: ScoredRows) -> Any:
        from pyarrow import Table  # noqa: PLC0415

        rows = [{INPUT_ROW: each.row, REJECTED_BECAUSE: "; ".join(each.reasons)} for each in scored.rejected]
        return Table.from_pylist(rows, schema=self._schema)


class _Sink(io.RawIOBase):
    """A file that is taken away as it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._size += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        """Return what was written since this was last asked."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _type_of(name: str, contract: Contract) -> Any:
    from pyarrow import float64, int64, string  # noqa: PLC0415

    column = contract.columns.get(name)
    if name in (INPUT_ROW, "churn_prediction") or (column is not None and _is_whole(column)):
        return int64()
    is_float = name in FLOATS or (column is not None and column.is_numeric)
    return float64() if is_float else string()


def _is_whole(column: Column) -> bool:
    """True when every value fits into an int64."""
    if column.type == "integer":
        bounds = (column.minimum, column.maximum)
        return all(bound is not None and abs(bound) < LARGEST_WHOLE for bound in bounds)
    return column.type == "boolean"


def _nothing(field: Any, scored: ScoredRows) -> Any:
    from pyarrow import nulls  # noqa: PLC0415

    return nulls(scored.rows, field.type)


def _values(values: np.ndarray, kind: Any) -> Sequence[object]:
    """Return a graph-ready column as it was sent: float32 by its shortest text, missing as None."""
    from pyarrow import types  # noqa: PLC0415

    if values.dtype == object:
        return [text or None for text in values.tolist()]
    if types.is_integer(kind):
        return [None if value != value else int(value) for value in values.tolist()]  # noqa: PLR0124  NaN
    return [None if text == "nan" else float(text) for text in values.astype(str).tolist()]
