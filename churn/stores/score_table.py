"""The score table: where `churn score` writes to a database, with the mark from which a killed job goes on."""

import hashlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    delete,
    inspect,
    select,
)
from sqlalchemy.types import TypeEngine

from churn.errors import StoreError, UsageError
from churn.scoring.prediction import utc_now
from churn.stores.database import changing_tables, open_database
from churn.stores.transactions import reading, writing
from churn.stores.upserts import insert_or_replace, replace_rows

LATER: dict[str, TypeEngine[Any]] = {
    "segment": Text(),
    "expected_profit": Double(),
    "expected_loss": Double(),
    "priority_score": Double(),
    "reason_1": Text(),
    "reason_2": Text(),
    "reason_3": Text(),
    "recommendation": Text(),
}
"""Columns that older tables lack: they are added, and empty in the rows that are there. None of them is required."""

NOTHING: dict[str, None] = dict.fromkeys(LATER)


class ScoreTable:
    """A table of one score a customer, in anybody's database, beside the table of jobs that are under way.

    Every method raises StoreError when the database does not answer.
    """

    def __init__(self, url: str, table: str = "churn_scores") -> None:
        """Open the database and make the tables and columns that are missing.

        Raises:
            UsageError: `table` can't be a table's name.
            StoreError: the columns can't be added; the message says how its owner adds them.
        """
        if not table.isidentifier() or len(table) > 63:
            raise UsageError(f"{table!r} can't be the name of a score table: use letters, digits and _")
        self._engine = open_database(url)
        self._scores, self._jobs = _tables(table)
        with changing_tables(self._engine) as connection:
            self._scores.metadata.create_all(connection)
            present = {column["name"] for column in inspect(connection).get_columns(table)}
        if missing := [name for name in LATER if name not in present]:
            self._add(missing)

    def upsert(self, rows: Sequence[Mapping[str, object]], *, job_id: str | None = None, rows_done: int = 0) -> None:
        """Store scores and, in the same transaction, how far the job has come.

        Args:
            rows: customer_id, churn_probability, churn_prediction, risk_level, model_version and scored_at of each, and
                what there is of LATER. A customer's later row takes the place of the earlier one, as a whole.
            job_id: the job to mark, as `job_id_of` makes it.
            rows_done: rows of the job's input that are dealt with when these are stored, rejected ones included.
        """
        newest = list({row["customer_id"]: {**NOTHING, **row} for row in rows}.values())
        with writing(self._engine) as connection:
            if newest:
                replace_rows(connection, self._scores, newest)
            if job_id is not None:
                self._mark(connection, job_id, rows_done)

    def rows_done(self, job_id: str) -> int:
        """Return how many rows of the job's input are dealt with; 0 for a job that is new or finished."""
        query = select(self._jobs.c.rows_done).where(self._jobs.c.job_id == job_id)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def finish(self, job_id: str) -> None:
        """Remove a job's mark: the same input, scored again, begins at its first row."""
        with writing(self._engine) as connection:
            connection.execute(delete(self._jobs).where(self._jobs.c.job_id == job_id))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add(self, names: Sequence[str]) -> None:
        from alembic.migration import MigrationContext  # noqa: PLC0415  only once in the life of an old table
        from alembic.operations import Operations  # noqa: PLC0415

        try:
            with changing_tables(self._engine) as connection:
                operations = Operations(MigrationContext.configure(connection))
                present = {column["name"] for column in inspect(connection).get_columns(self._scores.name)}
                for name in names:
                    if name not in present:
                        operations.add_column(self._scores.name, Column(name, LATER[name]))
        except StoreError as error:
            wanted = ", ".join(f"ADD COLUMN {name} {LATER[name].compile(self._engine.dialect)}" for name in names)
            raise StoreError(
                f"{error}. The table lacks columns: let its owner run ALTER TABLE {self._scores.name} {wanted}"
            ) from error

    def _mark(self, connection: Connection, job_id: str, rows_done: int) -> None:
        mark = {"job_id": job_id, "rows_done": rows_done, "updated_at": utc_now()}
        connection.execute(insert_or_replace(self._jobs, connection.dialect.name), mark)


def job_id_of(*parts: str) -> str:
    """Return the id of a job from what makes it this job: the input's digest, the model version, the output."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def _tables(name: str) -> tuple[Table, Table]:
    metadata = MetaData()
    scores = Table(
        name,
        metadata,
        Column("customer_id", String(255), primary_key=True),
        Column("churn_probability", Double, nullable=False),
        Column("churn_prediction", SmallInteger, nullable=False),
        Column("risk_level", String(64), nullable=False),
        Column("model_version", Integer, nullable=False),
        Column("scored_at", String(24), nullable=False),
        *(Column(column, kind, nullable=True) for column, kind in LATER.items()),
    )
    jobs = Table(
        "churn_score_jobs",
        metadata,
        Column("job_id", String(64), primary_key=True),
        Column("rows_done", BigInteger, nullable=False),
        Column("updated_at", String(24), nullable=False),
    )
    return scores, jobs
