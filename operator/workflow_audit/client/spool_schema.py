"""The file of the spool: its tables, and how SQLite is to treat it."""

import sqlite3
from typing import Final

PAGE_BYTES: Final = 4096
SCHEMA_VERSION: Final = 1

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS waiting (
         number INTEGER PRIMARY KEY AUTOINCREMENT,
         key TEXT NOT NULL UNIQUE,
         search BLOB NOT NULL,
         attempts INTEGER NOT NULL DEFAULT 0,
         refusals INTEGER NOT NULL DEFAULT 0,
         due REAL NOT NULL DEFAULT 0)""",
    "CREATE INDEX IF NOT EXISTS waiting_due ON waiting (due, number)",
    """CREATE TABLE IF NOT EXISTS refused (
         number INTEGER PRIMARY KEY AUTOINCREMENT,
         key TEXT NOT NULL UNIQUE,
         search BLOB NOT NULL,
         refusals INTEGER NOT NULL,
         reason TEXT NOT NULL,
         refused_at REAL NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS total (waiting INTEGER NOT NULL)",
    "INSERT INTO total SELECT count(*) FROM waiting WHERE NOT EXISTS (SELECT 1 FROM total)",
    """CREATE TRIGGER IF NOT EXISTS one_more AFTER INSERT ON waiting
       BEGIN UPDATE total SET waiting = waiting + 1; END""",
    """CREATE TRIGGER IF NOT EXISTS one_less AFTER DELETE ON waiting
       BEGIN UPDATE total SET waiting = waiting - 1; END""",
)


def prepare(database: sqlite3.Connection, most_pages: int) -> None:
    """Make the tables, unless they are there, and bound the file."""
    # A commit is in the file before it returns, and outlives the process; only a crash of the
    # machine itself may take the last ones. Waiting for the disk each time would help there alone.
    for statement in (
        f"PRAGMA page_size = {PAGE_BYTES}",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = NORMAL",
        f"PRAGMA max_page_count = {most_pages}",
        "PRAGMA journal_size_limit = 4194304",
    ):
        database.execute(statement).fetchall()
    if number_of(database, "PRAGMA user_version") == SCHEMA_VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.execute("COMMIT")


def used_pages(database: sqlite3.Connection) -> int:
    """Give how much of the file is in use."""
    return number_of(database, "PRAGMA page_count") - number_of(database, "PRAGMA freelist_count")


def undo(database: sqlite3.Connection) -> None:
    """Take back what a transaction has done."""
    if database.in_transaction:  # a full disk may have ended it already
        database.execute("ROLLBACK")


def number_of(database: sqlite3.Connection, statement: str) -> int:
    """Give the one number that a statement asks for."""
    (found,) = database.execute(statement).fetchone()
    return int(found)
