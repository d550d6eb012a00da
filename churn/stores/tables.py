"""The SQL store's tables, for SQLite, PostgreSQL and MySQL alike.

A moment is 24 characters of UTC (`2026-11-21T06:00:00.123Z`): it sorts as time does on every database, and people can
read it. A change here needs a migration; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
# SQLite numbers rows by itself only when the key's type is INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
Moment = String(24)

predictions = Table(
    "predictions",
    metadata,
    Column("prediction_id", String(64), primary_key=True),
    Column("customer_id", String(255), nullable=False),
    Column("model_name", String(64), nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("role", String(64), nullable=False),
    Column("door", String(64), nullable=False),
    Column("inputs", Text, nullable=False),
    Column("probability", Double, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("churn_prediction", SmallInteger, nullable=False),
    Column("risk_level", String(64), nullable=False),
    Column("predicted_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Index("predictions_by_version", "model_name", "model_version", "predicted_at"),
    Index("predictions_by_customer", "customer_id", "predicted_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("owner", String(255), nullable=False),
    Column("fencing_token", BigInteger, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("move_id", String(36), nullable=False),
    Column("model_name", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("from_version", Integer),
    Column("to_version", Integer),
    Column("status", String(16), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("move_id", "status", name="promotions_once_each"),
    Index("promotions_by_model", "model_name", "id"),
)

drift_runs = Table(
    "drift_runs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("model_name", String(64), nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("window_start", Moment, nullable=False),
    Column("window_end", Moment, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("drifted_share", Double, nullable=False),
    Column("is_drifted", SmallInteger, nullable=False),
    Column("report", Text, nullable=False),
    Index("drift_runs_by_model", "model_name", "id"),
)

drift_columns = Table(
    "drift_columns",
    metadata,
    Column("run_id", Id, ForeignKey("drift_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("column_name", String(128), primary_key=True),
    Column("method", String(64), nullable=False),
    Column("value", Double, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("is_drifted", SmallInteger, nullable=False),
)
