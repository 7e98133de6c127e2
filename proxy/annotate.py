"""What a frame means, as the recording says it: kind, fields, and why there are none.

The same for the tap, which is in a hurry and leaves it to others where it can, and for the process
that writes the recording.
"""

from __future__ import annotations

import re

from proxy import registry
from proxy.flow import as_json
from proxy.message import Message, Opaque
from proxy.protocol import Protocol
from recordings.model import Frame

PLACE = "proxy.annotate:annotate"
"""Where `annotate` is, for who is given the name only."""

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
    else:
        frame.fields = as_json(message.fields())


def annotate(protocol: str, frame: Frame) -> None:
    """Fill kind, fields and error of a frame of a flow of the protocol that is named."""
    fill(frame, view(registry.protocol(protocol), frame))


def lacks_key(doubt: str) -> bool:
    """Whether a doubt or an error speaks of a key that is not known."""
    return _KEYED.search(doubt) is not None
