"""Promotion: moves of every alias, a hash-chained log, what the gate said, and releases in stages."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.String(24)


def upgrade() -> None:
    op.add_column("promotions", sa.Column("alias", sa.String(32), nullable=False, server_default="production"))
    op.add_column("promotions", sa.Column("block", sa.BigInteger))
    op.add_column("predictions", sa.Column("block", sa.BigInteger))
    op.add_column("predictions", sa.Column("digest", sa.String(64)))
    op.create_index("predictions_by_block", "predictions", ["block"])
    _log()
    _gate_verdicts()
    _releases()


def downgrade() -> None:
    for name in ("releases", "gate_verdicts", "log_blocks", "log_head"):
        op.drop_table(name)
    op.drop_index("predictions_by_block", "predictions")
    op.drop_column("predictions", "digest")
    op.drop_column("predictions", "block")
    op.drop_column("promotions", "block")
    op.drop_column("promotions", "alias")


def _log() -> None:
    op.create_table(
        "log_head",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "log_blocks",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("rows_digest", sa.String(64), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def _gate_verdicts() -> None:
    op.create_table(
        "gate_verdicts",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("production_version", sa.Integer),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("profit_difference", sa.Double),
        sa.Column("profit_low", sa.Double),
        sa.Column("profit_high", sa.Double),
        sa.Column("labels_needed", sa.Integer),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )
    op.create_index("gate_verdicts_by_version", "gate_verdicts", ["model_name", "version", "id"])


def _releases() -> None:
    op.create_table(
        "releases",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("model_name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("stage_started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_index("releases_by_model", "releases", ["model_name", "id"])
