"""How Alembic reaches the store: on the transaction that `opening` has begun, so that a migration is done whole or not at all."""

from alembic import context

from gateway.store.columns import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
