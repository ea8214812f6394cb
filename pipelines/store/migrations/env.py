"""Runs the migrations on the connection the store was opened with."""

from alembic import context

from pipelines.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
