"""Schema migrations: Alembic revisions that run the SQL files in `sql`."""
