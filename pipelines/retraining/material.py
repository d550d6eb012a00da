"""What would be trained on: a table that somebody brings, or the newest training's with live customers added."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from mlflow.entities import Run
from sqlalchemy import Engine

from churn.contract.contract import Contract
from churn.data.files import read_table
from churn.errors import UsageError
from churn.evaluation.retraining import Labels
from churn.stores.labelled import LabelledPrediction, LabelledStore
from churn.stores.registry import RegisteredBundle
from pipelines.newest import contract_of, table_of
from pipelines.retraining.comparison import Comparison, compare_on, live_rows
from pipelines.retraining.customers import CUSTOMER, without_live_rows
from pipelines.retraining.live import live_customers
from pipelines.retraining.parameters import RetrainParameters
from pipelines.retraining.table import RetrainTable, assemble

NOBODY = Labels(0, 0)


@dataclass(frozen=True, slots=True)
class Material:
    """What would be trained on.

    Attributes:
        contract: of the table.
        table: a file that somebody brought, or rows that were put together.
        fingerprint: of the data.
        is_same: it is what the newest training was made from.
        new_labels: of live customers, what production's training could not know.
        comparison: whom the versions would be compared on; None: the contract says it.
    """

    contract: Contract
    table: Path | RetrainTable
    fingerprint: str
    is_same: bool
    new_labels: Labels = NOBODY
    comparison: Comparison | None = None


def brought(data: Path, newest: Run) -> Material:
    """Take a table as it is, with the newest training's contract.

    Raises:
        UsageError: there is no such file.
    """
    if not data.is_file():
        raise UsageError(f"there is no file {data}: give a CSV, Parquet or XLSX file with --data")
    contract, fingerprint = contract_of(newest), sha256(data.read_bytes()).hexdigest()
    if contract.validation.group == CUSTOMER:
        contract = without_live_rows(contract)
    return Material(contract, data, fingerprint, is_same=newest.data.tags["dataset_digest"] == fingerprint)


def put_together(
    newest: Run,
    production: RegisteredBundle,
    trained_at: datetime | None,
    parameters: RetrainParameters,
    *,
    engine: Engine,
) -> Material:
    """Add live customers to the newest training's table, and choose whom to compare the versions on.

    Raises:
        UsageError: that table is gone, or its contract names no customers.
    """
    contract, base = contract_of(newest), read_table(table_of(newest)).columns
    table = assemble(contract, base, _live(contract, production.name, parameters, engine))
    after = parameters.after(contract)
    rows = live_rows(table, after=after, production=production.version, trained_at=trained_at)
    return Material(
        contract=table.contract,
        table=table,
        fingerprint=table.fingerprint,
        is_same=table.fingerprint == assemble(contract, base, ()).fingerprint,
        new_labels=rows.labels(rows.is_live & rows.is_new),
        comparison=compare_on(rows, parameters.wanted()),
    )


def fingerprint_of(run: Run) -> str:
    """Return the fingerprint of the data that a training was made from.

    Raises:
        UsageError: as above.
    """
    return assemble(contract_of(run), read_table(table_of(run)).columns, ()).fingerprint


def _live(contract: Contract, model: str, parameters: RetrainParameters, engine: Engine) -> list[LabelledPrediction]:
    delay = timedelta(days=parameters.delay_days)
    return live_customers(
        LabelledStore(engine, silence=parameters.silence, delay=delay),
        model,
        horizon=timedelta(days=contract.target.horizon_days),
        after=parameters.after(contract),
        length=parameters.snapshot(contract),
        since=datetime.now(UTC) - timedelta(days=parameters.history_days),
    )
