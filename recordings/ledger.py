"""Everything of a recording that is no frame: sessions, flows, keys, events, notes, state."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from recordings.model import Frame, Json, Key, Origin, Transport
from recordings.rows import FlowRow
from recordings.statements import ADD_EVENT
from recordings.times import iso, now

_ADD_SESSION = """
INSERT INTO sessions (id, uid, started_at, game, client, origin, note) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
ADD_FLOW = """
INSERT INTO flows (id, session_id, parent_frame_id, protocol, transport, client, server, hostname,
  opened_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_KEY = """
INSERT INTO keys (session_id, flow_id, frame_id, name, cipher, direction, key, source)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
CLOSE_FLOW = "UPDATE flows SET closed_at = ?, close_reason = ? WHERE id = ?"
_ANNOTATE = """
UPDATE frames SET plain = ?, protocol = ?, kind = ?, fields = ?, error = ?, cipher = ?, derived = ?
WHERE id = ?
"""

_EMPTY = "session_id = ?1 AND NOT EXISTS (SELECT 1 FROM flows WHERE session_id = ?1)"
_DROP_SESSION = (
    f"DELETE FROM keys WHERE {_EMPTY}",
    f"DELETE FROM events WHERE {_EMPTY}",
    "DELETE FROM sessions WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM flows WHERE session_id = ?1)",
)


_UNDO = (
    *(
        (f"DELETE FROM {table} WHERE {column}_id > ?", f"{column}s")
        for table in ("keys", "events", "notes")
        for column in ("session", "flow")
    ),
    *((f"DELETE FROM {table} WHERE id > ?", table) for table in ("frames", "flows", "sessions")),
)
"""What takes back all that was added: a statement, and the table of whose ids it is given one."""


def json_text(value: Json) -> str:
    """JSON for what a dissector derived; what JSON does not know becomes its repr."""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError):
        return strict_json(value, repr)
    except RecursionError:
        return '{"unstored":"it is nested too deeply"}'


def strict_json(value: Json, default: Callable[[object], Json]) -> str:
    """JSON by the letter, which knows no NaN; `default` makes something of what it cannot say."""
    return json.dumps(json.loads(json.dumps(value, default=default), parse_constant=str))


def not_json(text: str) -> str | None:
    """Why a text is no JSON; None: it is."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return str(error)
    return None


class Ledger:
    """The calls of `recordings.writer.Recording` that order one statement each."""

    _last: dict[str, int]
    """Table -> the last id that was handed out."""
    _first: dict[str, int]
    """The same when the recording was opened."""
    _numbers: dict[int, int]
    """Open flow -> the number of its last frame."""

    def _order(self, what: Any, params: tuple[Any, ...] = ()) -> None:
        raise NotImplementedError

    def _next(self, table: str) -> int:
        self._last[table] += 1
        return self._last[table]

    @staticmethod
    def new_uid() -> str:
        """What tells a session from all others, everywhere."""
        return secrets.token_hex(8)

    def add_session(
        self,
        *,
        game: str | None,
        client: str,
        origin: Origin,
        note: str | None = None,
        uid: str | None = None,
        at: int | None = None,
        repeats: int | None = None,
    ) -> int:
        """A new session; `at` in microseconds, now when not given. Returns its id.

        `repeats` is the id of one that goes on here from another file.
        """
        session_id = repeats or self._next("sessions")
        uid = uid or self.new_uid()
        started = iso(now() if at is None else at)
        self._order(
            _ADD_SESSION, (session_id, uid, started, game, client, Origin(origin).value, note)
        )
        return session_id

    def end_session(self, session_id: int, *, at: int | None = None) -> None:
        """Say that a session is over."""
        ended = iso(now() if at is None else at)
        self._order("UPDATE sessions SET ended_at = ? WHERE id = ?", (ended, session_id))

    def add_flow(
        self,
        *,
        session_id: int,
        protocol: str,
        transport: Transport,
        client: str,
        server: str | None,
        hostname: str | None = None,
        parent_frame_id: int | None = None,
        opened_at: int,
        repeats: int | None = None,
        number: int = 0,
    ) -> int:
        """A new flow; addresses are `host:port`. Returns its id.

        `repeats` is the id of one that goes on here from another file, after its frame `number`.
        """
        flow_id = repeats or self._next("flows")
        self._order(
            ADD_FLOW,
            (
                flow_id,
                session_id,
                parent_frame_id,
                protocol,
                Transport(transport).value,
                client,
                server,
                hostname,
                opened_at,
            ),
        )
        self._numbers[flow_id] = number
        return flow_id

    def copy_flow(self, row: FlowRow, *, session_id: int, parent_frame_id: int | None) -> int:
        """A new flow like that of a recording, with the numbers that its owners have here."""
        return self.add_flow(
            session_id=session_id,
            protocol=row.protocol,
            transport=Transport(row.transport),
            client=row.client,
            server=row.server,
            hostname=row.hostname,
            parent_frame_id=parent_frame_id,
            opened_at=row.opened_at,
        )

    def number_of(self, flow_id: int) -> int:
        """The number of an open flow's last frame."""
        return self._numbers.get(flow_id, 0)

    def move_flow(self, flow_id: int, session_id: int) -> None:
        """Say that a flow, its keys and events belong to another session than was thought."""
        for table, column in (("flows", "id"), ("keys", "flow_id"), ("events", "flow_id")):
            self._order(
                f"UPDATE {table} SET session_id = ? WHERE {column} = ?",
                (session_id, flow_id),
            )

    def undo(self) -> None:
        """Take back the sessions that were added since it was opened, and all in them."""
        for sql, table in _UNDO:
            self._order(sql, (self._first[table],))

    def drop_session(self, session_id: int) -> None:
        """Forget a session that turned out to be none; one that has flows stays."""
        for sql in _DROP_SESSION:
            self._order(sql, (session_id,))

    def close_flow(self, flow_id: int, at: int, reason: str) -> None:
        """Say that a flow is over."""
        self._order(CLOSE_FLOW, (at, reason, flow_id))
        self._numbers.pop(flow_id, None)

    def annotate(self, frame: Frame) -> None:
        """Write again what a stored frame means: plain, kind, fields, error and the like.

        What came over the wire (raw, sent, at) is never changed.
        """
        derived = None if frame.derived is None else json_text(frame.derived)
        self._order(
            _ANNOTATE,
            (
                frame.plain,
                frame.protocol,
                frame.kind,
                frame.fields,
                frame.error,
                frame.cipher,
                derived,
                frame.id,
            ),
        )

    def forwarded(self, frame: Frame) -> None:
        """Write what was sent for a frame that is stored already: it went on later."""
        self._order("UPDATE frames SET sent = ? WHERE id = ?", (frame.sent, frame.id))

    def add_key(
        self,
        session_id: int,
        key: Key,
        *,
        flow_id: int | None = None,
        frame_id: int | None = None,
    ) -> None:
        """Write a key and where it was seen."""
        direction = None if key.direction is None else key.direction.value
        self._order(
            _ADD_KEY,
            (session_id, flow_id, frame_id, key.name, key.cipher, direction, key.key, key.source),
        )

    def add_event(
        self,
        kind: str,
        detail: str,
        *,
        at: int,
        session_id: int | None = None,
        flow_id: int | None = None,
        frame_id: int | None = None,
    ) -> None:
        """Write something that happened beside the frames; `at` in microseconds."""
        self._order(ADD_EVENT, (session_id, flow_id, frame_id, at, kind, detail))

    def add_note(
        self,
        text: str,
        *,
        session_id: int | None = None,
        flow_id: int | None = None,
        frame_id: int | None = None,
        at: int | None = None,
    ) -> None:
        """Write a user's note; `at` in microseconds, now when not given."""
        sql = (
            "INSERT INTO notes (session_id, flow_id, frame_id, text, created_at)"
            " VALUES (?, ?, ?, ?, ?)"
        )
        self._order(sql, (session_id, flow_id, frame_id, text, iso(now() if at is None else at)))

    def keep(self, session_id: int | None, protocol: str, key: str, value: str | None) -> None:
        """Write what a stand-in remembers; None forgets it."""
        which = (session_id, protocol, key)
        self._order("DELETE FROM state WHERE session_id IS ? AND protocol = ? AND key = ?", which)
        if value is not None:
            self._order("INSERT INTO state VALUES (?, ?, ?, ?)", (*which, value))
