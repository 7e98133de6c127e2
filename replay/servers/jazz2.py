"""A Jazz Jackrabbit 2 server by rules: asked, joined, talked in and left, over TCP and UDP.

It is a server of the original game: JJ2+ clients are told so by its short details, and their query
for more is answered in their form. There is no level behind it: a client needs the level's file
itself. Where players are (the game's state datagrams) is not described, so it is not passed on.
Beside a recording, which may be of a JJ2+ server, it puts live numbers into what that says
(`_jazz2_recorded`). Facts: the reference "jazz2", sections 2, 3 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from proxy.message import Message
from proxy.protocols.jazz2 import (
    Chat,
    Disconnect,
    DownloadRequest,
    JoinDetails,
    JoinRequest,
    LevelLoaded,
    PlayerJoined,
    PlayerList,
    Spectate,
    StartLevel,
)
from recordings.errors import UserError
from recordings.model import Transport
from replay.servers._jazz2 import TEXT_LIMIT, Guest, Seat, plain
from replay.servers._jazz2_announcing import Jazz2Announcer
from replay.servers._jazz2_datagrams import BEAT, DatagramRules
from replay.servers._jazz2_recorded import FULL, NOBODY, awake
from replay.standin.rules import OPAQUE, Act, Acts, Close, Later, Note, Say, hears
from replay.standin.world import Client, World

VERSION, HANDSHAKE, DOWNLOAD, LOST, TIMEOUT, STOPPED = 2, 4, 6, 7, 9, 10
"""Why somebody is disconnected (jazz2 3)."""
SPECTATING = 0x21
VERSIONS = ("21", "24")
SILENCE = 30_000_000
"""Microseconds without a word of a client that has sent datagrams before."""
JOIN_LIMIT = 30.0
"""Seconds from the connection to the join request."""


class Jazz2(DatagramRules):
    """One server."""

    protocol = "jazz2"
    announces = True
    options = {
        "name": "what the server is called",
        "host": "name of the host, the player who is always there",
        "mode": "battle, coop, race, treasure or capture",
        "level": "file name of the level: battle1.j2l",
        "level_crc": "its checksum, a number",
        "tileset_crc": "that of its tileset, a number",
        "max_players": "players who may be here, 32 unless given",
        "max_score": "score that ends the level",
        "password": "makes the server private",
        "version": "1.24 or 1.23; both are let in unless it is given",
        "echo": "1: a line of talk is sent back to the one who said it, too",
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._beating = False

    def announcer(self, port: int, path: str) -> Jazz2Announcer:
        """See `Rules.announcer`."""
        return Jazz2Announcer(self.game, port)

    # joining

    def opened(self, client: Client) -> Acts:
        if client.transport is Transport.TCP:
            yield Later(JOIN_LIMIT, lambda: self._too_late(client))

    def _too_late(self, client: Client) -> Acts:
        if client.open and client not in self.game.guests:
            yield from self._refuse(client, TIMEOUT)

    @hears("JoinRequest")
    def join(self, client: Client, message: JoinRequest) -> Acts:
        if client.answered:
            return  # the recording lets it in, or does not
        game = self.game
        version = message.version.strip()
        wanted = (game.version.strip(),) if self.option("version") else VERSIONS
        seat = game.seat(message.players)
        if client in game.guests:
            yield from self._refuse(client, HANDSHAKE)
        elif version not in wanted:
            yield from self._refuse(client, VERSION)
        elif not self._may_enter(client):
            yield from self._refuse(client, HANDSHAKE)
        elif seat is None:
            yield from self._refuse(client, FULL)
        else:
            yield from self.let_in(client, message, seat)
            yield Say(client, self.game.details(game.guests[client]))

    def _may_enter(self, client: Client) -> bool:
        return not self.game.password or client.ghost or client.address[0] in self.friends

    def let_in(self, client: Client, request: JoinRequest, seat: Seat) -> Acts:
        """See `RecordedRules.let_in`."""
        now, version = self.world.now(), request.version.strip()
        guest = Guest(client, seat[0], request.udp_port, version, seat[1], heard=now)
        self.game.guests[client] = guest
        yield from self._beat_on()

    def _refuse(self, client: Client, reason: int) -> Iterator[Act]:
        guest = self.game.guests.get(client)
        socket = guest.socket if guest else NOBODY
        yield Say(client, Disconnect(reason, socket, self.game.version))
        yield Close(client, f"refused: reason {reason}")

    @hears("JoinDetails")
    def details(self, client: Client, message: JoinDetails) -> Acts:
        """Who plays; once more: a team or a look has changed, and the others are told."""
        guest = self.game.guests.get(client)
        if guest is None or len(message.players) != len(guest.ids):
            yield from self._refuse(client, HANDSHAKE)
            return
        new = not guest.players
        pairs = zip(message.players, guest.ids, strict=True)
        guest.players = [plain(one, number) for one, number in pairs]
        client.name = guest.players[0].name or f"socket {guest.socket}"
        client.place = self.game.level
        if new:
            yield Say(client, PlayerList(self.game.listed()))
            yield Say(client, StartLevel())
        joined = PlayerJoined(guest.socket, tuple(guest.players))
        yield from self._others(guest, joined)
        if new and not client.ghost:
            yield Later(0.0, lambda: awake(self.company))

    def _others(self, guest: Guest, message: Message) -> Iterator[Act]:
        for other in self.game.inside:
            if other is not guest:
                yield Say(other.client, message)

    # playing

    @hears("LevelLoaded")
    def loaded(self, client: Client, message: LevelLoaded) -> Acts:
        if client not in self.game.guests:
            yield from self._refuse(client, HANDSHAKE)

    @hears("Chat")
    def chat(self, client: Client, message: Chat) -> Acts:
        guest = self.game.guests.get(client)
        if guest is None or not guest.players:
            return
        guest.heard = self.world.now()
        socket = message.socket & 0xF0 | guest.socket
        said = Chat(socket, message.type, message.text[:TEXT_LIMIT])
        yield from self._others(guest, said)
        if self.option("echo") == "1":
            yield Say(client, said, live=True)

    @hears("Spectate")
    def spectate(self, client: Client, message: Spectate) -> Acts:
        guest = self.game.guests.get(client)
        if guest is not None:
            guest.spectating = message.state == SPECTATING
        return ()

    @hears("DownloadRequest")
    def download(self, client: Client, message: DownloadRequest) -> Acts:
        """There are no levels here."""
        if client.answered:
            return
        yield Note("level", f"{message.name!r} is asked for; this server has no levels", client)
        yield from self._refuse(client, DOWNLOAD)

    @hears(OPAQUE)
    def noise(self, client: Client, message: Message) -> Acts:
        """A datagram with wrong sums is dropped; a stream that cannot be cut is over."""
        if client.transport is Transport.TCP:
            yield from self._refuse(client, HANDSHAKE)

    @hears("*")
    def ignored(self, client: Client, message: Message) -> Acts:
        """What JJ2+ says besides: the original server does not answer it either."""
        return ()

    # leaving

    def closed(self, client: Client) -> Acts:
        self.forget(client)
        guest = self.game.guests.pop(client, None)
        if guest is not None and guest.players:
            yield from self._others(guest, Disconnect(LOST, guest.socket, self.game.version))

    def kept(self) -> Acts:
        for guest in self.game.guests.values():
            yield Say(guest.client, Disconnect(STOPPED, guest.socket, self.game.version))

    # time

    def _beat_on(self) -> Iterator[Act]:
        if not self._beating:
            self._beating = True
            yield Later(BEAT, self._tick)

    def _tick(self) -> Acts:
        self._beating = False
        if self.game.guests:
            yield from self._beat_on()
        now = self.world.now()
        for guest in list(self.game.guests.values()):
            if guest.datagrams and now - guest.heard >= SILENCE:
                yield from self._refuse(guest.client, TIMEOUT)
            elif guest.players:
                leg = self._leg(guest)
                if leg is not None:
                    guest.cookie = guest.promised or self.world.random.randbytes(4)
                    yield Say(leg, self.beat(guest, guest.cookie))

    def _leg(self, guest: Guest) -> Client | None:
        """The endpoint that the join request named."""
        if guest.client.ghost:
            return None
        if guest.leg is None or not guest.leg.open:
            try:
                address = guest.client.address[0], guest.udp_port
                guest.leg = self.world.call(address, self.protocol, "game")
            except UserError:
                return None
        return guest.leg


RULES = Jazz2
