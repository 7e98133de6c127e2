"""Reading a recorded session again with the protocols and keys of today.

What the recording says of a frame is kept unless it can be read better now: samples and imports
hold raw bytes alone, and a key may have been found since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proxy import registry
from proxy.dissector import Dissector
from proxy.keys import SessionKeys
from proxy.protocol import Protocol
from recordings.model import Direction, Frame, Key, Transport
from recordings.reader import Reader
from recordings.rows import FlowRow


@dataclass
class Loaded:
    """One session as it can be read now."""

    flows: list[FlowRow]
    frames: dict[int, list[Frame]]
    """Flow -> its frames."""
    keys: list[Key] = field(default_factory=list)
    """All keys, in the order in which they were seen."""
    said: list[Key] = field(default_factory=list)
    """Those that the client said first, and those that the user gave."""


def load(
    reader: Reader,
    session: int,
    given: Iterable[Key] = (),
    secrets: Mapping[str, str] | None = None,
) -> Loaded:
    """Read a session; `given` and `secrets` are keys that the recording may not hold."""
    flows = reader.flows(session)
    rows = reader.keys(session)
    kept = [row.as_key() for row in rows]
    given = (*given, *(key for key in kept if key.source == "given"))
    loaded = Loaded(flows, {flow.id: [] for flow in flows}, list(given), list(given))
    keys = SessionKeys((*given,), secrets)
    protocols = {flow.id: registry.protocol(flow.protocol) for flow in flows}
    dissectors = {
        flow.id: protocols[flow.id].dissector(keys, Transport(flow.transport)) for flow in flows
    }
    sides: dict[int, Direction] = {}
    for frame in reader.frames(session_id=session):
        again = _again(dissectors[frame.flow_id], frame)
        if again is not None:
            _take(frame, again, protocols[frame.flow_id])
        loaded.frames[frame.flow_id].append(frame)
        sides[frame.id] = frame.direction
        for key in frame.keys:
            if frame.direction is Direction.TO_SERVER and key not in loaded.keys:
                loaded.said.append(key)
            loaded.keys.append(key)
    told = {
        (key.name, key.key)
        for row, key in zip(rows, kept, strict=True)
        if sides.get(row.frame_id or 0) is Direction.TO_CLIENT
    }
    loaded.keys += kept
    loaded.said = [key for key in loaded.said if (key.name, key.key) not in told]
    return loaded


def _again(dissector: Dissector, frame: Frame) -> Frame | None:
    """The frame as it is cut now; None when it is cut otherwise, or was no frame of the peer."""
    if frame.raw is None:
        return None
    cut = dissector.feed(frame.direction, frame.raw, frame.at)
    return cut[0] if len(cut) == 1 and cut[0].raw == frame.raw else None


def _take(frame: Frame, again: Frame, protocol: Protocol) -> None:
    """What is known better now."""
    frame.keys = again.keys
    if again.error is not None and frame.error is None and frame.kind is not None:
        return
    if again.plain is None and frame.plain is not None:
        return
    frame.plain, frame.cipher = again.plain, again.cipher
    frame.error, frame.derived = again.error, again.derived
    if again.protocol is not None or frame.protocol == protocol.name:
        frame.protocol = again.protocol
