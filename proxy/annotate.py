"""What a frame means, as the recording says it: kind, fields, and why there are none.

The same for the tap, which is in a hurry and leaves it to others where it can, and for the process
that writes the recording.
"""

from __future__ import annotations

import re

from proxy import registry
from proxy.dissector import Dissector
from proxy.flow import as_json
from proxy.keys import SessionKeys
from proxy.message import Message, Opaque
from proxy.protocol import Protocol
from recordings.model import Direction, Frame

PLACE = "proxy.annotate:Reader"
"""Where `Reader` is, for who is given the name only."""

_KEYED = re.compile(r"encipher|secret|challenge|\b(?:s?key|mask)\b")
"""What the doubts of a dissector speak of when a key is missing."""


def view(protocol: Protocol, frame: Frame) -> Message:
    """The message of a frame of that protocol's flow, whatever a protocol file does."""
    try:
        if frame.protocol is None:
            return protocol.view(frame)
        return registry.protocol(frame.protocol).view(frame)
    except Exception as error:  # a fault of the protocol file must not reach the game
        return Opaque(frame.clear, f"{type(error).__name__}: {error}")


def fill(frame: Frame, message: Message) -> None:
    """Write into a frame what its message says."""
    frame.kind = message.kind
    if message.__class__ is Opaque:
        frame.error = frame.error or message.error
        return
    try:
        frame.fields = as_json(message.fields())
    except Exception as error:  # a fault of the protocol file must not reach the game
        frame.error = frame.error or f"{type(error).__name__}: {error}"


def annotate(protocol: str, frame: Frame) -> None:
    """Fill kind, fields and error of a frame of a flow of the protocol that is named."""
    fill(frame, view(registry.protocol(protocol), frame))


class Reader:
    """Reads the frames of one flow (see `recordings.scribe.Reader`)."""

    def __init__(self, protocol: str) -> None:
        self._protocol = registry.protocol(protocol)
        self._dissector: Dissector | None = None

    def annotate(self, frame: Frame) -> None:
        """Fill kind, fields and error."""
        fill(frame, view(self._protocol, frame))

    def dissect(self, direction: Direction, raw: bytes, at: int) -> Frame:
        """The frame of the flow's next datagram, of a protocol whose dissector is apart."""
        if self._dissector is None:
            self._dissector = self._protocol.dissector(SessionKeys())
        (frame,) = self._dissector.feed(direction, raw, at)
        return frame


def lacks_key(doubt: str) -> bool:
    """Whether a doubt or an error speaks of a key that is not known."""
    return _KEYED.search(doubt) is not None
