"""A recording as pcapng, so that it opens in Wireshark and comes back by `understudy import`.

Every frame is one packet (only one that no packet can hold is several), at the frame's time; a TCP
flow begins with its handshake and ends with FIN or RST. What the frame says is its comment. Flows
and keys stand in a custom block, for our own import.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from recordings.captures import pcapng_writer as blocks
from recordings.captures.conversation import Endpoint
from recordings.captures.secrets import EVENT, read_secrets
from recordings.captures.synthetic import LARGEST_DATAGRAM, Connection, Path
from recordings.exporting.addresses import Addresses, endpoint
from recordings.exporting.choice import Choice
from recordings.model import Direction, Frame, Transport
from recordings.reader import Reader
from recordings.rows import FlowRow
from recordings.text import load, summary
from recordings.viewing import Viewer

PROGRAM = "Understudy"
FLOWS_PER_BLOCK = 2000
COMMENT = 2000
"""Characters of what a frame says."""


@dataclass(slots=True)
class _Open:
    """A flow, while its packets are written."""

    row: FlowRow
    ends: tuple[Endpoint, Endpoint]
    connection: Connection | None
    paths: tuple[Path, Path]

    def packets(self, side: int, payload: bytes) -> list[bytes]:
        if self.connection is not None:
            return self.connection.data(side, payload)
        return [self.paths[side].datagram(payload[:LARGEST_DATAGRAM])]


class CaptureWriter:
    """Makes the bytes of a capture."""

    def __init__(
        self,
        reader: Reader,
        choice: Choice,
        *,
        synthetic: bool = False,
        comments: bool = True,
        viewer: Viewer | None = None,
    ) -> None:
        self.frames = 0
        """Frames that have been written."""
        self.cut = 0
        """Datagrams that no packet can hold."""
        self._reader = reader
        self._choice = choice
        self._comments = comments
        self._viewer = viewer
        self._flows = choice.flows(reader)
        addresses = Addresses(synthetic=synthetic)
        self._ends = {flow.id: addresses.of(flow) for flow in self._flows}
        self._waiting = sorted(self._flows, key=lambda flow: (flow.opened_at, flow.id))[::-1]
        self._open: dict[int, _Open] = {}
        self._closing: list[tuple[int, int]] = []  # when, flow

    def blocks(self) -> Iterator[bytes]:
        """The whole file, piece by piece."""
        yield blocks.header(PROGRAM, f"frames as {self._choice.content}")
        yield from self._about()
        yield from self._secrets()
        for frame in self._choice.frames(self._reader):
            yield from self._due(frame.at)
            flow = self._open.get(frame.flow_id)
            while flow is None:  # its first frame is older than the flow says
                if not self._waiting:
                    break
                yield from self._begin(self._waiting.pop())
                flow = self._open.get(frame.flow_id)
            payload = self._choice.payload(frame)
            if flow is None or payload is None:
                continue
            comment = self._comment(frame, flow.row.protocol) if self._comments else b""
            side = int(frame.direction is Direction.TO_CLIENT)
            self.frames += 1
            self.cut += flow.connection is None and len(payload) > LARGEST_DATAGRAM
            for packet in flow.packets(side, payload):
                yield blocks.packet(frame.at, packet, comment)
        yield from self._due(1 << 62)

    # Flows

    def _due(self, at: int) -> Iterator[bytes]:
        """Handshakes and endings that come before a time."""
        while True:
            opens = self._waiting[-1].opened_at if self._waiting else at + 1
            closes = self._closing[0][0] if self._closing else at + 1
            if opens <= min(at, closes):
                yield from self._begin(self._waiting.pop())
            elif closes < at:
                yield from self._end(heapq.heappop(self._closing)[1])
            else:
                return

    def _begin(self, row: FlowRow) -> Iterator[bytes]:
        ends = self._ends[row.id]
        connection = None
        if row.transport == Transport.TCP:
            connection = Connection(*ends, row.id * 0x9E3779B1)
        flow = self._open[row.id] = _Open(
            row, ends, connection, (Path(*ends), Path(ends[1], ends[0]))
        )
        if row.closed_at is not None:
            at = max(row.closed_at, row.last_at or 0)
            heapq.heappush(self._closing, (at, row.id))
        for packet in flow.connection.greeting() if flow.connection else ():
            yield blocks.packet(row.opened_at, packet)

    def _end(self, flow_id: int) -> Iterator[bytes]:
        flow = self._open[flow_id]
        at = max(flow.row.closed_at or 0, flow.row.last_at or 0)
        for packet in flow.connection.ending(flow.row.close_reason) if flow.connection else ():
            yield blocks.packet(at, packet)

    # What is said beside the packets

    def _about(self) -> Iterator[bytes]:
        named = {
            ends[1][0]: flow.hostname
            for flow in self._flows
            for ends in [self._ends[flow.id]]
            if flow.hostname
        }
        yield blocks.names(named.items())
        games = {one.id: one.game for one in self._reader.sessions()}
        for start in range(0, len(self._flows), FLOWS_PER_BLOCK):
            flows = [
                {
                    "protocol": flow.protocol,
                    "transport": flow.transport,
                    "client": _text(self._ends[flow.id][0]),
                    "server": _text(self._ends[flow.id][1]),
                    "hostname": flow.hostname,
                    "opened_at": flow.opened_at,
                    "game": games.get(flow.session_id),
                }
                for flow in self._flows[start : start + FLOWS_PER_BLOCK]
            ]
            yield blocks.custom(json.dumps({"flows": flows}).encode())
        keys = [
            {
                "name": key.name,
                "cipher": key.cipher,
                "direction": key.direction,
                "key": key.key.hex(),
                "source": key.source,
            }
            for key in self._reader.keys(self._choice.session_id)
        ]
        for start in range(0, len(keys), FLOWS_PER_BLOCK):
            part = {"keys": keys[start : start + FLOWS_PER_BLOCK]}
            yield blocks.custom(json.dumps(part).encode())

    def _secrets(self) -> Iterator[bytes]:
        """What an imported capture brought; of all sessions, so that one alone goes without."""
        if self._choice.session_id is not None:
            return
        for event in self._reader.events():
            if event.kind == EVENT:
                with suppress(ValueError):
                    yield blocks.secrets(*read_secrets(event.detail))

    def _comment(self, frame: Frame, protocol: str) -> bytes:
        kind, fields = frame.kind, load(frame.fields)
        if kind is None and self._viewer is not None:
            shown = self._viewer.view(protocol, frame)
            kind, fields = shown.kind, shown.fields
        text = f"{kind or 'Opaque'} {summary(fields, COMMENT)}".rstrip()
        if frame.action is not None:
            text = f"[{frame.action}] {text}"
        if frame.error is not None:
            text += f" ({frame.error})"
        return text.encode("utf-8", "replace")[: blocks.LONGEST_COMMENT]


def _text(end: Endpoint) -> str:
    host, port = end
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


__all__ = ["CaptureWriter", "endpoint"]
