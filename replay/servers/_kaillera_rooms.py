"""The rooms of a Kaillera server: made, joined, started, played in and left.

The order of what is said is that of the original server, and where it says nothing (all are ready)
that of its successor (kaillera 4).
"""

from __future__ import annotations

from collections.abc import Iterator

from proxy.protocols.kaillera import (
    CloseGame,
    CreateGame,
    GameChat,
    JoinGame,
    Kick,
    Player,
    PlayerInfo,
    QuitGame,
    StartGame,
)
from replay.servers._kaillera import (
    NETSYNC,
    NOBODY,
    WAITING,
    Room,
    User,
    tell,
    tell_all,
)
from replay.servers._kaillera_game import Seat, delay_of
from replay.servers._kaillera_play import PlayRules
from replay.standin.rules import Act, Acts

NAME_LIMIT, CHAT_LIMIT = 127, 400
"""Bytes of a game's name, and of a line of talk that are passed on."""
MOST_ROOMS = 500


class RoomRules(PlayRules):
    """What concerns rooms; the lobby is in kaillera.py."""

    most_players = 8

    # rooms

    def create(self, user: User, message: CreateGame) -> Acts:
        rom = message.rom
        if user.room is not None:
            yield self.inform(user, "You are in a game already.")
            return
        if not rom or len(rom) > NAME_LIMIT or len(self.hall.rooms) >= MOST_ROOMS:
            yield self.inform(user, "This game cannot be made here.")
            return
        limit = self.limit("max_players", self.most_players, 255)
        room = Room(self.hall.new_room_id(), rom, user.emulator, user, limit)
        self.hall.rooms[room.id] = room
        made = CreateGame(user.name, rom, user.emulator, room.id)
        yield from tell_all(self.hall.users, made)
        yield from self._enter(user, room)

    def join(self, user: User, message: JoinGame) -> Acts:
        room = self.hall.rooms.get(message.game_id)
        why = None
        if user.room is not None:
            why = "You are in a game already."
        elif room is None:
            why = "That game is gone."
        elif room.status != WAITING:
            why = "That game is being played."
        elif len(room.users) >= room.limit:
            why = "That game is full."
        if why or room is None:
            yield self.inform(user, why or "")
            if user.room is None:
                yield tell(user, QuitGame(user.name, user.id))
            return
        inside = tuple(Player(u.name, u.ping, u.id, u.connection) for u in room.users)
        yield tell(user, PlayerInfo("", inside))
        yield from self._enter(user, room)
        yield from self.status(room)

    def _enter(self, user: User, room: Room) -> Iterator[Act]:
        room.users.append(user)
        user.room = room
        user.client.place = f"game {room.rom}"
        entered = JoinGame("", room.id, user.name, user.ping, user.id, user.connection)
        yield from tell_all(room.users, entered)

    def game_chat(self, user: User, message: GameChat) -> Acts:
        if user.room is not None:
            said = GameChat(user.name, message.text[:CHAT_LIMIT])
            yield from tell_all(user.room.users, said)

    def kick(self, user: User, message: Kick) -> Acts:
        room = user.room
        other = self.hall.user(message.user_id)
        if room is None or room.owner is not user or other is user or other not in room.users:
            yield self.inform(user, "You cannot throw that user out.")
            return
        assert other is not None
        yield from self.leave(other)

    def quit_game(self, user: User, message: QuitGame) -> Acts:
        yield from self.leave(user)

    def leave(self, user: User) -> Iterator[Act]:
        """A user is no longer in his room; the owner takes the room with him."""
        room = user.room
        if room is None:
            return
        if room.owner is user:
            yield from self._close(room)
            return
        yield from self.drop_out(user)
        left = QuitGame(user.name, user.id)
        yield from tell_all(room.users, left)
        room.users.remove(user)
        user.room, user.client.place = None, ""
        yield from self.status(room)

    def _close(self, room: Room) -> Iterator[Act]:
        yield tell(room.owner, QuitGame(room.owner.name, room.owner.id))
        del self.hall.rooms[room.id]
        for user in room.users:
            user.room, user.client.place = None, ""
        room.seats.clear()
        yield from tell_all(self.hall.users, CloseGame("", room.id))

    # a game

    def start(self, user: User, message: StartGame) -> Acts:
        room = user.room
        if room is None or room.owner is not user or room.status != WAITING:
            yield self.inform(user, "You cannot start a game now.")
            return
        room.measured.clear()
        for number, one in enumerate(room.users, 1):
            delay = delay_of(one.ping, one.connection)
            room.seats[one] = Seat(number, one.connection, min(delay, NOBODY))
        room.status, room.moved = NETSYNC, self.world.now()
        for one, seat in room.seats.items():
            yield tell(one, StartGame("", seat.delay, seat.number, len(room.seats)))
        yield from self.status(room)
