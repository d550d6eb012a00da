"""Ingest: take a customer table, keep it as it came, and split the rows that fit the contract from those that don't.

Reads:  a CSV, Parquet or XLSX file, and the contract.
Writes: the raw file unchanged (time and sha256 in its name), accepted rows, rejected rows with reasons, quality report.
"""

import csv
import hashlib
import json
import logging
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from churn.contract.contract import Contract
from churn.contract.reading import dump_contract
from churn.contract.table import CheckedTable, Columns, RejectedRow, check_table, check_target, check_validation
from churn.data.files import TableFile, read_table
from churn.data.quality import Quality, assess
from churn.errors import TableError
from pipelines.label import labelled
from pipelines.settings import PipelineSettings

log = logging.getLogger(__name__)

ID, LABEL = "customer_id", "\x1flabel"
"""Columns of ours beside the customer's: the first is reserved, the second has a letter that no contract's name has."""

MINIMUM_ROWS = 100
MINIMUM_PER_CLASS = 20


@dataclass(frozen=True, slots=True)
class Customers:
    """The accepted rows of one table.

    Attributes:
        columns: graph-ready columns, each of shape (rows,).
        labels: 1 for customers who left, int8 of shape (rows,).
        ids: customer ids, str objects of shape (rows,).
        sha256: of the raw file.
        groups: rows of the same group belong together, str objects of shape (rows,); None: each is its own.
        times: datetime64[s] of shape (rows,); None: there is no order in time.
        values: what each customer is worth, in the currency of the contract's economics; None until it is known.
    """

    columns: Columns
    labels: np.ndarray
    ids: np.ndarray
    sha256: str
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    values: np.ndarray | None = None

    def only(self, chosen: np.ndarray) -> "Customers":
        """Return some of the rows, by a mask or by their numbers."""
        return replace(
            self,
            columns={name: values[chosen] for name, values in self.columns.items()},
            labels=self.labels[chosen],
            ids=self.ids[chosen],
            groups=None if self.groups is None else self.groups[chosen],
            times=None if self.times is None else self.times[chosen],
            values=None if self.values is None else self.values[chosen],
        )


@dataclass(frozen=True, slots=True)
class Ingested:
    """What ingest left on disk, and what it found."""

    customers: Customers
    raw: Path
    accepted: Path
    rejected: Path
    report: Path
    quality: Quality


def ingest(data: Path, contract: Contract, settings: PipelineSettings) -> Ingested:
    """Ingest one table; a contract with a proxy target may bring the log that its labels are made from.

    Raises:
        TableError: the table can't be used; nothing but the raw copy is kept then.
    """
    data = labelled(contract, data, settings)
    table = read_table(data)
    sha256 = hashlib.sha256(data.read_bytes()).hexdigest()
    folder = settings.data_folder / contract.name
    raw = _keep_raw(data, folder, sha256)
    groups, times = check_validation(contract, table.columns)
    checked, labels = _split(contract, table, times)
    _require_enough(checked, labels, data)
    quality = _assess(contract, table, checked, labels)
    customers = _customers(contract, checked, labels, groups=groups, times=times, sha256=sha256)
    name = f"{sha256[:12]}-{hashlib.sha256(dump_contract(contract).encode()).hexdigest()[:6]}"
    ingested = Ingested(
        customers=customers,
        raw=raw,
        accepted=_write_accepted(folder / "accepted" / f"{name}.parquet", customers),
        rejected=_write_rejected(folder / "rejected" / f"{name}.csv", checked.rejected),
        report=_write_report(folder / "quality" / name, quality),
        quality=quality,
    )
    log.info("table ingested", extra={"rows": quality.rows, "accepted": quality.accepted, "rejected": quality.rejected})
    return ingested


def _keep_raw(data: Path, folder: Path, sha256: str) -> Path:
    """Copy the file as it came, once per content."""
    place = folder / "raw"
    place.mkdir(parents=True, exist_ok=True)
    for earlier in place.glob(f"*-{sha256[:12]}{data.suffix}"):
        return earlier
    kept = place / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{sha256[:12]}{data.suffix}"
    partial = kept.with_suffix(".part")
    shutil.copyfile(data, partial)
    return partial.rename(kept)


def _customers(
    contract: Contract,
    checked: CheckedTable,
    labels: np.ndarray,
    *,
    groups: np.ndarray | None,
    times: np.ndarray | None,
    sha256: str,
) -> Customers:
    """A row without a group is a group of its own; one moment for all rows is no order."""
    ids, rows = _ids(checked, contract), checked.accepted - 1
    if groups is not None:
        own = "\x1frow " + rows.astype(str).astype(object)
        groups = np.where(groups[rows] == "", own, groups[rows])
    if times is not None:
        times = times[rows] if len(np.unique(times[rows])) > 1 else None
    return Customers(checked.columns, labels, ids, sha256, groups, times)


def _split(contract: Contract, table: TableFile, times: np.ndarray | None) -> tuple[CheckedTable, np.ndarray]:
    """Return the accepted rows and their labels; rejected rows go by their numbers in the file."""
    checked = check_table(contract, table.columns)
    labels, is_labelled = check_target(contract, table.columns)
    accepted = checked.accepted - 1
    is_repeat = np.zeros(table.rows, bool)
    is_repeat[accepted] = _repeats(checked.customer_ids, len(accepted))
    faults = {
        f"{contract.target.column}: not one of the target's two values": ~is_labelled,
        f"{contract.customer_id}: an earlier row has the same id": is_repeat,
    }
    if times is not None:
        faults[f"{contract.validation.time}: not an ISO-8601 date"] = np.isnat(times)
    reasons = {one.row - 1: list(one.reasons) for one in checked.rejected}
    for fault, is_bad in faults.items():
        for row in np.flatnonzero(is_bad).tolist():
            reasons.setdefault(row, []).append(fault)
    unreadable = [RejectedRow(row, (reason,)) for row, reason in table.bad_rows]
    found = [RejectedRow(int(table.row_numbers[row]), tuple(why)) for row, why in reasons.items()]
    is_kept = np.array([row not in reasons for row in accepted.tolist()], bool)
    kept = _only(checked, is_kept, tuple(sorted([*unreadable, *found], key=lambda one: one.row)))
    return kept, labels[accepted][is_kept]


def _repeats(ids: np.ndarray | None, rows: int) -> np.ndarray:
    if ids is None:
        return np.zeros(rows, bool)
    return np.asarray(pd.Series(ids).duplicated(keep="first"))


def _only(checked: CheckedTable, is_kept: np.ndarray, rejected: tuple[RejectedRow, ...]) -> CheckedTable:
    return replace(
        checked,
        columns={name: values[is_kept] for name, values in checked.columns.items()},
        customer_ids=None if checked.customer_ids is None else checked.customer_ids[is_kept],
        accepted=checked.accepted[is_kept],
        rejected=rejected,
    )


def _require_enough(checked: CheckedTable, labels: np.ndarray, data: Path) -> None:
    leavers = int(labels.sum())
    if len(labels) >= MINIMUM_ROWS and min(leavers, len(labels) - leavers) >= MINIMUM_PER_CLASS:
        return
    why = Counter(reason for one in checked.rejected for reason in one.reasons).most_common(3)
    raise TableError(
        f"{data} has {len(labels)} usable customers, {leavers} of whom left; at least {MINIMUM_ROWS}, and "
        f"{MINIMUM_PER_CLASS} of each kind, are needed. Most frequent reasons for setting rows aside: "
        + ("; ".join(f"{reason} ({count} rows)" for reason, count in why) or "none")
    )


def _assess(contract: Contract, table: TableFile, checked: CheckedTable, labels: np.ndarray) -> Quality:
    named = {*contract.columns, *contract.ignored, *contract.leaking, contract.target.column, contract.customer_id}
    named |= {contract.validation.group, contract.validation.time}
    reasons = Counter(reason for one in checked.rejected for reason in one.reasons)
    unused = tuple(name for name in table.columns if name not in named)
    return assess(contract, checked, labels, reasons=reasons, unused=unused)


def _ids(checked: CheckedTable, contract: Contract) -> np.ndarray:
    """Customer ids; without an id column, a digest of the row stands for the customer."""
    if checked.customer_ids is not None:
        return checked.customer_ids
    rows = zip(*(checked.columns[name].tolist() for name in contract.columns), strict=True)
    digests = [hashlib.sha256(repr(row).encode()).hexdigest()[:16] for row in rows]
    return np.array(digests, dtype=object)


def _write_accepted(path: Path, customers: Customers) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame({**customers.columns, ID: customers.ids, LABEL: customers.labels})
    frame.to_parquet(partial := path.with_suffix(".part"), index=False)
    return partial.rename(path)


def _write_rejected(path: Path, rejected: tuple[RejectedRow, ...]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    with partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "reasons"])
        writer.writerows((one.row, "; ".join(one.reasons)) for one in rejected)
    return partial.rename(path)


def _write_report(path: Path, quality: Quality) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(quality.as_dict(), indent=1), encoding="utf-8")
    report = path.with_suffix(".md")
    report.write_text(quality.as_markdown(), encoding="utf-8")
    return report
