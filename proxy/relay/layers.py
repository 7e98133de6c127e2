"""The relay as a layer of mitmproxy, for what comes by mitmproxy's own modes.

`transparent`, `socks5`, `wireguard` and `local` know the destination and own the sockets; this
layer gives their bytes to the same sinks as our own listeners do. It is slower, and an empty
datagram ends a flow there.

Touched of mitmproxy: `proxy.layer.Layer` and `NextLayer` (layer, context), `proxy.commands`
(SendData, OpenConnection, CloseConnection, CloseTcpConnection, RequestWakeup), `proxy.events`
(Start, DataReceived, ConnectionClosed, Wakeup, Event), `connection.ConnectionState`.
"""

# mitmproxy is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

from proxy.relay.lean import lean_mitmproxy

with lean_mitmproxy():
    import mitmproxy.addons.proxyserver  # noqa: F401  first, or its parts import each other in vain
    from mitmproxy.connection import ConnectionState
    from mitmproxy.proxy import commands, events, layer
    from mitmproxy.proxy.context import Context

from proxy.relay.api import Sink
from proxy.relay.destinations import WayFace
from proxy.relay.flow import (
    Mute,
    call_later,
    defect,
    lingers,
    open_sink,
    start_sink,
    takes_over,
    tell,
    tell_closed,
)
from proxy.relay.mode_host import TUNNEL_DNS, DatagramHost, ModeHost
from proxy.relay.sockets import plain_address
from proxy.relay.tcp_side import HOLD_LIMIT, HOLD_MOST, HOLD_TIME
from recordings.model import Direction, Transport

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
Commands = Generator[commands.Command, Any, None]


class Nudge(events.Event):
    """The sink has something to send although nothing came."""


class RelayLayer(layer.Layer):
    """One flow of a mode of mitmproxy; the sink's `Pipe`."""

    def __init__(self, context: Context, host: ModeHost, nudge: Callable[[Any], None]) -> None:
        super().__init__(context)
        transport = Transport(context.client.transport_protocol)
        server = plain_address(context.server.address or ("", 0))
        self.host = host
        self.listen = host.listen_for(transport, server)
        self.local = server
        self.sink: Sink = Mute()
        self.tap: Sink = self.sink
        self.over = False
        self._nudge = nudge
        self._inside = False
        self._out: list[commands.Command] = []
        self._moved = {UP: 0, DOWN: 0}  # counts chunks, so that a wakeup knows if any came since
        self._began = {UP: 0.0, DOWN: 0.0}  # when the first of what is kept back came
        self._wakeups: dict[Any, tuple[Direction, int]] = {}
        self._lingering: set[Direction] = set()

    def _handle_event(self, event: events.Event) -> Commands:
        self._inside = True
        try:
            if isinstance(event, events.Start):
                yield from self._start()
            elif self.over:
                pass
            elif isinstance(event, events.DataReceived):
                self._came(self._from(event.connection), event.data)
            elif isinstance(event, events.ConnectionClosed):
                self._ended(self._from(event.connection))
            elif isinstance(event, events.Wakeup):
                self._waited(event.command)
        finally:
            self._inside = False
        while self._out:
            yield self._out.pop(0)

    def _from(self, connection: Any) -> Direction:
        return UP if connection == self.context.client else DOWN

    def _start(self) -> Commands:
        client = plain_address(self.context.client.peername)
        server = self.local if self.listen.upstream is not None else None
        self.sink = self.tap = open_sink(self.host.sinks, self.listen, client, server, self.local)
        if server is not None and not self.context.server.connected:
            error = yield commands.OpenConnection(self.context.server)
            if error:
                sentence = f"the server cannot be reached: {error}"
                tell(self.sink, "refused", sentence)
                if not takes_over(self.sink, sentence):
                    self.close("refused")
                    return
        start_sink(self.sink, self)

    def _came(self, direction: Direction, data: bytes) -> None:
        try:
            held = self.tap.held(direction)
        except Exception as error:
            self._failed(error)
            held = False
        if not held:
            self.send(direction, data)
            try:
                self.tap.seen(direction, data)
            except Exception as error:
                self._failed(error)
            return
        try:
            out = self.tap.through(direction, data)
            kept = self.tap.pending(direction)
        except Exception as error:
            self._failed(error)
            out, kept = [data], 0
        self._send_all(direction, out)
        self._moved[direction] += 1
        if out or not kept:
            self._began[direction] = 0.0
        if kept >= HOLD_LIMIT:
            self._give_up(direction)
        elif kept:
            self._began[direction] = self._began[direction] or time.monotonic()
            wakeup = commands.RequestWakeup(HOLD_TIME)
            self._wakeups[wakeup] = (direction, self._moved[direction])
            self._out.append(wakeup)

    def _waited(self, wakeup: Any) -> None:
        direction, moved = self._wakeups.pop(wakeup, (UP, -1))
        began = self._began[direction]
        if moved == self._moved[direction] or 0 < began <= time.monotonic() - HOLD_MOST:
            self._give_up(direction)

    def _give_up(self, direction: Direction) -> None:
        self._began[direction] = 0.0
        self._send_all(direction, self._safely(self.tap.flush, direction))

    def _ended(self, direction: Direction) -> None:
        self._send_all(direction, self._safely(self.tap.ended, direction))
        if lingers(self.sink, direction):
            self._lingering.add(direction)
            return
        self._pass_end(direction)

    def _pass_end(self, direction: Direction) -> None:
        client, server = self.context.client, self.context.server
        over = (
            self.listen.transport is Transport.UDP
            or not (self._lingering or (client.state | server.state) & ConnectionState.CAN_READ)
            or (direction is UP and not server.connected)
        )
        if over:
            self.close(f"{'client' if direction is UP else 'server'} closed")
        else:
            self._half_close(direction)

    def _send_all(self, direction: Direction, out: Iterable[bytes]) -> None:
        if self.listen.transport is Transport.TCP:
            out = [b"".join(out)]
        for one in out:
            self.send(direction, one)

    def _safely(self, ask: Callable[[Direction], list[bytes]], direction: Direction) -> list[bytes]:
        try:
            return ask(direction)
        except Exception as error:
            self._failed(error)
            return []

    def _failed(self, error: Exception) -> None:
        defect(self.sink, error)
        failed, self.tap = self.tap, Mute()
        for direction in (UP, DOWN):
            with contextlib.suppress(Exception):
                self._send_all(direction, failed.flush(direction))

    # the pipe

    def _put(self, command: commands.Command) -> None:
        self._out.append(command)
        if not self._inside:
            self._nudge(self)

    def send(self, direction: Direction, data: bytes) -> None:
        """Bytes or a datagram for that direction."""
        to = self.context.server if direction is UP else self.context.client
        if data and not self.over and to.state & ConnectionState.CAN_WRITE:
            self._put(commands.SendData(to, data))

    def end(self, direction: Direction) -> None:
        """Half-close."""
        if direction in self._lingering:
            self._lingering.discard(direction)
            self._pass_end(direction)
        else:
            self._half_close(direction)

    def _half_close(self, direction: Direction) -> None:
        to = self.context.server if direction is UP else self.context.client
        if self.listen.transport is Transport.TCP and to.state & ConnectionState.CAN_WRITE:
            self._put(commands.CloseTcpConnection(to, half_close=True))

    def close(self, reason: str, *, reset: bool = False) -> None:
        """End the flow; the sink is told once."""
        if self.over:
            return
        for direction in (UP, DOWN):
            self._send_all(direction, self._safely(self.tap.flush, direction))
        self.over = True
        for connection in (self.context.server, self.context.client):
            if connection.state is not ConnectionState.CLOSED:
                self._put(commands.CloseConnection(connection))
        tell_closed(self.sink, reason)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after some seconds."""
        call_later(seconds, call)


class DatagramLayer(layer.Layer):
    """One UDP client of a mode of mitmproxy and one destination: only the way to our own sessions.

    mitmproxy gives such a way up after a minute of silence; the session, and its port to the
    server, outlives that.
    """

    def __init__(self, context: Context, host: DatagramHost, nudge: Callable[[Any], None]) -> None:
        super().__init__(context)
        self._host = host
        self._nudge = nudge
        self._inside = False
        self._out: list[commands.Command] = []
        self._face: WayFace | None = None
        self._over = False
        self._peer = plain_address(context.client.peername)
        self._destination = plain_address(context.server.address or ("", 0))

    def _handle_event(self, event: events.Event) -> Commands:
        self._inside = True
        try:
            if isinstance(event, events.DataReceived) and not self._over:
                self._came(event.data)
            elif isinstance(event, events.ConnectionClosed):
                self._leave()
        finally:
            self._inside = False
        while self._out:
            yield self._out.pop(0)

    def _came(self, data: bytes) -> None:
        dns = self._host.tunnel_dns
        if self._destination == TUNNEL_DNS and dns is not None:
            dns.asked(data, self._peer, lambda: TUNNEL_DNS[0], self._back, Transport.UDP)
            return
        if self._face is None or self._face.listener.closed:
            self._face = self._host.destinations().enter(self._destination, self._peer, self._back)
        endpoint = self._face.endpoint_of(self._peer, data)
        if endpoint is not None:
            endpoint.from_client(data)

    def _back(self, data: bytes) -> None:
        """A datagram for the client. (mitmproxy cannot send an empty one.)"""
        if data and not self._over:
            self._out.append(commands.SendData(self.context.client, data))
            if not self._inside:
                self._nudge(self)

    def _leave(self) -> None:
        if not self._over:
            self._over = True
            if self._face is not None:
                self._face.leave(self._peer, self._back)
            self._out.append(commands.CloseConnection(self.context.client))

    def close(self, reason: str) -> None:
        """The relay stops."""
        self._leave()
        if not self._inside:
            self._nudge(self)
