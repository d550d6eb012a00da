"""What the doors need: people, keys, revoked tokens, admin actions, jobs, outcomes; more facts of predictions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.String(24)
ADDED = ("segment", "expected_loss", "expected_profit", "priority_score")


def upgrade() -> None:
    op.add_column("predictions", sa.Column("segment", sa.String(255)))
    for name in ADDED[1:]:
        op.add_column("predictions", sa.Column(name, sa.Double))
    _people()
    _admin_actions()
    _jobs()
    _outcomes()


def downgrade() -> None:
    for name in ("outcomes", "jobs", "admin_actions", "revoked_tokens", "api_keys", "users"):
        op.drop_table(name)
    for name in ADDED:
        op.drop_column("predictions", name)


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("is_active", sa.SmallInteger, nullable=False),
        sa.Column("tokens_from", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(32), primary_key=True),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("secret_hash", sa.String(255), nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
    )
    op.create_table(
        "revoked_tokens",
        sa.Column("token_id", sa.String(64), primary_key=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=False),
    )


def _admin_actions() -> None:
    op.create_table(
        "admin_actions",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("home", sa.String(32)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("worker", sa.String(255), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT),
        sa.Column("seen_at", MOMENT),
        sa.Column("finished_at", MOMENT),
    )
    op.create_index("jobs_by_status", "jobs", ["status", "created_at"])


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("outcome_id", sa.String(64), primary_key=True),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.String(255), nullable=False),
        sa.Column("churned", sa.SmallInteger, nullable=False),
        sa.Column("observed_at", MOMENT, nullable=False),
        sa.Column("prediction_id", sa.String(64)),
        sa.Column("source", sa.String(255), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
    )
    op.create_index("outcomes_by_customer", "outcomes", ["customer_id", "observed_at"])
    op.create_index("outcomes_by_time", "outcomes", ["model_name", "observed_at"])
