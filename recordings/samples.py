"""Recordings as text that can be reviewed: one JSON object a line, in recordings/samples/*.jsonl.

Every line names its row: `session`, `flow`, `frame`, `key`, `event` or `note`. Times are seconds
since the session's `started_at`. Bytes are printable text in which `|` encloses hexadecimal:
`"raw": "skey|00000000 00000011|SKEY=1|00|"`. Flows, and frames that others refer to, have labels
(`"flow": 1`, `"id": 7`) that mean something within the sample only. Empty lines and lines that
begin with `#` are comments.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from recordings.errors import UserError
from recordings.model import Action, Direction, Frame, Key, Origin, Transport
from recordings.notation import to_bytes
from recordings.sample_dump import dump_sample
from recordings.times import micros
from recordings.viewing import Viewer
from recordings.writer import Recording

__all__ = ["FOLDER", "dump_sample", "load_sample"]

FOLDER = Path(__file__).with_name("samples")
"""Where the samples that come with Understudy lie."""


def load_sample(
    source: Path | Iterable[str], recording: Recording, viewer: Viewer | None = None
) -> list[int]:
    """Write a sample into a recording; returns the ids of its sessions.

    A viewer fills in the kind and the fields of frames that have none. Raises UserError.
    """
    if isinstance(source, Path):
        try:
            lines: Iterable[str] = source.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{source} cannot be read ({error}): give a sample file") from error
        name = source.name
    else:
        lines, name = source, "sample"
    loader = _Loader(recording, viewer)
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            loader.load(json.loads(line, parse_float=Decimal))
        except KeyError as error:
            raise UserError(f"{name}, line {number}: {error} is missing or unknown") from error
        except (
            ValueError,
            TypeError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise UserError(f"{name}, line {number}: {error}") from error
    loader.finish()
    return loader.sessions


class _Loader:
    def __init__(self, recording: Recording, viewer: Viewer | None) -> None:
        self._recording = recording
        self._viewer = viewer
        self.sessions: list[int] = []
        self._start = 0
        self._flows: dict[Any, int] = {}
        self._protocols: dict[int, str] = {}
        self._frames: dict[Any, int] = {}
        self._endings: list[Callable[[], None]] = []

    def load(self, row: dict[str, Any]) -> None:
        _LOADERS[row["row"]](self, row)

    def finish(self) -> None:
        """End what the last session's rows say has ended."""
        for ending in self._endings:
            ending()
        self._endings = []

    def _at(self, seconds: Any) -> int:
        return self._start + int(Decimal(seconds) * 1_000_000)

    def _frame_id(self, row: dict[str, Any], name: str) -> int | None:
        return self._frames[row[name]] if name in row else None

    def _flow_id(self, row: dict[str, Any]) -> int | None:
        return self._flows[row["flow"]] if "flow" in row else None

    def _session(self, row: dict[str, Any]) -> None:
        self.finish()
        self._flows, self._frames, self._protocols = {}, {}, {}
        self._start = micros(row["started_at"])
        session_id = self._recording.add_session(
            game=row.get("game"),
            client=row["client"],
            origin=Origin(row.get("origin", Origin.RECORD)),
            note=row.get("note"),
            uid=row.get("uid"),
            at=self._start,
        )
        self.sessions.append(session_id)
        if "ended_at" in row:
            end = self._at(row["ended_at"])
            self._endings.append(lambda: self._recording.end_session(session_id, at=end))

    def _flow(self, row: dict[str, Any]) -> None:
        flow_id = self._recording.add_flow(
            session_id=self.sessions[-1],
            protocol=row["protocol"],
            transport=Transport(row["transport"]),
            client=row["client"],
            server=row.get("server"),
            hostname=row.get("hostname"),
            parent_frame_id=self._frame_id(row, "parent"),
            opened_at=self._at(row["opened_at"]),
        )
        self._flows[row["flow"]] = flow_id
        self._protocols[flow_id] = row["protocol"]
        if "closed_at" in row:
            end, reason = self._at(row["closed_at"]), row.get("close_reason", "closed")
            self._endings.append(lambda: self._recording.close_flow(flow_id, end, reason))

    def _frame(self, row: dict[str, Any]) -> None:
        flow_id = self._flows[row["flow"]]
        raw, plain, sent = (
            to_bytes(row[name]) if name in row else None for name in ("raw", "plain", "sent")
        )
        fields = row.get("fields")
        frame = Frame(
            direction=Direction.parse(row["direction"]),
            at=self._at(row["at"]),
            raw=raw,
            plain=plain,
            sent=sent,
            cipher=row.get("cipher"),
            error=row.get("error"),
            protocol=row.get("protocol"),
            derived=_plain_json(row.get("derived")),
            action=Action(row["action"]) if "action" in row else None,
            kind=row.get("kind"),
            fields=None if fields is None else _json(_plain_json(fields)),
        )
        if frame.kind is None and self._viewer is not None:
            shown = self._viewer.view(self._protocols[flow_id], frame)
            frame.kind, frame.fields, frame.error = shown.kind, _json(shown.fields), shown.error
        frame_id = self._recording.append(flow_id, frame)
        if "id" in row:
            self._frames[row["id"]] = frame_id

    def _key(self, row: dict[str, Any]) -> None:
        direction = Direction.parse(row["direction"]) if "direction" in row else None
        source = row.get("source", "seen")
        key = Key(row["name"], to_bytes(row["key"]), row.get("cipher"), direction, source)
        self._recording.add_key(
            self.sessions[-1],
            key,
            flow_id=self._flow_id(row),
            frame_id=self._frame_id(row, "frame"),
        )

    def _event(self, row: dict[str, Any]) -> None:
        self._recording.add_event(
            row["kind"],
            row["detail"],
            at=self._at(row["at"]),
            session_id=self.sessions[-1],
            flow_id=self._flow_id(row),
            frame_id=self._frame_id(row, "frame"),
        )

    def _note(self, row: dict[str, Any]) -> None:
        self._recording.add_note(
            row["text"],
            session_id=self.sessions[-1],
            flow_id=self._flow_id(row),
            frame_id=self._frame_id(row, "frame"),
            at=self._at(row["created_at"]) if "created_at" in row else None,
        )


_LOADERS: dict[str, Callable[[_Loader, dict[str, Any]], None]] = {
    "session": _Loader._session,
    "flow": _Loader._flow,
    "frame": _Loader._frame,
    "key": _Loader._key,
    "event": _Loader._event,
    "note": _Loader._note,
}


def _plain_json(value: Any) -> Any:
    """JSON with ordinary floats."""
    return json.loads(json.dumps(value, default=float)) if value is not None else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
