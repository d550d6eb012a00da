"""What the eyes see: every measure of drift, performance, decisions to retrain, runs of scheduled stages."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.String(24)
ADDED = {
    "prediction_drifted": sa.SmallInteger,
    "unreadable_rows": sa.Integer,
    "profit_change": sa.Double,
    "profit_change_low": sa.Double,
    "profit_change_high": sa.Double,
    "rows_per_hour": sa.Double,
    "usual_rows_per_hour": sa.Double,
    "volume_changed": sa.SmallInteger,
    "reference_rows": sa.Integer,
    "words": sa.Text,
}


def upgrade() -> None:
    op.add_column("drift_runs", sa.Column("status", sa.String(24), nullable=False, server_default="measured"))
    for name, kind in ADDED.items():
        op.add_column("drift_runs", sa.Column(name, kind))
    _drift_measures()
    _performance()
    _retrain_decisions()
    _stage_runs()


def downgrade() -> None:
    _old_drift_columns()
    for name in ("stage_runs", "retrain_decisions", "performance_measures", "performance_runs", "drift_measures"):
        op.drop_table(name)
    for name in ("status", *ADDED):
        op.drop_column("drift_runs", name)


def _drift_measures() -> None:
    op.create_table(
        "drift_measures",
        sa.Column("run_id", ID, sa.ForeignKey("drift_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("column_name", sa.String(128), primary_key=True),
        sa.Column("method", sa.String(64), primary_key=True),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("threshold", sa.Double, nullable=False),
        sa.Column("is_drifted", sa.SmallInteger, nullable=False),
        sa.Column("is_decisive", sa.SmallInteger, nullable=False),
    )
    names = "run_id, column_name, method, value, threshold, is_drifted"
    # MySQL commits at each step, so all of this may be done a second time: see churn/stores/resuming.py.
    if sa.inspect(op.get_bind()).has_table("drift_columns"):
        op.execute(
            f"INSERT INTO drift_measures ({names}, is_decisive) SELECT {names}, 1 FROM drift_columns "  # noqa: S608
            "WHERE NOT EXISTS (SELECT 1 FROM drift_measures)"
        )
        op.drop_table("drift_columns")


def _old_drift_columns() -> None:
    op.create_table(
        "drift_columns",
        sa.Column("run_id", ID, sa.ForeignKey("drift_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("column_name", sa.String(128), primary_key=True),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("threshold", sa.Double, nullable=False),
        sa.Column("is_drifted", sa.SmallInteger, nullable=False),
    )
    names = "run_id, column_name, method, value, threshold, is_drifted"
    op.execute(f"INSERT INTO drift_columns SELECT {names} FROM drift_measures WHERE is_decisive = 1")  # noqa: S608


def _performance() -> None:
    op.create_table(
        "performance_runs",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("window_start", MOMENT, nullable=False),
        sa.Column("window_end", MOMENT, nullable=False),
        sa.Column("predictions", sa.Integer, nullable=False),
        sa.Column("labelled", sa.Integer, nullable=False),
        sa.Column("unknown", sa.Integer, nullable=False),
        sa.Column("waiting", sa.Integer, nullable=False),
        sa.Column("contradicted", sa.Integer, nullable=False),
        sa.Column("status", sa.String(24), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )
    op.create_index("performance_runs_by_model", "performance_runs", ["model_name", "id"])
    op.create_table(
        "performance_measures",
        sa.Column("run_id", ID, sa.ForeignKey("performance_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("dimension", sa.String(32), primary_key=True),
        sa.Column("part", sa.String(128), primary_key=True),
        sa.Column("measure", sa.String(64), primary_key=True),
        sa.Column("source", sa.String(16), primary_key=True),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("rows", sa.Integer, nullable=False),
    )


def _retrain_decisions() -> None:
    op.create_table(
        "retrain_decisions",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("data_fingerprint", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("outcome", sa.Text, nullable=False),
    )
    op.create_index("retrain_decisions_by_model", "retrain_decisions", ["model_name", "id"])


def _stage_runs() -> None:
    op.create_table(
        "stage_runs",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_index("stage_runs_by_stage", "stage_runs", ["model_name", "stage", "id"])
