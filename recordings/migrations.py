"""How a file becomes a recording of the newest format: one migration per format."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database, Migrations

from recordings import schema

migrations = Migrations("understudy")


@migrations()
def format_1(db: Database) -> None:
    """The first format: every table, index and view."""
    for statement in schema.FORMAT_1:
        db.execute(statement)


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Apply what the file has not had yet; an empty file becomes a recording."""
    database = Database(connection)
    with database.atomic():
        migrations.apply(database)
