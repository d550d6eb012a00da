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
    Column("segment", String(255)),
    Column("expected_loss", Double),
    Column("expected_profit", Double),
    Column("priority_score", Double),
    Column("block", BigInteger),
    Column("digest", String(64)),
    Index("predictions_by_block", "block"),
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
    Column("alias", String(32), nullable=False, server_default="production"),
    Column("action", String(16), nullable=False),
    Column("from_version", Integer),
    Column("to_version", Integer),
    Column("status", String(16), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("block", BigInteger),
    UniqueConstraint("move_id", "status", name="promotions_once_each"),
    Index("promotions_by_model", "model_name", "id"),
)

log_head = Table(
    "log_head",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

log_blocks = Table(
    "log_blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("rows_digest", String(64), nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("at", Moment, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

gate_verdicts = Table(
    "gate_verdicts",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("model_name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("production_version", Integer),
    Column("at", Moment, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("profit_difference", Double),
    Column("profit_low", Double),
    Column("profit_high", Double),
    Column("labels_needed", Integer),
    Column("actor", String(255), nullable=False),
    Column("report", Text, nullable=False),
    Index("gate_verdicts_by_version", "model_name", "version", "id"),
)

releases = Table(
    "releases",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("model_name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("plan", Text, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("stage_started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("words", Text, nullable=False),
    Index("releases_by_model", "model_name", "id"),
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
    Column("status", String(24), nullable=False, server_default="measured"),
    Column("prediction_drifted", SmallInteger),
    Column("unreadable_rows", Integer),
    Column("profit_change", Double),
    Column("profit_change_low", Double),
    Column("profit_change_high", Double),
    Column("rows_per_hour", Double),
    Column("usual_rows_per_hour", Double),
    Column("volume_changed", SmallInteger),
    Column("reference_rows", Integer),
    Column("words", Text),
    Index("drift_runs_by_model", "model_name", "id"),
)

drift_measures = Table(
    "drift_measures",
    metadata,
    Column("run_id", Id, ForeignKey("drift_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("column_name", String(128), primary_key=True),
    Column("method", String(64), primary_key=True),
    Column("value", Double, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("is_drifted", SmallInteger, nullable=False),
    Column("is_decisive", SmallInteger, nullable=False),
)

performance_runs = Table(
    "performance_runs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("model_name", String(64), nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("window_start", Moment, nullable=False),
    Column("window_end", Moment, nullable=False),
    Column("predictions", Integer, nullable=False),
    Column("labelled", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("contradicted", Integer, nullable=False),
    Column("status", String(24), nullable=False),
    Column("words", Text, nullable=False),
    Column("report", Text, nullable=False),
    Index("performance_runs_by_model", "model_name", "id"),
)

performance_measures = Table(
    "performance_measures",
    metadata,
    Column("run_id", Id, ForeignKey("performance_runs.id", ondelete="CASCADE"), primary_key=True),
    Column("dimension", String(32), primary_key=True),
    Column("part", String(128), primary_key=True),
    Column("measure", String(64), primary_key=True),
    Column("source", String(16), primary_key=True),
    Column("value", Double, nullable=False),
    Column("low", Double),
    Column("high", Double),
    Column("rows", Integer, nullable=False),
)

retrain_decisions = Table(
    "retrain_decisions",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("model_name", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("data_fingerprint", String(64), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("version", Integer),
    Column("outcome", Text, nullable=False),
    Index("retrain_decisions_by_model", "model_name", "id"),
)

stage_runs = Table(
    "stage_runs",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("model_name", String(64), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("status", String(16), nullable=False),
    Column("words", Text, nullable=False),
    Index("stage_runs_by_stage", "model_name", "stage", "id"),
)

users = Table(
    "users",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("is_active", SmallInteger, nullable=False),
    Column("tokens_from", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(32), primary_key=True),
    Column("label", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("secret_hash", String(255), nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("token_id", String(64), primary_key=True),
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment, nullable=False),
)

admin_actions = Table(
    "admin_actions",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("details", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("model_name", String(64), nullable=False),
    Column("home", String(32)),
    Column("status", String(16), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("progress", Double, nullable=False),
    Column("words", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("worker", String(255), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("seen_at", Moment),
    Column("finished_at", Moment),
    Index("jobs_by_status", "status", "created_at"),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("outcome_id", String(64), primary_key=True),
    Column("model_name", String(64), nullable=False),
    Column("customer_id", String(255), nullable=False),
    Column("churned", SmallInteger, nullable=False),
    Column("observed_at", Moment, nullable=False),
    Column("prediction_id", String(64)),
    Column("source", String(255), nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Index("outcomes_by_customer", "customer_id", "observed_at"),
    Index("outcomes_by_time", "model_name", "observed_at"),
)
