"""What rules of Jazz Jackrabbit 2 do where a recording answers: sockets, ids and who is here.

The recording says its words; what differs at every run is put into them here: the socket and the
ids of each live client, which are none that the recording uses, who is here besides, and how long
the server runs (jazz2 6). Recorded players come as ghosts that join, talk and leave in the time
that they took.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from proxy.layouts.jazz2_datagrams import Reply
from proxy.layouts.jazz2_endings import MODES, PlusLong
from proxy.message import Message
from proxy.protocols.jazz2 import (
    Chat,
    Disconnect,
    JoinRequest,
    Listed,
    PlayerJoined,
    PlayerList,
    PlusListed,
    ServerDetails,
)
from recordings.model import Direction, Transport
from replay.servers._jazz2 import Game, Guest, Seat, plus
from replay.standin.ghosts import Presence, Timed
from replay.standin.rules import Acts, Rules
from replay.standin.world import Client, World

if TYPE_CHECKING:
    from replay.adaptive.lines import Line
    from replay.standin.pool import Take
    from replay.standin.stage import Stage

    Takes = list[tuple[Take, list[Line]]]

UPTIME = 10_000
"""Microseconds in a count of the reply's uptime; its true unit is not known."""
FULL, NOBODY = 1, 0xFF


class RecordedRules(Rules):
    """The part that concerns recordings; the server itself is in jazz2.py."""

    beside = True
    game: Game

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.game = world.shared(Game)
        self.company: list[Timed] = []
        self._was: dict[Client, tuple[int, int]] = {}
        """Socket and first id that the recording gave a client."""
        self._names: dict[Client, dict[int, str]] = {}
        """Who is behind the sockets of the recording, as a client was told."""

    # what was recorded

    def ghosts(self, stage: Stage, takes: Takes) -> list[Presence]:
        """See `Rules.ghosts`: who has joined comes again, beside those who were there with him."""
        joins = [
            (line.frame.at, take, lines)
            for take, lines in takes
            for line in lines
            if isinstance(line.message, JoinRequest)
        ]
        since = ended = 0
        for at, take, lines in sorted(joins, key=lambda one: one[0]):
            if at > ended:
                since = at
            ended = max(ended, take.row.closed_at or lines[-1].frame.at)
            self.company.append(Timed(stage, take, lines, since))
        return list(self.company)

    def recast(self, stage: Stage, takes: Takes) -> list[Presence]:
        """See `Rules.recast`: what is played, and which numbers are taken."""
        game = self.game
        for _, lines in takes:
            for line in lines:
                message: Any = line.message
                if line.direction is not Direction.TO_CLIENT:
                    continue
                if isinstance(message, ServerDetails):
                    game.facts |= {
                        "level": message.level,
                        "level_crc": str(message.level_crc),
                        "tileset_crc": str(message.tileset_crc),
                        "max_score": str(message.max_score),
                        "mode": MODES.get(message.game_mode, ""),
                    }
                    game.reserve(message.socket, message.player_id)
                elif isinstance(message, Reply):
                    game.facts |= {"name": message.name, "max_players": str(message.limit)}
                elif isinstance(message, PlayerList):
                    for one in message.players:
                        game.reserve(one.socket, _player(one).player_id)
                        if one.socket == 0:
                            game.facts["host"] = _player(one).name
                elif isinstance(message, PlayerJoined):
                    for player in message.players:
                        game.reserve(message.socket, player.player_id)
        return []

    # what the recording says now

    def revises(self, client: Client, message: Message) -> Message:
        """See `Rules.revises`."""
        revise = REVISE.get(type(message))
        return message if revise is None else revise(self, client, message)

    def told(self, client: Client, message: Message) -> Acts:
        """See `Rules.told`: a client that was let in is a guest."""
        if isinstance(message, ServerDetails) and client not in self.game.guests:
            request = _request(client)
            seat = self.game.promised.pop(client, None)
            if request is not None and seat is not None:
                yield from self.let_in(client, request, seat)
                self.game.guests[client].promised = message.heartbeat_cookie

    def let_in(self, client: Client, request: JoinRequest, seat: Seat) -> Acts:
        """Take a client in under a socket and ids."""
        raise NotImplementedError

    def tells(self, client: Client, message: Message) -> bool:
        """See `Rules.tells`: what a recorded player does who is here alive, he does himself."""
        names = {one.name for guest in self.game.inside for one in guest.players}
        if isinstance(message, PlayerJoined):
            return any(one.name in names for one in message.players)
        if isinstance(message, Chat | Disconnect):
            socket = message.socket & 0x0F if isinstance(message, Chat) else message.socket
            return self._names.get(client, {}).get(socket) in names
        return False

    def _details(self, client: Client, message: ServerDetails) -> Message:
        guest, request = self.game.guests.get(client), _request(client)
        if guest is not None or request is None:
            return message
        seat = self.game.promised.get(client) or self.game.seat(request.players)
        if seat is None:
            return Disconnect(FULL, NOBODY, self.game.version)
        if client not in self.game.promised:
            self._was[client] = message.socket, message.player_id
        self.game.promised[client] = seat
        return msgspec.structs.replace(message, socket=seat[0], player_id=seat[1][0])

    def _list(self, client: Client, message: PlayerList) -> Message:
        """Those of the recording who are not here alive, the client, and who is here."""
        guest = self.game.guests.get(client)
        if guest is None:
            return message
        others = [one for one in self.game.inside if one is not guest]
        here = {player.name for one in others for player in one.players}
        ids = iter(guest.ids)
        listed: list[Listed | PlusListed] = []
        for entry in message.players:
            if self._own(client, guest, entry.socket):
                number = next(ids, None)
                if number is not None:
                    listed.append(_under(entry, guest.socket, number))
            elif entry.socket == 0 or _player(entry).name not in here:
                self._name(client, entry.socket, _player(entry).name)
                listed.append(entry)
        taken = {(one.socket, _player(one).player_id) for one in listed}
        form = any(isinstance(one, PlusListed) for one in message.players)
        for other in others:
            for player in other.players:
                if (other.socket, player.player_id) not in taken:
                    known = Listed(other.socket, *msgspec.structs.astuple(player))
                    listed.append(PlusListed(other.socket, plus(player)) if form else known)
        return msgspec.structs.replace(message, players=tuple(listed))

    def _own(self, client: Client, guest: Guest, socket: int) -> bool:
        return socket != 0 and socket in (guest.socket, self._was.get(client, (0, 0))[0])

    def _name(self, client: Client, socket: int, name: str) -> None:
        self._names.setdefault(client, {})[socket] = name

    def _joined(self, client: Client, message: PlayerJoined) -> Message:
        if message.players:
            self._name(client, message.socket, message.players[0].name)
        return message

    def _chat(self, client: Client, message: Chat) -> Message:
        guest = self.game.guests.get(client)
        if guest is None or not self._own(client, guest, message.socket & 0x0F):
            return message
        return msgspec.structs.replace(message, socket=message.socket & 0xF0 | guest.socket)

    def _left(self, client: Client, message: Disconnect) -> Message:
        guest = self.game.guests.get(client)
        if guest is None or not self._own(client, guest, message.socket):
            return message
        return msgspec.structs.replace(message, socket=guest.socket)

    def _reply(self, client: Client, message: Reply) -> Message:
        """Who is here now, and how long the server runs."""
        game, end = self.game, message.end
        uptime = (self.world.now() - game.began) // UPTIME & 0xFFFFFFFF
        count = min(game.count, 255)
        plus_form = bool(message.players)
        if isinstance(end, PlusLong):
            end = msgspec.structs.replace(end, players=game.scores())
        return msgspec.structs.replace(
            message,
            uptime=uptime,
            clients=min(1 + len(game.inside), 255) if plus_form else count,
            players=count if plus_form else 0,
            end=end,
        )

    def forget(self, client: Client) -> None:
        """A client has left."""
        for table in (self._was, self._names, self.game.promised):
            table.pop(client, None)


def _player(entry: Listed | PlusListed) -> Any:
    """Id and name of an entry of a list."""
    return entry.player if isinstance(entry, PlusListed) else entry


def _under(entry: Listed | PlusListed, socket: int, number: int) -> Listed | PlusListed:
    """The entry under another socket and id."""
    if isinstance(entry, PlusListed):
        return PlusListed(socket, msgspec.structs.replace(entry.player, player_id=number))
    return msgspec.structs.replace(entry, socket=socket, player_id=number)


def _request(client: Client) -> JoinRequest | None:
    """The join request that is being answered."""
    if client.frame is None or client.transport is not Transport.TCP:
        return None
    message = client.protocol.view(client.frame)
    return message if isinstance(message, JoinRequest) else None


def awake(company: Iterable[Timed]) -> Acts:
    """Somebody alive has come: the ghosts come, too."""
    for ghost in company:
        ghost.begin()
    return ()


REVISE: dict[type, Any] = {
    ServerDetails: RecordedRules._details,
    PlayerList: RecordedRules._list,
    PlayerJoined: RecordedRules._joined,
    Chat: RecordedRules._chat,
    Disconnect: RecordedRules._left,
    Reply: RecordedRules._reply,
}
"""What is put right in which message."""
