"""The sockets of playback: TCP and UDP for the acts of one player, and many players at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable

from proxy.relay.api import Address
from proxy.relay.clock import now
from proxy.relay.sockets import Outward, numeric, plain_address
from proxy.relay.why import why
from recordings.model import Transport
from recordings.writer import Recording
from replay.playback.hearing import LiveFlow
from replay.playback.player import Player
from replay.playback.posting import Act, Connect, End, Send
from replay.playback.wishes import ORIGINAL
from replay.transport_links import Tcp, Udp

SPIN = 0.0015
"""Seconds before a recorded moment in which the loop is turned without resting: its timers are
only good to a millisecond or so."""


class Runner:
    """Runs one player on the event loop."""

    def __init__(self, player: Player, store: Recording | None, outward: Outward) -> None:
        self.player = player
        self._store = store
        self._outward = outward
        self._loop = asyncio.get_running_loop()
        self._links: dict[int, Tcp | Udp] = {}
        self._sockets: dict[str, Udp] = {}  # recorded client endpoint -> its socket
        self._dialling: set[asyncio.Task[None]] = set()
        self._timer: asyncio.Handle | None = None
        self._full = False
        self._soon = False
        self.done: asyncio.Future[None] = self._loop.create_future()

    async def run(self) -> None:
        """Play to the end; what came of it is `player.verdict`."""
        began = now()
        self._pump()
        try:
            await self.done
        finally:
            self._tidy()
            self.player.verdict.seconds = (now() - began) / 1e6

    def _tidy(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._dialling:
            task.cancel()
        for flow in self.player.flows.values():
            self._end(flow, "broken off")
        self.player.scribe.end()

    # -- the player's turn -------------------------------------------------------------------------

    def pump_soon(self) -> None:
        """Let the player act in the next turn of the loop."""
        if not self._soon and not self.done.done():
            self._soon = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._soon = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.done.done() or self._full:
            return
        if self._store is not None and self._store.congested:
            self._timer = self._loop.call_later(0.01, self._pump)
            return
        try:
            self._perform(self.player.act(now()))
        except Exception as error:  # whoever waits for this session must learn of it
            if not self.done.done():
                self.done.set_exception(error)
            return
        if self.player.over:
            if not self.done.done():
                self.done.set_result(None)
            return
        wait = (self.player.wake - now()) / 1e6
        early = SPIN if self.player.manner.timing == ORIGINAL else 0.0
        if wait <= early:
            self.pump_soon()
        else:
            self._timer = self._loop.call_later(wait - early, self._pump)

    def _perform(self, acts: Iterable[Act]) -> None:
        for act in acts:
            if isinstance(act, Send):
                self._send(act.flow, act.data)
            elif isinstance(act, Connect):
                self._connect(act.flow, act.server)
            elif isinstance(act, End):
                self._end(act.flow, act.reason)

    def _send(self, flow: LiveFlow, data: bytes) -> None:
        link = self._links.get(id(flow))
        if isinstance(link, Tcp):
            link.send(data)
        elif link is not None:
            link.send(flow, data)

    def _end(self, flow: LiveFlow, reason: str) -> None:
        link = self._links.pop(id(flow), None)
        self.player.closed(flow, reason, now())
        if isinstance(link, Tcp):
            link.close()
        elif link is not None and link.leave(flow):
            self._sockets = {at: one for at, one in self._sockets.items() if one is not link}

    # -- opening -----------------------------------------------------------------------------------

    def _connect(self, flow: LiveFlow, server: Address) -> None:
        task = self._loop.create_task(self._open(flow, server))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    async def _open(self, flow: LiveFlow, server: Address) -> None:
        patience = self.player.manner.deadline / 1e6
        try:
            host = numeric(server[0]) or await self._look_up(server[0])
            flow.server = (host, server[1])
            if flow.role.transport is Transport.TCP:
                await self._outward.connect(lambda: Tcp(self, flow), flow.server, patience)
            else:
                self._open_udp(flow, flow.server)
        except TimeoutError:
            self.player.failed(flow, f"no answer within {patience:g} s")
        except OSError as error:
            self.player.failed(flow, why(error))
        except Exception as error:  # see _pump
            if not self.done.done():
                self.done.set_exception(error)
        self.pump_soon()

    async def _look_up(self, name: str) -> str:
        found = await self._loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        return str(min(found, key=lambda one: one[0] != socket.AF_INET)[4][0])

    def _open_udp(self, flow: LiveFlow, server: Address) -> None:
        shared = flow.role.shared
        link = self._sockets.get(flow.role.row.client) if shared else None
        if link is None:
            sock = self._outward.datagrams(server, connected=not shared)
            link = Udp(self, sock, not shared)
            if shared:
                self._sockets[flow.role.row.client] = link
        link.flows[server] = flow
        self.stands(flow, link, self._local(link, server))

    def _local(self, link: Udp, server: Address) -> Address:
        host, port = plain_address(link.sock.getsockname())
        if not link.connected:  # bound to every address: which one leads there
            with self._outward.datagrams(server) as probe:
                host = plain_address(probe.getsockname())[0]
        return host, port

    # -- what happens ------------------------------------------------------------------------------

    def stands(self, flow: LiveFlow, link: Tcp | Udp, local: Address) -> None:
        """A flow can be spoken on."""
        self._links[id(flow)] = link
        self.player.opened(flow, local, now())
        self.pump_soon()

    def heard(self, flow: LiveFlow, data: bytes) -> None:
        """The server sent something."""
        if self.done.done():
            return
        try:
            self._perform(self.player.received(flow, data, now()))
        except Exception as error:  # see _pump
            if not self.done.done():
                self.done.set_exception(error)
            return
        self.pump_soon()

    def lost(self, flow: LiveFlow, reason: str) -> None:
        """The connection is gone."""
        if self._links.pop(id(flow), None) is not None:
            self.player.closed(flow, reason, now())
            self.pump_soon()

    def refused(self, flow: LiveFlow, reason: str) -> None:
        """Nobody listens at that UDP port; it may begin to."""
        self.player.refused(flow, reason, now())
        self.pump_soon()

    def full(self, full: bool) -> None:
        """The peer does not take what is said."""
        self._full = full
        if not full:
            self.pump_soon()


async def play_all(
    make: Callable[[int, int], Player],
    *,
    clients: int,
    loops: int,
    store: Recording | None,
    watch: Callable[[Player], None] | None = None,
    outward: Outward | None = None,
) -> list[Player]:
    """Play with many clients at once, each several times; `make(client, loop)` counts from 1."""
    outward = outward or Outward()

    async def one(client: int) -> list[Player]:
        played = []
        for loop in range(1, loops + 1):
            player = make(client, loop)
            if watch is not None:
                watch(player)
            await Runner(player, store, outward).run()
            played.append(player)
        return played

    everybody = await asyncio.gather(*(one(client) for client in range(1, clients + 1)))
    return [player for played in everybody for player in played]
