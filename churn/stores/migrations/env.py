"""Alembic's way in: `churn.stores.database.migrate` hands over its connection and its transaction."""

from alembic import context

from churn.stores.database import VERSION_TABLE
from churn.stores.resuming import resume
from churn.stores.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
resume(context.get_context())
with context.begin_transaction():
    context.run_migrations()
