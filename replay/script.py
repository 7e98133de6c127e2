"""A recorded session as a script: its flows as legs, each hanging from the frame that announced it.

Sans-io. An announced endpoint is another one at every run; here it is read from a live message, or
written into a recorded one, as the protocol declares it (`Protocol.announces`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from proxy import registry
from proxy.keys import SessionKeys
from proxy.message import FieldError, Message
from proxy.protocol import Announce, Protocol
from proxy.relay.api import Address
from recordings.errors import UserError
from recordings.model import Frame
from recordings.reader import Reader
from recordings.rows import FlowRow


@dataclass(eq=False)
class Leg:
    """One flow of the session, and the legs that its frames announced."""

    flow: FlowRow
    protocol: Protocol
    frames: list[Frame]
    announced: dict[int, Leg] = field(default_factory=dict)
    """Frame id -> the leg that it announced."""

    def all(self) -> Iterator[Leg]:
        """This leg and all below it."""
        yield self
        for leg in self.announced.values():
            yield from leg.all()


def legs_of(reader: Reader, session_id: int) -> list[Leg]:
    """The legs that nothing announced, the others below them; raises UserError."""
    legs = [
        Leg(flow, registry.protocol(flow.protocol), list(reader.frames(flow_id=flow.id)))
        for flow in reader.flows(session_id)
    ]
    if not any(leg.frames for leg in legs):
        raise UserError(f"session {session_id} holds no frames: choose another (`sessions`)")
    by_frame = {frame.id: leg for leg in legs for frame in leg.frames}
    roots = []
    for leg in legs:
        parent = by_frame.get(leg.flow.parent_frame_id or 0)
        if parent is None:
            roots.append(leg)
        else:
            parent.announced[leg.flow.parent_frame_id or 0] = leg
    return roots


def announcing(protocol: Protocol, frame: Frame) -> tuple[Announce, Message] | None:
    """What a frame announces, None when it announces nothing."""
    message = protocol.view(frame)
    for announce in protocol.announces:
        if (announce.kind, announce.direction) != (message.kind, frame.direction):
            continue
        if announce.when is not None and not announce.when(message):
            continue
        try:
            message.get(announce.host or announce.port or "")
        except FieldError:
            continue  # the endpoint stands in other fields, of another announcement
        return announce, message
    return None


def readdressed(leg: Leg, addresses: Mapping[int, Address]) -> Iterable[Frame]:
    """The frames of a leg, announcements rewritten: frame id -> the endpoint to announce."""
    dissector = leg.protocol.dissector(SessionKeys())
    for frame in leg.frames:
        found = announcing(leg.protocol, frame) if frame.id in addresses else None
        if found is None:
            yield frame
            continue
        announce, message = found
        host, port = addresses[frame.id]
        if announce.host is not None:
            message = message.set(announce.host, host)
        if announce.port is not None:
            message = message.set(announce.port, str(port))
        yield Frame(frame.direction, frame.at, dissector.seal(frame.direction, message.encode()))
