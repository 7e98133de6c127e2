"""What a Jazz Jackrabbit 2 server answers over UDP: ping, query, password, heartbeats (jazz2 2)."""

from __future__ import annotations

from proxy.layouts.jazz2_datagrams import (
    HeartBeat,
    Password,
    PasswordReply,
    Ping,
    Pong,
    Query,
    Reply,
)
from proxy.layouts.jazz2_endings import Plus, PlusLong, Vanilla
from proxy.message import Message
from replay.servers._jazz2 import Guest
from replay.servers._jazz2_recorded import UPTIME, RecordedRules
from replay.standin.rules import Acts, Say, hears
from replay.standin.world import Client, World

PRIVATE_BIT, PRIVATE_FLAG = 0x20, 1
BEAT = 1.0
"""Seconds between heartbeats (jazz2 2)."""
MOST_HOSTS = 1000


class DatagramRules(RecordedRules):
    """The part without a connection; joining is in jazz2.py."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.friends: dict[str, None] = {}
        """Hosts that gave the right password."""

    @hears("Ping")
    def ping(self, client: Client, message: Ping) -> Acts:
        flags = self.game.mode_number | (PRIVATE_BIT if self.game.password else 0)
        yield Say(client, Pong(message.index, message.cookie, flags))

    @hears("Query")
    def query(self, client: Client, message: Query) -> Acts:
        game = self.game
        end: Vanilla | Plus | PlusLong = Vanilla()
        plus = message.extended == 1
        if plus and game.password:
            end = Plus(0, PRIVATE_FLAG)
        elif plus:
            score = game.number("max_score", 10)
            end = PlusLong(0, 0, score, (0, 0, 0, 0), game.scores(), game.level)
        uptime = (self.world.now() - game.began) // UPTIME & 0xFFFFFFFF
        count = min(game.count, 255)
        first = min(1 + len(game.inside), 255) if plus else count
        yield Say(
            client,
            Reply(
                *(message.index, uptime, game.version, first, count if plus else 0),
                *(game.mode_number, game.limit, game.name, end),
            ),
        )

    @hears("Password")
    def password(self, client: Client, message: Password) -> Acts:
        right = self.game.password in ("", message.password)
        if right and len(self.friends) < MOST_HOSTS:
            self.friends[client.address[0]] = None
        yield Say(client, PasswordReply(int(right)))

    @hears("HeartBeat")
    def heartbeat(self, client: Client, message: HeartBeat) -> Acts:
        """A short one gets a short one; a long one, unless it answers ours, its cookie."""
        guest = self._sender(client)
        now = self.world.now()
        if guest is None or message.cookie == guest.cookie:
            return
        if now - guest.beaten < BEAT * 500_000:
            return  # two sides that answer each other need not hurry
        guest.beaten = now
        yield Say(client, self.beat(guest, message.cookie), live=True)

    def beat(self, guest: Guest, cookie: bytes | None) -> HeartBeat:
        """The next heartbeat to a guest; the short form without a cookie."""
        guest.sequence = guest.sequence + 1 & 0xFF
        return HeartBeat(guest.sequence, None if cookie is None else 0, cookie)

    @hears("PlayerState", "Events")
    def state(self, client: Client, message: Message) -> Acts:
        self._sender(client)
        return ()

    def _sender(self, client: Client) -> Guest | None:
        """Whose endpoint for datagrams that is."""
        for guest in self.game.guests.values():
            endpoint = guest.client.address[0], guest.udp_port
            if endpoint == client.address and not guest.client.ghost:
                guest.heard, guest.datagrams, guest.leg = self.world.now(), True, client
                return guest
        return None
