"""The table of a retraining: the newest training's own rows, and live customers whose outcome is known."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import orjson

from churn.contract.cells import text_of
from churn.contract.contract import Contract
from churn.contract.table import RawColumns
from churn.stores.labelled import LabelledPrediction
from pipelines.retraining.customers import CUSTOMER, PREDICTED_AT, with_live_rows

Row = tuple[str, ...]


@dataclass(frozen=True)
class RetrainTable:
    """Rows of texts, by their ids; a live customer's row has the id of its prediction.

    Attributes:
        contract: of this table: the base's, and who is whose row.
        names: of the columns.
        rows: by id, in the order of the ids.
        versions: which version made the predictions that are in the store, by id.
    """

    contract: Contract
    names: tuple[str, ...]
    rows: Mapping[str, Row]
    versions: Mapping[str, int]

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same rows and labels, wherever they come from and in whatever order: sha256."""
        found = hashlib.sha256(orjson.dumps(self.names))
        for row in self.rows.values():
            found.update(orjson.dumps(row))
        return found.hexdigest()

    def column(self, name: str) -> list[str]:
        """Return one column, of shape (rows,)."""
        place = self.names.index(name)
        return [row[place] for row in self.rows.values()]

    @property
    def groups(self) -> list[str]:
        """Whose rows they are."""
        return self.column(str(self.contract.validation.group))

    @property
    def left(self) -> list[bool]:
        """Who left."""
        target = self.contract.target
        return [text == target.positive for text in self.column(target.column)]

    @property
    def predicted_at(self) -> list[datetime | None]:
        """When live customers were predicted; None for rows that the company brought."""
        return [datetime.fromisoformat(text) if text else None for text in self.column(PREDICTED_AT)]

    def write(self, folder: Path) -> Path:
        """Write it as Parquet under its fingerprint's name; nobody sees half of it."""
        import pandas as pd  # noqa: PLC0415  slow, and the command line reaches this module

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.fingerprint[:16]}.parquet"
        frame = pd.DataFrame(list(self.rows.values()), columns=list(self.names), dtype=object)
        frame.to_parquet(partial := path.with_suffix(".part"), index=False)
        return partial.rename(path)


def assemble(contract: Contract, base: RawColumns, live: Sequence[LabelledPrediction]) -> RetrainTable:
    """Put live customers beside the rows of a table; one that is in it already is taken as the store knows it now.

    Rows of the table without an id, or with that of an earlier row, are left out, as ingest sets them aside.

    Raises:
        UsageError: the contract names no customers.
    """
    contract = with_live_rows(contract)
    names = _names(contract)
    rows = dict(_base_rows(contract, base, names))
    groups = _groups(contract, rows, names)
    rows |= {one.prediction.prediction_id: _live_row(contract, one, names, groups) for one in live}
    versions = {one.prediction.prediction_id: one.prediction.model_version for one in live}
    return RetrainTable(contract, names, dict(sorted(rows.items())), versions)


def _names(contract: Contract) -> tuple[str, ...]:
    """Every column once: what a contract uses, and nothing that it refuses or passes over."""
    validation = (contract.validation.group, contract.validation.time)
    wanted = (contract.customer_id, *contract.columns, contract.target.column, *validation, PREDICTED_AT)
    return tuple(dict.fromkeys(name for name in wanted if name is not None))


def _base_rows(contract: Contract, base: RawColumns, names: tuple[str, ...]) -> Iterator[tuple[str, Row]]:
    ids = [text_of(cell) for cell in base.get(str(contract.customer_id), ())]
    columns = {name: [text_of(cell) for cell in base[name]] if name in base else [""] * len(ids) for name in names}
    group = str(contract.validation.group)
    columns[group] = [text or own for text, own in zip(columns[group], ids, strict=True)]
    seen: set[str] = set()
    for row in zip(*columns.values(), strict=True):
        if (own := row[names.index(str(contract.customer_id))]) and own not in seen:
            seen.add(own)
            yield own, row


def _groups(contract: Contract, rows: Mapping[str, Row], names: tuple[str, ...]) -> dict[str, str]:
    """Return the groups of customers whom the table knows, such as their households; none when each is his own."""
    if contract.validation.group == CUSTOMER:
        return {}
    place = names.index(str(contract.validation.group))
    return {own: row[place] for own, row in rows.items()}


def _live_row(contract: Contract, one: LabelledPrediction, names: tuple[str, ...], groups: Mapping[str, str]) -> Row:
    found, target = one.prediction, contract.target
    stayed = target.negative if target.negative is not None else next(x for x in ("0", "1") if x != target.positive)
    cells = {name: text_of(found.inputs.get(name)) for name in contract.columns}
    cells |= {
        str(contract.customer_id): found.prediction_id,
        target.column: target.positive if one.churned else stayed,
        PREDICTED_AT: found.predicted_at,
        str(contract.validation.group): groups.get(found.customer_id, found.customer_id),
    }
    if contract.validation.time is not None:
        cells[contract.validation.time] = found.predicted_at
    return tuple(cells[name] for name in names)
