"""One revision a file, each running the SQL file of the same number."""
