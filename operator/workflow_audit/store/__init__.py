"""PostgreSQL: the only package that knows psycopg."""
