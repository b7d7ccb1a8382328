"""Alembic's entry: runs revisions on the connection that `workflow_audit.store.migrating` gives.

There is no alembic.ini and no logging configuration: both would be the whole program's affair.
"""

from alembic import context

from workflow_audit.store.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    version_table_schema="public",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
