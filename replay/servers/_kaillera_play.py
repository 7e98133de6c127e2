"""A game of Kaillera that is on: everybody gets ready, inputs go round, players drop out.

Who holds a game up is told again what he may have missed, three times, and then nobody waits for
him any more (kaillera 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from proxy.layouts.codec import Struct
from proxy.protocols.kaillera import (
    AllReady,
    CachedData,
    Drop,
    GameChat,
    GameData,
    GameStatus,
    Info,
)
from replay.servers._kaillera import (
    HISTORY,
    NETSYNC,
    PLAYING,
    WAITING,
    Hall,
    Room,
    User,
    tell,
    tell_all,
)
from replay.servers._kaillera_game import (
    MOST_INPUT,
    MOST_REMEMBERED,
    Seat,
    Unplayable,
    exchange,
    fill_up,
    fits,
)
from replay.standin.rules import Act, Acts, Later, Note, Rules, Say
from replay.standin.world import World

SERVER = "Server"
RESEND, RESENDS = 2_000_000, 3
"""Microseconds between the resends of a stalled game, and how many there are (kaillera 2)."""
NETSYNC_LIMIT = 60
"""Seconds that everybody may take to get ready; clients give up after 120."""


class PlayRules(Rules):
    """What happens in a game; rooms are in _kaillera_rooms.py."""

    hall: Hall

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.hall = world.shared(Hall)

    def limit(self, name: str, usual: int, most: int) -> int:
        """An option that is a number; what is none, or too large, is the usual one."""
        text = self.option(name, str(usual))
        return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= most else usual

    def inform(self, user: User, text: str) -> Say:
        """A line from the server to one user."""
        return tell(user, Info(SERVER, text))

    def status(self, room: Room) -> Iterator[Act]:
        """Tell everybody how a room is."""
        now = GameStatus("", room.id, room.status, len(room.users), room.limit)
        yield from tell_all(self.hall.users, now)

    def all_ready(self, user: User, message: AllReady) -> Acts:
        seat, room = user.seat, user.room
        if seat is None or room is None or room.status != NETSYNC:
            return
        seat.ready = True
        yield from self._begin(room)

    def _begin(self, room: Room) -> Iterator[Act]:
        """When everybody is ready: frame 0."""
        playing = room.playing
        if room.status != NETSYNC or not all(room.seats[one].ready for one in playing):
            return
        room.status, room.moved, room.resends = PLAYING, self.world.now(), 0
        yield from self.status(room)
        yield from tell_all(playing, AllReady())

    def data(self, user: User, message: GameData) -> Acts:
        seat, room = user.seat, user.room
        if seat is None or room is None or room.status != PLAYING:
            return
        data = message.data
        seat.heard.add(data)
        held = seat.heard.size + seat.said.size
        size = len(data) // seat.connection
        too_many = len(data) > MOST_INPUT or held > MOST_REMEMBERED
        if too_many or not fits(seat, size, room.seats.values()):
            yield from self.unplayable(user, f"{len(data)} bytes of input are too many")
        else:
            yield from self._input(user, room, seat, data)

    def cached(self, user: User, message: CachedData) -> Acts:
        seat, room = user.seat, user.room
        if seat is None or room is None or room.status != PLAYING:
            return
        data = seat.heard.get(message.slot)
        if data is None:  # ignored, as by the original server (kaillera 5)
            yield Note("input", f"{user.name} names the empty slot {message.slot}", user.client)
            return
        yield from self._input(user, room, seat, data)

    def _input(self, user: User, room: Room, seat: Seat, data: bytes) -> Iterator[Act]:
        first = seat.size is None
        try:
            seat.take(data)
        except Unplayable as error:
            yield from self.unplayable(user, str(error))
            return
        if first:
            fill_up(seat, room.seats.values())
        if first and not user.client.ghost:
            for call in room.measured:
                yield Later(0.0, partial(_call, call))
        yield from self._exchange(room)

    def _exchange(self, room: Room) -> Iterator[Act]:
        due = exchange(room.seats.values())
        if not due:
            return
        users = {seat: user for user, seat in room.seats.items()}
        room.moved, room.resends = self.world.now(), 0
        for seat, packet in due:
            slot = seat.said.find(packet)
            said: Struct
            if slot is None:
                seat.said.add(packet)
                said = GameData("", packet)
            else:
                said = CachedData("", slot)
            yield tell(users[seat], said)

    def unplayable(self, user: User, why: str) -> Iterator[Act]:
        """A player cannot be played with: he drops out, the others go on."""
        yield Note("input", f"{user.name} drops out: {why}", user.client)
        room = user.room
        yield from self.drop_out(user)
        if room is not None:
            yield from tell_all(room.users, GameChat(SERVER, f"{user.name} dropped out: {why}"))

    def drop(self, user: User, message: Drop) -> Acts:
        yield from self.drop_out(user)

    def drop_out(self, user: User) -> Iterator[Act]:
        """A player plays no longer; zeros stand for him, and nobody waits for him."""
        seat, room = user.seat, user.room
        if seat is None or room is None:
            return
        seat.dropped = True
        seat.frames.clear()
        yield from tell_all(room.users, Drop(user.name, seat.number))
        if not room.playing:
            room.status = WAITING
            room.seats.clear()
            yield from self.status(room)
        elif room.status == NETSYNC:
            yield from self._begin(room)
        else:
            yield from self._exchange(room)

    # silence

    def look_after(self, room: Room, now: int) -> Iterator[Act]:
        """Once a second: a game that stands still is helped, then those who hold it drop out."""
        silent = now - room.moved
        patience = self.limit("netsync_seconds", NETSYNC_LIMIT, 3600) * 1_000_000
        if room.status == NETSYNC and silent >= patience:
            yield from self._without(
                room, [one for one in room.playing if not room.seats[one].ready]
            )
        elif room.status != WAITING and silent >= (room.resends + 1) * RESEND:
            if room.status == PLAYING and room.resends >= RESENDS:
                room.moved, room.resends = now, 0
                missing = [one for one in room.playing if not room.seats[one].frames]
                yield from self._without(room, missing)
            else:
                room.resends += 1
                for one in room.playing:
                    yield Say(one.client, one.channel.again(HISTORY))

    def _without(self, room: Room, missing: list[User]) -> Iterator[Act]:
        for one in missing:
            yield from self.unplayable(one, "no answer")


def _call(call: Callable[[], None]) -> Acts:
    call()
    return ()
