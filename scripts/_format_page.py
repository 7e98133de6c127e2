"""docs/recording-format.md: the tables of a recording, and the queries of `understudy query`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from recordings import schema
from recordings.commands.query import command as query

NOTE = "<!-- Made by scripts/docs from recordings/schema.py and recordings/commands/query.py. -->"

TABLES = {
    "meta": "What the file says of itself.",
    "sessions": "One row for each sitting of one client.",
    "flows": "One row for each TCP connection, or UDP pair of endpoints.",
    "frames": "One row for each datagram, or record of a stream; a stream's `raw` in the order of "
    "`number` is byte for byte what was delivered.",
    "keys": "Secrets and nonces, and where they were seen.",
    "events": "What happened beside the frames: redirects, refusals, faults, warnings.",
    "state": "What a stand-in remembers from one session to the next.",
    "notes": "What you wrote with `understudy note` or in `understudy browse`.",
}
MEANINGS = {
    "meta.key": "`format`, `tool`, `counted`; `writing` while it is being recorded",
    "meta.value": "its value",
    "id": "number of the row",
    "sessions.uid": "stays the same when a session is copied",
    "sessions.started_at": "ISO 8601, UTC",
    "sessions.ended_at": "the same; NULL while it goes on",
    "sessions.game": "name of the game, as in `understudy games`",
    "sessions.client": "address of the client",
    "sessions.origin": "`record`, `import`, `playback` or `stand-in`",
    "sessions.note": "what the session is, if anybody said so",
    "session_id": "the session it belongs to",
    "flow_id": "the flow it belongs to",
    "frame_id": "the frame it belongs to",
    "flows.parent_frame_id": "the frame whose redirect led here",
    "flows.protocol": "as in `understudy protocols`",
    "flows.transport": "`tcp` or `udp`",
    "flows.client": "`host:port`, IPv6 in brackets",
    "flows.server": "the same; NULL when Understudy itself was the server",
    "flows.hostname": "the name that the client asked for",
    "flows.opened_at": "Unix time in microseconds",
    "flows.closed_at": "the same; NULL while it is open",
    "flows.close_reason": "why it was closed",
    "flows.frames": "how many frames, up to `meta.counted`",
    "flows.bytes_up": "bytes from the client, up to `meta.counted`",
    "flows.bytes_down": "bytes to the client, up to `meta.counted`",
    "flows.first_at": "time of its first frame",
    "flows.last_at": "time of its last frame",
    "frames.number": "counts from 1 in its flow, both directions",
    "direction": "`c>s`: to the server, `s>c`: to the client",
    "at": "Unix time in microseconds",
    "frames.raw": "the bytes as they came; NULL for a frame that was inserted",
    "frames.plain": "the bytes deciphered; NULL when that is `raw` itself",
    "frames.sent": "what was forwarded, when it differs",
    "frames.action": "`changed`, `dropped`, `inserted`, `duplicated` or `delayed`",
    "frames.protocol": "when it differs from the flow's",
    "frames.kind": "name of the message; `Opaque` when it could not be read",
    "frames.fields": "the message as JSON",
    "frames.error": "why it could not be read, or what is wrong with it",
    "frames.cipher": "what made `plain` of `raw`",
    "frames.derived": "JSON: results of checks, and what else follows from earlier frames",
    "keys.name": "what the protocol calls it",
    "keys.cipher": "what it keys; NULL for a nonce",
    "keys.direction": "the direction that it keys; NULL for both",
    "keys.key": "its bytes",
    "keys.source": "`seen`, `given` by the user or `learned`",
    "events.kind": "what sort of event",
    "events.detail": "in words",
    "state.protocol": "whose state",
    "state.key": "what is remembered",
    "state.value": "as text",
    "notes.text": "the note",
    "notes.created_at": "ISO 8601, UTC",
}
"""Table and column, or a column of any table -> what it holds."""

HEAD = f"""{NOTE}

# The recording

A recording is one SQLite file of format {schema.FORMAT}. Any program that reads SQLite reads it:

```
sqlite-utils rows evening.understudy.db frames --limit 5
sqlite-utils rows evening.understudy.db packets --csv > packets.csv
sqlite3 -readonly evening.understudy.db "SELECT kind, count(*) FROM frames GROUP BY kind"
datasette evening.understudy.db
```

In DB Browser for SQLite choose "Open Database Read Only". `sqlite-utils` comes with Understudy,
Datasette with `pip install "understudy[web]"`; `understudy browse FILE --web` is Datasette with
pages made for recordings.

While it is being recorded, a `-wal` and a `-shm` file lie beside it and belong to it; programs that
read may be open at the same time. To copy it then: `sqlite3 FILE ".backup copy.db"`. `FILE-lock` is
there as long as somebody records into it, `FILE-search` is the index of `understudy search` and can
be removed. [When something went wrong](when-something-went-wrong.md) says what else may lie there
after an accident. Write into a recording only what you own: notes, or tables and indexes of your
own; triggers are refused.

`PRAGMA application_id` is {schema.APPLICATION_ID} ("Undy"), `PRAGMA user_version` the format. A
newer Understudy reads older formats; a file of a newer one is refused by a sentence that says so.

## Tables
"""

PACKETS = """## The view `packets`

For tools that read game sniffs from SQLite: one row a frame, in the order in which they came.

| column | holds |
|---|---|
| `id` | that of the frame |
| `timestamp` | text, UTC, with microseconds |
| `direction` | 0: from the client, 1: from the server |
| `opcode` | a kind of four letters that begins the frame as a big-endian number, else the tag by \
which the protocol tells its messages apart, else byte 0 |
| `data` | the deciphered bytes |

"""

_QUERY = re.compile(r'^ *(\S.*)\n +understudy query FILE "([^"]+)"', re.MULTILINE)


def queries() -> dict[str, str]:
    """Question -> SQL, from the manual of `understudy query`."""
    found = {}
    for question, sql in _QUERY.findall(query.help or ""):
        found[question] = re.sub(r"\s+", " ", sql)
    return found


def meaning(table: str, column: str) -> str:
    """What a column holds; KeyError for one that nobody has described."""
    return MEANINGS.get(f"{table}.{column}") or MEANINGS[column]


def _tables() -> Iterator[str]:
    for table, columns in schema.expected().items():
        yield f"### `{table}`"
        yield ""
        yield TABLES[table]
        yield ""
        yield "| column | type | holds |"
        yield "|---|---|---|"
        for column, kind in columns.items():
            yield f"| `{column}` | {kind} | {meaning(table, column)} |"
        yield ""


def _queries() -> Iterator[str]:
    yield "## Ten queries"
    yield ""
    yield "For `understudy query FILE SQL`, `sqlite-utils query FILE SQL`, or any other tool."
    yield ""
    for question, sql in queries().items():
        yield question
        yield ""
        yield "```sql"
        yield sql
        yield "```"
        yield ""


def page() -> str:
    """The whole page."""
    lines = [HEAD, *_tables(), PACKETS.rstrip(), "", *_queries()]
    return "\n".join(lines).rstrip() + "\n"
