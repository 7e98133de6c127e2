"""What TCP and UDP flows have in common: who is served, how a sink is called, what the host knows.

A sink is other people's code: when it fails, the bytes go on as they came and the failure is said
once, since a defect of ours must not end a game.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from proxy.relay.api import Actor, Address, Lingers, Listen, Pipe, Sink, Sinks
from proxy.relay.resolver import Resolver
from proxy.relay.sockets import Outward
from recordings.model import Direction

if TYPE_CHECKING:
    from proxy.relay.datagrams import DatagramSocket

DEFAULT_IDLE = 300.0


def default_idle(protocol: str) -> float:
    """Seconds of silence after which a UDP flow is closed."""
    return DEFAULT_IDLE


class Mute:
    """A sink that takes nothing down: what a flow goes on with after its own sink failed."""

    def held(self, direction: Direction) -> bool:
        return False

    def seen(self, direction: Direction, data: bytes) -> None:
        pass

    def through(self, direction: Direction, data: bytes) -> list[bytes]:
        return [data]

    def pending(self, direction: Direction) -> int:
        return 0

    def flush(self, direction: Direction) -> list[bytes]:
        return []

    def ended(self, direction: Direction) -> list[bytes]:
        return []

    def event(self, kind: str, detail: str) -> None:
        pass

    def closed(self, reason: str) -> None:
        pass


class Host(Protocol):
    """What a listener asks of the engine."""

    sinks: Sinks
    resolver: Resolver
    outward: Outward
    idle: Callable[[str], float]
    peers: Callable[[str], bool]
    """Whether other players may speak to a client of that protocol."""
    time: Callable[[], float]
    """Seconds, monotonic; tests drive it."""
    congested: set[Congested]
    """Who has stopped reading until the store has caught up."""

    def rests(self, sock: DatagramSocket) -> None:
        """A socket of datagrams is not read until the store has caught up: some may be lost."""
        ...

    def notice(self, kind: str, detail: str) -> None:
        """Something happened that is not about one flow."""
        ...


class Congested(Protocol):
    """Somebody who waits for the store."""

    def relieve(self) -> None:
        """Read again."""
        ...


class Often:
    """Says a thing the first time, and then how often it happened, once in a while."""

    def __init__(self, kind: str, host: Host) -> None:
        self._kind = kind
        self._host = host
        self._sentence = ""
        self._more = 0

    def happened(self, times: int, sentence: str) -> None:
        """It happened: said at once if it is the first time."""
        if not self._sentence:
            self._host.notice(self._kind, f"{sentence} (said once; then in numbers)")
        else:
            self._more += times
        self._sentence = sentence

    def rest(self) -> None:
        """Say what happened since."""
        more, self._more = self._more, 0
        if more:
            self._host.notice(self._kind, f"{self._sentence}: {more} more")


def call_later(seconds: float, call: Callable[[], None]) -> None:
    """A pipe's `later`: a call that fails is said, and harms nothing else."""

    def safely() -> None:
        try:
            call()
        except Exception:
            report("what a sink put off could not be done")

    asyncio.get_running_loop().call_later(seconds, safely)


def open_sink(
    sinks: Sinks, listen: Listen, client: Address, server: Address | None, local: Address
) -> Sink:
    """The sink of a new flow, a mute one when it cannot be made."""
    try:
        return sinks.opened(listen, client, server, local)
    except Exception:
        report("the sink of a new flow could not be made")
        return Mute()


def start_sink(sink: Sink, pipe: Pipe) -> None:
    """Hand the pipe to a sink that says something by itself."""
    if isinstance(sink, Actor):
        try:
            sink.started(pipe)
        except Exception as error:
            defect(sink, error)


def takes_over(sink: Sink, reason: str) -> bool:
    """Whether the sink answers the client although there is no server."""
    try:
        return isinstance(sink, Actor) and sink.takes_over(reason)
    except Exception as error:
        defect(sink, error)
        return False


def lingers(sink: Sink, direction: Direction) -> bool:
    """Whether the sink ends that direction by itself, later."""
    try:
        return isinstance(sink, Lingers) and sink.lingers(direction)
    except Exception as error:
        defect(sink, error)
        return False


def tell(sink: Sink, kind: str, detail: str) -> None:
    """An event; a sink that fails here is beyond help."""
    try:
        sink.event(kind, detail)
    except Exception:
        report(f"an event could not be told: {kind}: {detail}")


def tell_closed(sink: Sink, reason: str) -> None:
    """The end of the flow."""
    try:
        sink.closed(reason)
    except Exception:
        report("the end of a flow could not be told")


def defect(sink: Sink, error: Exception) -> None:
    """The sink failed: say it in the recording and on stderr."""
    report("a sink failed, its flow goes on unrecorded")
    with contextlib.suppress(Exception):
        sink.event("defect", f"{type(error).__name__}: {error}")


def report(what: str) -> None:
    """A defect of ours, for the bug report; that nobody can read it must not be another one."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"understudy: {what}\n{traceback.format_exc()}")
