"""The tables of a recording, format 1, and what tells a recording from any other SQLite file.

`at`, `opened_at`, `closed_at`, `first_at`, `last_at` are Unix time in microseconds; `started_at`,
`ended_at`, `created_at` are ISO 8601 UTC text; addresses are `host:port`, IPv6 in brackets.

The five counters of a flow are kept by the writer, so that a listing never scans frames. They
cover the frames up to the id in `meta.counted`; a reader adds the few that are younger.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache

FORMAT = 1
"""`PRAGMA user_version` and `meta.format`; a higher one was written by a newer Understudy."""

APPLICATION_ID = 0x556E6479
"""`PRAGMA application_id`, "Undy": says that a SQLite file is a recording."""

OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables are from that version on."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) STRICT;

CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  uid TEXT NOT NULL,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  game TEXT,
  client TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('record', 'import', 'playback', 'stand-in')),
  note TEXT
) STRICT;

CREATE TABLE flows (
  id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL REFERENCES sessions(id),
  parent_frame_id INTEGER REFERENCES frames(id),
  protocol TEXT NOT NULL,
  transport TEXT NOT NULL CHECK (transport IN ('tcp', 'udp')),
  client TEXT NOT NULL,
  server TEXT,
  hostname TEXT,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  close_reason TEXT,
  frames INTEGER NOT NULL DEFAULT 0,
  bytes_up INTEGER NOT NULL DEFAULT 0,
  bytes_down INTEGER NOT NULL DEFAULT 0,
  first_at INTEGER,
  last_at INTEGER
) STRICT;
CREATE INDEX flows_of_session ON flows(session_id);

CREATE TABLE frames (
  id INTEGER PRIMARY KEY,
  flow_id INTEGER NOT NULL REFERENCES flows(id),
  number INTEGER NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('c>s', 's>c')),
  at INTEGER NOT NULL,
  raw BLOB,
  plain BLOB,
  sent BLOB,
  action TEXT,
  protocol TEXT,
  kind TEXT,
  fields TEXT CHECK (fields IS NULL OR json_valid(fields)),
  error TEXT,
  cipher TEXT,
  derived TEXT CHECK (derived IS NULL OR json_valid(derived))
) STRICT;
CREATE UNIQUE INDEX frames_of_flow ON frames(flow_id, number);

CREATE TABLE keys (
  id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL REFERENCES sessions(id),
  flow_id INTEGER REFERENCES flows(id),
  frame_id INTEGER REFERENCES frames(id),
  name TEXT NOT NULL,
  cipher TEXT,
  direction TEXT,
  key BLOB NOT NULL,
  source TEXT NOT NULL
) STRICT;
CREATE INDEX keys_of_session ON keys(session_id);

CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  session_id INTEGER REFERENCES sessions(id),
  flow_id INTEGER REFERENCES flows(id),
  frame_id INTEGER REFERENCES frames(id),
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_session ON events(session_id);

CREATE TABLE state (
  session_id INTEGER REFERENCES sessions(id),
  protocol TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT,
  UNIQUE (session_id, protocol, key)
) STRICT;

CREATE TABLE notes (
  id INTEGER PRIMARY KEY,
  session_id INTEGER REFERENCES sessions(id),
  flow_id INTEGER REFERENCES flows(id),
  frame_id INTEGER REFERENCES frames(id),
  text TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
"""

# What tools that read game sniffs from SQLite expect: direction 0 is the client's; the opcode is
# a four-letter kind that begins the frame as a big-endian u32 (EA), the message's numeric tag where
# `derived` has a "tag", or else the first byte. The tag is looked for as text: JSON functions of
# older SQLite versions are refused in views of files that are not trusted. Inserted frames are in
# it as they were sent.
PACKETS = """
CREATE VIEW packets (id, timestamp, direction, opcode, data) AS
SELECT
  id,
  strftime('%Y-%m-%d %H:%M:%S', at / 1000000, 'unixepoch') || printf('.%06d', at % 1000000),
  direction = 's>c',
  CASE
    WHEN length(kind) = 4 AND CAST(substr(data, 1, 4) AS TEXT) = kind
    THEN (unicode(kind) << 24) + (unicode(substr(kind, 2)) << 16)
      + (unicode(substr(kind, 3)) << 8) + unicode(substr(kind, 4))
    WHEN instr(derived, '"tag":')
      AND trim(substr(derived, instr(derived, '"tag":') + 6, 2)) GLOB '[0-9]*'
    THEN CAST(substr(derived, instr(derived, '"tag":') + 6, 12) AS INTEGER)
    ELSE (instr('0123456789ABCDEF', substr(hex(substr(data, 1, 1)), 1, 1)) - 1) * 16
      + instr('0123456789ABCDEF', substr(hex(substr(data, 1, 1)), 2, 1)) - 1
  END,
  data
FROM (SELECT *, coalesce(plain, raw, sent) AS data FROM frames);
"""


SIGNATURE = f"""
INSERT INTO meta VALUES ('format', '1'), ('counted', '0');
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = 1;
"""

FORMAT_1 = tuple(filter(str.strip, (TABLES + PACKETS + SIGNATURE).split(";")))
"""The statements that make an empty recording."""

Columns = dict[str, dict[str, str]]
"""Table -> column -> declared type."""


def columns(connection: sqlite3.Connection) -> Columns:
    """The ordinary tables of a file and their ordinary columns."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        " AND sql NOT LIKE 'CREATE VIRTUAL%' AND length(name) < 100 LIMIT 1000"
    )
    ordinary = "SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden = 0"
    return {
        name: dict(connection.execute(ordinary, (name,)).fetchall())
        for (name,) in tables.fetchall()
    }


@lru_cache(maxsize=1)
def expected() -> Columns:
    """The tables of a fresh recording."""
    connection = sqlite3.connect(":memory:")
    for statement in FORMAT_1:
        connection.execute(statement)
    found = columns(connection)
    connection.close()
    return found


def difference(connection: sqlite3.Connection) -> str | None:
    """What a file lacks of the format, in words; None: nothing. Additions of a user's are fine."""
    found = columns(connection)
    strict = "SELECT strict FROM pragma_table_list(?) WHERE schema = 'main'"
    for table, wanted in expected().items():
        if table not in found:
            return f"it has no table {table}"
        if not connection.execute(strict, (table,)).fetchone()[0]:  # it may hold anything
            return f"its table {table} is not STRICT"
        for column, declared in wanted.items():
            if found[table].get(column) != declared:
                return f"its table {table} has no column {column} of type {declared}"
    return None
