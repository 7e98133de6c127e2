"""TCP flows: a client, a server, and what happens between their first and last byte.

Nothing is read from the client before the server is there, so that what it says early waits in the
kernel, which is bounded; the server is dialled at once, so that one which greets first can.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.relay.api import Address, Sink, show_address
from proxy.relay.flow import (
    Mute,
    call_later,
    defect,
    open_sink,
    start_sink,
    takes_over,
    tell,
    tell_closed,
)
from proxy.relay.sockets import plain_address
from proxy.relay.stream import NO_FILES
from proxy.relay.tcp_side import BRAKED, STARTING, Side
from proxy.relay.why import why
from recordings.errors import UserError
from recordings.model import Direction

if TYPE_CHECKING:
    from proxy.relay.tcp_listener import TcpListener

CONNECT_TIMEOUT = 10.0
FILES_CHECK = 0.25
"""Seconds between two tries to connect when files have run out."""
LINGER_TIME = 120.0
"""Seconds without a byte taken after which the last ones are given up, once the flow has ended."""
HALF_CLOSED_CHECK = 30.0
"""Seconds between looks at a side that has ended: asyncio no longer watches it."""


class TcpFlow:
    """One TCP connection of a client and ours to the server. It is the sink's `Pipe`."""

    direct = True

    def __init__(self, listener: TcpListener) -> None:
        self.listener = listener
        self.host = listener.host
        self.listen = listener.listen
        self.loop = asyncio.get_running_loop()
        self.client = Side(self, Direction.TO_SERVER, "client")
        self.server = Side(self, Direction.TO_CLIENT, "server")
        self.client.peer, self.server.peer = self.server, self.client
        self.address: Address = ("", 0)
        self.local: Address = listener.address
        self.upstream: Address | None = None
        self.sink: Sink = Mute()
        self.over = False
        self._opened = False
        self._dialling: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    # beginning

    def connected(self, side: Side) -> None:
        """A socket is there: first the client's, then the server's."""
        if side is self.server:
            self._ready()
            return
        assert side.transport is not None
        self.address = plain_address(side.transport.get_extra_info("peername") or ("", 0))
        self.local = plain_address(side.transport.get_extra_info("sockname") or self.local)
        if not self.listener.admit(self):
            self.over = True
            side.shut(reset=True)
            return
        side.pause(STARTING)
        if self.listen.upstream is None:
            self._open(None)
            self._ready()
            return
        host, port = self.listen.upstream
        known = self.host.resolver.fresh(host)
        if known is not None:
            self._open((known, port))
        self._dialling = self.loop.create_task(self._dial(host, port))

    def _open(self, server: Address | None) -> None:
        if self._opened:
            return
        self._opened = True
        self.upstream = server
        self.sink = open_sink(self.host.sinks, self.listen, self.address, server, self.local)
        self.client.use(self.sink)
        self.server.use(self.sink)

    async def _dial(self, host: str, port: int) -> None:
        where = show_address((host, port))
        try:
            server = (await self.host.resolver.resolve(host), port)
            if self.over:
                return
            self._open(server)
            self.listener.check_server(server)
            await self._connect(server)
        except UserError as error:
            self._refused(str(error))
        except OSError as error:  # a TimeoutError too
            self.host.resolver.doubt(host)
            late = isinstance(error, TimeoutError)
            what = "does not answer" if late else f"cannot be reached: {why(error)}"
            self._refused(f"the server {where} {what}")

    async def _connect(self, server: Address) -> None:
        patience = self.loop.time() + CONNECT_TIMEOUT
        while True:
            try:
                await self.host.outward.connect(lambda: self.server, server, CONNECT_TIMEOUT)
            except OSError as error:  # other flows end: the client waits as for a slow server
                if error.errno not in NO_FILES or self.loop.time() >= patience:
                    raise
            else:
                return
            await asyncio.sleep(FILES_CHECK)

    def _ready(self) -> None:
        if self.over:  # stopped while dialling
            self.server.shut()
            return
        start_sink(self.sink, self)
        self.client.resume(STARTING)

    def _refused(self, sentence: str) -> None:
        if self.over:
            return
        self._open(None)
        tell(self.sink, "refused", sentence)
        if takes_over(self.sink, sentence):
            self._ready()
        else:
            self.close("refused")

    def failed(self, error: Exception) -> bool:
        """The sink failed: go on without it. Always False, for `held`."""
        defect(self.sink, error)
        for side in (self.client, self.server):
            with contextlib.suppress(Exception):
                side.give_back(self.sink.flush(side.direction))
        mute = Mute()
        self.client.use(mute)
        self.server.use(mute)
        return False

    # ending

    def side_ended(self, side: Side) -> None:
        """One side sent its last byte; the other direction goes on."""
        peer = side.peer
        if self.over:
            return
        if peer.transport is None or (peer.ended and not peer.lingers):
            self.close(f"{'server' if peer is self.server and peer.ended else 'client'} closed")
            return
        peer.end()
        if self._timer is None:
            self._timer = self.loop.call_later(HALF_CLOSED_CHECK, self._check_half_closed)

    def _check_half_closed(self) -> None:
        dead = [s for s in (self.client, self.server) if s.ended and s.dead()]
        if dead:
            self.close(f"{dead[0].name} closed")
        else:
            self._timer = self.loop.call_later(HALF_CLOSED_CHECK, self._check_half_closed)

    def side_lost(self, side: Side, error: Exception | None) -> None:
        """A socket is closed: by us, or by a reset, which is passed on as one."""
        if not self.over:
            if error is not None:
                tell(self.sink, "reset", f"the {side.name} reset the connection")
                self.close(f"{side.name} reset", reset=True)
            else:
                self.close(f"{side.name} closed")
        if self.client.lost and (self.server.lost or self.server.transport is None):
            self._forget()

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.listener.forget(self)

    def close(self, reason: str, *, reset: bool = False) -> None:
        """End the flow: what is kept back is forwarded, the sink is told once."""
        if self.over:
            return
        self.over = True
        for side in (self.client, self.server):
            side.flush()
            self.host.congested.discard(side)
        for side in (self.client, self.server):
            side.shut(reset=reset)
        if self._dialling is not None:
            self._dialling.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._linger(0)
        tell_closed(self.sink, reason)

    def _linger(self, before: int) -> None:
        """Give up a reader that takes nothing of what `before` waited for it already."""
        left = self.waiting(Direction.TO_SERVER) + self.waiting(Direction.TO_CLIENT)
        if left == before != 0:
            self.abort()
        else:
            self._timer = self.loop.call_later(LINGER_TIME, self._linger, left)

    def abort(self) -> None:
        """Close the sockets now, whatever still waits to be written."""
        for side in (self.client, self.server):
            if side.transport is not None and not side.lost:
                side.transport.abort()

    # the pipe

    def send(self, direction: Direction, data: bytes) -> None:
        """Bytes of a stand-in, a fault or a mutation."""
        if data and not self.over:  # where nothing can be written any more, nothing is
            (self.client if direction is Direction.TO_SERVER else self.server).write(data)

    def waiting(self, direction: Direction) -> int:
        """Bytes of that direction which the receiver has not taken yet."""
        side = self.server if direction is Direction.TO_SERVER else self.client
        return 0 if side.transport is None else side.transport.get_write_buffer_size()

    def end(self, direction: Direction) -> None:
        """Half-close, as if that side had sent its last byte."""
        if self.over:
            return
        side = self.client if direction is Direction.TO_SERVER else self.server
        if side.lingers:
            side.lingers = False
            self.side_ended(side)
        else:
            side.peer.end()

    def pause(self, direction: Direction) -> None:
        """See `Brake`."""
        (self.client if direction is Direction.TO_SERVER else self.server).pause(BRAKED)

    def go_on(self, direction: Direction) -> None:
        """See `Brake`."""
        (self.client if direction is Direction.TO_SERVER else self.server).resume(BRAKED)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after some seconds."""
        call_later(seconds, call)
