"""Rooms and users of an EA lobby (ea-lobby 3)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.layouts.tagvalues import number
from proxy.message import Message
from proxy.relay.api import Address
from replay.servers._ea import (
    MOST_ROOMS,
    NAME_LIMIT,
    ROOM_LIMIT,
    TOKEN_LIMIT,
    Lounge,
    Player,
    Room,
    make,
    same,
    value,
)
from replay.standin.rules import Act, Acts, Rules, Say, hears
from replay.standin.world import Client, World

ROOMS = "East,West,North,South"
PRIVATE = "P"
"""Flag of a message to one user, and of a room with a password."""
YOURSELF = "U"
POP_LIMIT = 511
"""Characters of a `+pop` list that the client reads."""
MOST_USERS = 255


class RoomRules(Rules):
    """What happens in rooms."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.lounge = world.shared(Lounge)
        self.pinged: set[Client] = set()
        for entry in self.option("rooms", ROOMS).split(","):
            name, _, limit = entry.strip().partition(":")
            if name:
                most = min(max(number(limit), 1), MOST_USERS) if limit else ROOM_LIMIT
                self.lounge.add_room(name, limit=most, lasting=True)

    # what users see

    def who(self, player: Player) -> Say:
        """Yourself: the room that you are in."""
        room = player.room
        facts = {
            "N": player.persona,
            "F": YOURSELF,
            "RI": room.id if room else 0,
            "RT": room.count if room else 0,
            "R": room.name if room else "",
            "RF": self._room_flags(room) if room else "",
            "I": player.id,
            "A": player.client.address[0],
            "X": player.text,
        }
        return Say(player.client, make("+who", facts))

    def record(self, player: Player, client: Client) -> dict[str, object]:
        """A user, as another sees it."""
        me = player.client is client
        return {
            "I": player.id,
            "N": player.persona[:NAME_LIMIT],
            "F": YOURSELF if me else "",
            "A": self.address_of(player, client)[0],
            "P": player.round_trip,
            "S": "",
            "X": player.text,
        }

    def usr(self, player: Player, to: Player, room: Room) -> Say:
        """One user of a room; T is the room's population, absent it counts as none."""
        facts = {**self.record(player, to.client), "T": room.count}
        return Say(to.client, make("+usr", facts), live=player is not to)

    def address_of(self, player: Player, client: Client) -> Address:
        """Where a client reaches another; who plays on our own machine is at our address."""
        host = player.client.address[0]
        if host.startswith("127.") and not client.address[0].startswith("127."):
            host = client.local[0]
        return host, player.client.address[1]

    def _room_flags(self, room: Room) -> str:
        return PRIVATE if room.password else ""

    def _rom(self, room: Room, to: Player) -> Say:
        facts: dict[str, object] = {
            "I": room.id,
            "N": room.name,
            "H": room.description or room.host or room.name,
            "A": to.client.local[0],
            "T": room.count,
            "L": room.limit,
        }
        if room.password:
            facts["F"] = PRIVATE
        return Say(to.client, make("+rom", facts))

    def tell_rooms(self, player: Player) -> Iterator[Act]:
        """All rooms, and how many are in each."""
        for room in self.lounge.rooms.values():
            yield self._rom(room, player)
        counts = " ".join(f"{room.id}/{room.count}" for room in self.lounge.rooms.values())
        if len(counts) > POP_LIMIT:
            counts = counts[:POP_LIMIT].rpartition(" ")[0]
        if counts:
            yield Say(player.client, make("+pop", {"Z": counts}))

    def tell_users(self, player: Player, room: Room) -> Iterator[Act]:
        """Everybody in a room, one frame each: a client reads only the first of several."""
        for other in list(room.users):
            yield self.usr(other, player, room)

    def _population(self, room: Room) -> Iterator[Act]:
        if self.world.recorded:
            return  # our ids of rooms are not those that the recording has told
        for player in self.lounge.wanting("ROOMS", default=False):
            if player.room is not room:  # the client skips its own room
                yield Say(player.client, make("+pop", {"Z": f"{room.id}/{room.count}"}))

    # rooms

    @hears("room")
    def make_room(self, client: Client, message: Message) -> Acts:
        player, name = self.lounge.player(client), value(message, "NAME", NAME_LIMIT)
        known = self.lounge.find(name)
        if not name or known is not None or len(self.lounge.rooms) >= MOST_ROOMS:
            yield Say(client, make("room", ident="dupl" if known else "room"))
            return
        most = number(value(message, "MAX")) or ROOM_LIMIT
        room = self.lounge.add_room(
            name,
            limit=min(max(most, 1), MOST_USERS),
            password=value(message, "PASS"),
            description=value(message, "DESC"),
            host=player.persona,
        )
        left = player.room
        before = list(self.lounge.wanting("ROOMS", default=False))
        leaving = list(self.leave_room(player))
        room.users[player] = None
        player.room = room
        facts = {**self._entered(room, left), "HOST": room.host, "DESC": room.description}
        yield Say(client, make("room", {**facts, "LIMIT": room.limit}))
        yield from leaving
        for other in before:
            yield self._rom(room, other)
        yield from self._arrived(player, room)

    @hears("move")
    def move(self, client: Client, message: Message) -> Acts:
        player, name = self.lounge.player(client), value(message, "NAME")
        left = player.room
        if not name:
            leaving = list(self.leave_room(player))
            yield Say(client, make("move", self._entered(None, left)))
            yield from leaving
            client.place = ""
            yield self.who(player)
            return
        room = self.lounge.find(name)
        if room is None and (self.world.recorded or client.ghost):
            room = self.lounge.add_room(name, lasting=True)
            if not self.world.recorded:  # else the recording has shown it
                for other in self.lounge.wanting("ROOMS", default=False):
                    yield self._rom(room, other)
        why = self._refusal(room, player, value(message, "PASS"))
        if why or room is None:
            yield Say(client, make("move", ident=why or "urom"))
            return
        leaving = list(self.leave_room(player)) if left is not room else []
        room.users[player] = None
        player.room = room
        yield Say(client, make("move", self._entered(room, left if left is not room else None)))
        yield from leaving
        yield from self._arrived(player, room)

    def _refusal(self, room: Room | None, player: Player, password: str) -> str:
        if room is None:
            return "urom"
        if room.password and room.password != password and player.room is not room:
            return "pass"
        full = room.count >= room.limit and player not in room.users
        return "full" if full else ""

    def _entered(self, room: Room | None, left: Room | None) -> dict[str, object]:
        return {
            "IDENT": room.id if room else 0,
            "NAME": room.name if room else "",
            "COUNT": room.count if room else 0,
            "FLAGS": self._room_flags(room) if room else "",
            "LIDENT": left.id if left else 0,
            "LCOUNT": left.count if left else 0,
        }

    def _arrived(self, player: Player, room: Room) -> Iterator[Act]:
        player.client.place = f"room {room.name}"
        yield self.who(player)
        if player.wants("USERS"):
            yield from self.tell_users(player, room)
        for other in list(room.users):
            if other is not player and other.wants("USERS"):
                yield self.usr(player, other, room)
        yield from self._population(room)

    def leave_room(self, player: Player) -> Iterator[Act]:
        """A user leaves its room, if it is in one."""
        room, player.room, player.opponent = player.room, None, None
        if room is None:
            return
        room.users.pop(player, None)
        for other in list(room.users):
            if other.wants("USERS"):  # without N the client removes it
                facts = {"I": player.id, "T": room.count}
                yield Say(other.client, make("+usr", facts), live=True)
        if not room.users and not room.lasting:
            self.lounge.rooms.pop(same(room.name), None)
            for other in self.lounge.wanting("ROOMS", default=False):
                yield Say(other.client, make("+rom", {"I": room.id}))
        else:
            yield from self._population(room)

    @hears("peek")
    def peek(self, client: Client, message: Message) -> Acts:
        room = self.lounge.find(value(message, "NAME"))
        if room is None:
            yield Say(client, make("peek", ident="urom"))
        else:
            facts = {"IDENT": room.id, "NAME": room.name, "COUNT": room.count}
            yield Say(client, make("peek", facts))

    @hears("auxi")
    def auxiliary(self, client: Client, message: Message) -> Acts:
        player = self.lounge.player(client)
        player.text = value(message, "TEXT", TOKEN_LIMIT)
        yield Say(client, make("auxi", {"TEXT": player.text}))
        yield self.who(player)
        room = player.room
        for other in list(room.users) if room else ():
            if room and other.wants("USERS"):
                yield self.usr(player, other, room)
