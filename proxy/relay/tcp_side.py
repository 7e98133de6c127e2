"""One end of a TCP flow: an asyncio protocol that writes what it reads to its peer, bytes first.

What a side reads is written to the other at once and shown to the sink afterwards, unless the sink
holds the direction.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from proxy.relay.api import Sink
from proxy.relay.flow import Mute, lingers
from recordings.model import Direction

if TYPE_CHECKING:
    from proxy.relay.tcp import TcpFlow

HOLD_LIMIT = 1 << 20
"""Bytes that a sink may keep back before they are flushed."""
HOLD_TIME = 0.25
"""Seconds that it may keep them without anything new."""
HOLD_MOST = 5.0
"""Seconds that it may keep them though there is more all the time: what never becomes a frame is
none, and a game that speaks on must not wait for that."""
HIGH_WATER = 256 << 10
"""Bytes that wait for a slow reader before the other side is no longer read."""

STARTING, PEER_FULL, CONGESTED, BRAKED = 1, 2, 4, 8
"""Reasons not to read a side, as bits."""

_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 60), ("TCP_KEEPCNT", 10))
"""Ten minutes: a connection outlives a network that is away for a while, as it would without us."""


def _drop(data: bytes) -> None:
    """Where bytes for a side go that is not there."""


class Side(asyncio.Protocol):
    """One end of a flow. What is read here goes to the `peer`."""

    __slots__ = (
        "began",
        "direction",
        "ended",
        "flow",
        "held",
        "late",
        "lingers",
        "lost",
        "moved",
        "name",
        "paused",
        "peer",
        "seen",
        "sink",
        "sinks",
        "transport",
        "write",
    )

    def __init__(self, flow: TcpFlow, direction: Direction, name: str) -> None:
        self.flow = flow
        self.sinks = flow.host.sinks
        self.direction = direction
        self.name = name
        self.peer: Side = self
        self.transport: asyncio.Transport | None = None
        self.write: Callable[[bytes], None] = _drop  # to the peer
        self.paused = 0
        self.ended = False  # it has sent its last byte
        self.lingers = False  # which the sink passes on later
        self.lost = False  # its socket is closed
        self.late: asyncio.TimerHandle | None = None
        self.began = self.moved = 0.0  # when the first and the last of what is kept back came
        self.use(Mute())

    def use(self, sink: Sink) -> None:
        """Show what is read to this sink."""
        self.sink = sink
        self.held = sink.held
        self.seen = sink.seen

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        _keep_alive(transport)
        self.peer.write = transport.write
        self.flow.connected(self)

    def data_received(self, data: bytes) -> None:
        try:
            held = self.held(self.direction)
        except Exception as error:
            held = self.flow.failed(error)
        if held:
            self._through(data)
        else:
            self.write(data)
            try:
                self.seen(self.direction, data)
            except Exception as error:
                self.flow.failed(error)
        if self.sinks.congested:
            self.pause(CONGESTED)
            self.flow.host.congested.add(self)

    def eof_received(self) -> bool:
        self.ended = True
        self.give_back(self._safely(self.sink.ended))
        self.lingers = lingers(self.sink, self.direction)
        if not self.lingers:
            self.flow.side_ended(self)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.peer.write = _drop
        self.flow.side_lost(self, exc)

    def pause_writing(self) -> None:
        self.peer.pause(PEER_FULL)

    def resume_writing(self) -> None:
        self.peer.resume(PEER_FULL)

    # held directions

    def _through(self, data: bytes) -> None:
        try:
            out = self.sink.through(self.direction, data)
            kept = self.sink.pending(self.direction)
        except Exception as error:
            self.flow.failed(error)
            out, kept = [data], 0
        if out:
            self.write(b"".join(out))
        if kept >= HOLD_LIMIT:
            self.flush()
        elif kept:
            loop = self.flow.loop
            self.moved = loop.time()
            if out or not self.began:
                self.began = self.moved
            if self.late is None:
                self.late = loop.call_later(HOLD_TIME, self._waited)
        else:
            self.began = 0.0

    def _waited(self) -> None:
        self.late = None
        if not self.began:
            return  # it became frames
        until = min(self.moved + HOLD_TIME, self.began + HOLD_MOST)
        rest = until - self.flow.loop.time()
        if rest > 0.001:
            self.late = self.flow.loop.call_later(rest, self._waited)
        else:
            self.flush()

    def flush(self) -> None:
        """Give up waiting for the rest of a part-frame."""
        self.began = 0.0
        self.give_back(self._safely(self.sink.flush))

    def give_back(self, out: Iterable[bytes]) -> None:
        """Forward what the sink gave up."""
        data = b"".join(out)
        if data and not self.peer.finished:
            self.write(data)

    def _safely(self, ask: Callable[[Direction], list[bytes]]) -> list[bytes]:
        try:
            return ask(self.direction)
        except Exception as error:
            self.flow.failed(error)
            return []

    # reading and writing

    @property
    def finished(self) -> bool:
        """Nothing can be written to it any more."""
        return self.transport is None or self.lost or self.transport.is_closing()

    def pause(self, reason: int) -> None:
        """Stop reading for one more reason."""
        if not self.paused and not self.ended and self.transport is not None:
            self.transport.pause_reading()
        self.paused |= reason

    def resume(self, reason: int) -> None:
        """One reason less not to read."""
        before, self.paused = self.paused, self.paused & ~reason
        if before and not self.paused and not self.ended and not self.finished:
            assert self.transport is not None
            self.transport.resume_reading()

    def relieve(self) -> None:
        """The store has caught up."""
        self.resume(CONGESTED)

    def end(self) -> None:
        """Write no more: half-close."""
        if not self.finished and self.transport is not None:
            self.peer.write = _drop
            with contextlib.suppress(OSError):
                self.transport.write_eof()

    def shut(self, *, reset: bool = False) -> None:
        """Close the socket, after what waits to be written; with a reset if so wanted."""
        if self.late is not None:
            self.late.cancel()
            self.late = None
        if self.transport is None or self.lost:
            return
        if reset:
            with contextlib.suppress(OSError, AttributeError):
                sock = self.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.close()

    def dead(self) -> bool:
        """Whether the kernel has given the connection up."""
        try:
            sock = self.transport.get_extra_info("socket") if self.transport else None
            return sock is not None and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        except OSError:
            return True


def _keep_alive(transport: asyncio.Transport) -> None:
    """Find out about a machine that vanished. (TCP_NODELAY is set by both transports.)"""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
