"""Streams and datagrams that nobody described yet: every chunk or datagram is one frame.

Nothing is cut and nothing is guessed; the bytes are recorded as they came.
"""

from __future__ import annotations

from proxy.dissector import DatagramDissector, Dissector, StreamDissector
from proxy.keys import SessionKeys
from proxy.message import Message, Opaque
from proxy.protocol import Protocol
from recordings.model import Direction, Frame, Transport


class ChunkDissector(StreamDissector):
    """A stream without frames: each chunk is recorded as it was delivered, however long."""

    frame_limit = 1 << 40

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        return len(buffer) - start


class PlainDissector(DatagramDissector):
    """Datagrams of which nothing is known."""

    apart = True


def _view(frame: Frame) -> Message:
    return Opaque(frame.clear)


def _raw(name: str, transport: Transport, make: type[Dissector]) -> Protocol:
    def dissector(keys: SessionKeys) -> Dissector:
        return make(keys)

    return Protocol(
        name=name,
        title=f"any other protocol over {transport.upper()}",
        transports=(transport,),
        ports=(),
        make_dissector=dissector,
        view_frame=_view,
    )


PROTOCOLS = (
    _raw("raw-tcp", Transport.TCP, ChunkDissector),
    _raw("raw-udp", Transport.UDP, PlainDissector),
)
