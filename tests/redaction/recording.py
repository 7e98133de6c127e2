"""Recordings for the tests of redaction: bytes as they would have been recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from proxy import registry
from proxy.annotate import annotate
from proxy.commands._keys import read_keys
from proxy.commands._redact import redact
from proxy.keys import SessionKeys
from proxy.redaction.replacing import Wishes
from recordings.model import Direction, Frame, Key, Origin, Transport
from recordings.reader import Reader
from recordings.writer import Recording

AT = 1_795_000_000_000_000
UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
Said = tuple[Direction, bytes]


def add(
    recording: Recording,
    protocol: str,
    said: Iterable[Said],
    *,
    keys: Sequence[Key] = (),
    secrets: dict[str, str] | None = None,
    transport: Transport | None = None,
    **flow: Any,
) -> int:
    """A session of one flow; returns the flow's id."""
    known = registry.protocol(protocol)
    transport = transport or known.transports[0]
    session = recording.add_session(game=None, client="198.51.100.77", origin=Origin.RECORD, at=AT)
    given = [Key(k.name, k.key, k.cipher, k.direction, "given") for k in keys]
    for key in given:
        recording.add_key(session, key)
    facts: dict[str, Any] = {
        "client": "198.51.100.77:4321",
        "server": "203.0.113.9:80",
        "opened_at": AT,
    } | flow
    flow_id = recording.add_flow(
        session_id=session, protocol=protocol, transport=transport, **facts
    )
    machine = known.dissector(SessionKeys(given, secrets or {}), transport)
    for number, (way, data) in enumerate(said):
        for frame in machine.feed(way, data, AT + number):
            annotate(protocol, frame)
            recording.append(flow_id, frame)
            for key in frame.keys:
                recording.add_key(session, key, flow_id=flow_id, frame_id=frame.id)
    recording.close_flow(flow_id, AT + 1_000, "closed")
    recording.end_session(session, at=AT + 1_000)
    return flow_id


def redacted(
    path: Path, *, keep: tuple[str, ...] = (), also: tuple[str, ...] = (), seed: str | None = "s",
    game_key: tuple[str, ...] = (),
) -> Path:  # fmt: skip
    copy = path.with_name(f"{path.stem}-copy.db")
    redact(path, copy, Wishes.of(keep, also), *read_keys(None, (), game_key), seed)
    return copy


def frames(path: Path) -> list[Frame]:
    with Reader.open(path) as reader:
        return list(reader.frames())
