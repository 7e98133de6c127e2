"""Our own endpoint in the place of each one that a recorded message announces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.protocol import Protocol
from recordings.errors import UserError
from replay.adaptive.lines import Line
from replay.adaptive.memory import Memory
from replay.standin.pool import announced_by

if TYPE_CHECKING:
    from replay.standin.performer import Performer


def announce(performer: Performer, memory: Memory, line: Line, protocol: Protocol) -> None:
    """Have it ready before the message is said, and known to the memory of the session.

    What cannot be had is noted on the flow; the recorded endpoint is said then.
    """
    known = announced_by(protocol, line)
    if known is None:
        return
    host = str(line.message.get(known.host)) if known.host else ""
    port = str(line.message.get(known.port)) if known.port else ""
    if known.host == known.port:
        host, _, port = host.rpartition(":")
    way, cast = known.transport, performer.cast
    try:
        address = cast.reach(performer.client, known.protocol, way, known.role, False)
    except UserError as error:
        performer.note("not-adapted", str(error))
        return
    number = int(port) if port.isdigit() else 0
    for where in (host, ""):  # two announcements may share one port
        memory.endpoints[where, number] = address
