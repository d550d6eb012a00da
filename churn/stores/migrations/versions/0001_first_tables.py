"""First tables: predictions, leases, promotions, drift."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.String(24)


def upgrade() -> None:
    _predictions()
    _leases()
    _promotions()
    _drift()


def downgrade() -> None:
    for name in ("drift_columns", "drift_runs", "promotions", "leases", "predictions"):
        op.drop_table(name)


def _predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("prediction_id", sa.String(64), primary_key=True),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("door", sa.String(64), nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("threshold", sa.Double, nullable=False),
        sa.Column("churn_prediction", sa.SmallInteger, nullable=False),
        sa.Column("risk_level", sa.String(64), nullable=False),
        sa.Column("predicted_at", MOMENT, nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
    )
    op.create_index("predictions_by_version", "predictions", ["model_name", "model_version", "predicted_at"])
    op.create_index("predictions_by_customer", "predictions", ["customer_id", "predicted_at"])


def _leases() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("fencing_token", sa.BigInteger, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
    )


def _promotions() -> None:
    op.create_table(
        "promotions",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("move_id", sa.String(36), nullable=False),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("from_version", sa.Integer),
        sa.Column("to_version", sa.Integer),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.UniqueConstraint("move_id", "status", name="promotions_once_each"),
    )
    op.create_index("promotions_by_model", "promotions", ["model_name", "id"])


def _drift() -> None:
    op.create_table(
        "drift_runs",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("window_start", MOMENT, nullable=False),
        sa.Column("window_end", MOMENT, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("drifted_share", sa.Double, nullable=False),
        sa.Column("is_drifted", sa.SmallInteger, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )
    op.create_index("drift_runs_by_model", "drift_runs", ["model_name", "id"])
    op.create_table(
        "drift_columns",
        sa.Column("run_id", ID, sa.ForeignKey("drift_runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("column_name", sa.String(128), primary_key=True),
        sa.Column("method", sa.String(64), nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("threshold", sa.Double, nullable=False),
        sa.Column("is_drifted", sa.SmallInteger, nullable=False),
    )
