"""Recorded Kaillera players who sit in rooms and play with whoever is here now.

A ghost is a client of the rules like any other: it logs in, counts its messages, has a list of
inputs and the delay that it is given. It makes the room that it had made, or comes to the room that
somebody makes for the game that it had played. What it plays are the frames of the recording, the
first with the first frame of the game; after the last one it drops out. Where nobody alive plays,
no ghost plays either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.layouts.bundle import Bundle
from proxy.layouts.codec import Struct
from proxy.message import Message
from proxy.protocols.kaillera import (
    AllReady,
    CachedData,
    Chat,
    ClientAck,
    CloseGame,
    CreateGame,
    Drop,
    GameChat,
    GameData,
    GameStatus,
    JoinGame,
    Quit,
    QuitGame,
    Rejected,
    ServerAck,
    StartGame,
    UserInfo,
    UserJoined,
)
from replay.servers._kaillera import NOBODY, PLAYING, WAITING, Channel, Hall, Room, User
from replay.servers._kaillera_game import Inputs
from replay.servers._kaillera_parts import Match, Part
from replay.servers._kaillera_play import SERVER
from replay.standin.ghosts import Presence
from replay.standin.stage import Stage

if TYPE_CHECKING:
    from replay.standin.pool import Take

NO_GAME = 0xFFFFFFFF
COMES_OVER = 0.5
"""Seconds until it leaves a room of its own, when nobody else has come to a live player's."""
PAUSE = 3.0
"""Seconds that a ghost waits for more players before it starts the game that it owns."""


class KailleraGhost(Presence):
    """One recorded player."""

    def __init__(self, stage: Stage, take: Take, part: Part, hall: Hall) -> None:
        super().__init__(stage, take)
        self.client.role = "ghost"
        self.part = part
        self._hall = hall
        self._channel = Channel()
        self._heard: list[Struct] = []
        self._match: Match | None = None
        self._next = 0  # which of the matches is played next
        self._sat = 0  # the id of the room that it went into
        self._shunned: int | None = None  # the room that it was thrown out of
        self._starts = 0
        self._sent = self._came = self._delay = 0
        self._inputs = Inputs()

    # talking

    def enter(self) -> None:
        """Log in, before anybody else is heard."""
        super().enter()
        self._say(UserInfo(self.part.name, self.part.emulator, self.part.connection))
        while self._heard:
            self._hear()

    def leave(self) -> None:
        """Make room for a live player."""
        if self.client.open:
            self._say(Quit("", NOBODY, ""))
            self.stage.closed(self.client)

    def _say(self, message: Struct) -> None:
        if self.client.open:
            self.speak(self._channel.say(message))

    def say(self, message: Message, cipher: str | None, digest: bool) -> None:
        """See `Port.say`."""
        if isinstance(message, Bundle):
            if not self._heard:
                self.stage.later(0.0, self._hear)
            self._heard += self._channel.take(message.messages, skip=False)

    def _hear(self) -> None:
        heard, self._heard = self._heard, []
        for message in heard:
            hear = HEARD.get(type(message))
            if hear is not None and self.client.open:
                hear(self, message)

    # the lobby

    @property
    def user(self) -> User | None:
        """What the server knows of it."""
        return self._hall.sessions.get(self.client)

    @property
    def room(self) -> Room | None:
        """The room that it sits in."""
        return self.user.room if self.user else None

    def acknowledge(self, message: ServerAck) -> None:
        self._say(ClientAck())

    def rejected(self, message: Rejected) -> None:
        self.note("ghost", f"{self.part.name} cannot come: {message.text}")
        self.stage.closed(self.client)

    def joined(self, message: UserJoined) -> None:
        user = self.user
        if user is not None and message.user_id == user.id:
            self._look_round(message)

    def _look_round(self, message: Struct) -> None:
        """Go where somebody waits for its game, else make the room that it had made."""
        if self.user is None:
            return
        if self.room is None and self._sat in self._hall.rooms:
            self._shunned = self._sat
        if self.room is not None:  # others come first, its own room is there to be joined
            self.stage.later(COMES_OVER, self._come_over)
            return
        room = self._wanted()
        own = next((match.rom for match in self.part.matches if match.owner), None)
        if room is not None:
            self._join(room)
        elif own is not None:
            self._say(CreateGame("", own, "", NO_GAME))

    def _come_over(self) -> None:
        """Give up a room of its own that nobody has come to."""
        mine, room = self.room, self._wanted()
        if mine and room and mine.owner is self.user and len(mine.users) == 1:
            self._say(QuitGame("", NOBODY))
            self._join(room)

    def _join(self, room: Room) -> None:
        self._say(JoinGame("", room.id, "", 0, NOBODY, self.part.connection))
        self._sat = room.id if self.room is room else 0

    def _wanted(self) -> Room | None:
        """A room of somebody alive that waits for one more player of a game that it had played."""
        players = {match.rom.lower(): match.players for match in self.part.matches}
        for room in self._hall.rooms.values():
            most = min(players.get(room.rom.lower(), 0), room.limit)
            open_ = room.status == WAITING and len(room.users) < most
            if open_ and not room.owner.client.ghost and room.id != self._shunned:
                return room
        return None

    def left(self, message: QuitGame) -> None:
        user = self.user
        if user is not None and message.user_id == user.id and self.room is None:
            self._match = None
            self._look_round(message)

    def closed_room(self, message: CloseGame) -> None:
        if self.room is None:
            self._match = None
            self._look_round(message)

    # the game of a room that it has made

    def entered(self, message: JoinGame | GameChat) -> None:
        """Somebody came, or wants something: start, unless more come in a moment."""
        room = self.room
        if room is None:
            return
        if isinstance(message, GameChat) and message.username in (self.part.name, SERVER):
            return
        if room.owner is self.user and room.status == WAITING and alive(room.users):
            self._starts += 1
            number = self._starts
            self.stage.later(PAUSE, lambda: self._start(number))

    def _start(self, number: int) -> None:
        room = self.room
        if number == self._starts and room and room.status == WAITING and alive(room.users):
            self._say(StartGame("", NOBODY, 0xFF, 0xFF))

    # playing

    def start(self, message: StartGame) -> None:
        """A game begins: the next one that it had played of this kind."""
        room = self.room
        rom = room.rom.lower() if room else ""
        fitting = [match for match in self.part.matches if match.rom.lower() == rom]
        fitting = fitting or self.part.matches
        if not fitting or room is None:
            self._say(Drop("", 0))
            return
        self._match = fitting[self._next % len(fitting)]
        self._next += 1
        self._sent = self._came = 0
        self._delay = message.delay
        self._inputs = Inputs()
        if self._match.unknown:
            self.note("ghost", f"{self._match.unknown} inputs of {self.part.name} are not known")
        room.measured.append(self._measured)
        self._say(AllReady())

    def _measured(self) -> None:
        """The bytes of a frame are known, now that somebody alive has sent some."""
        match, user = self._match, self.user
        if match is None or user is None or user.seat is None or user.room is None:
            return
        seats = user.room.seats
        live = (seat.size for one, seat in seats.items() if not one.client.ghost)
        size = next((one for one in live if one is not None), match.size)
        if size != match.size:
            why = f"I play {match.size} bytes a frame, you {size}"
            self.note("ghost", f"{self.part.name} drops out: it has {why[7:]}")
            self._match = None
            self._say(GameChat("", why))
            self._say(Drop("", 0))
        self._go_on()

    def came(self, message: Struct) -> None:
        """A packet of everybody's frames."""
        self._came += 1
        self._go_on()

    def _go_on(self, message: Struct | None = None) -> None:
        """Send what a client would have sent by now: so many packets ahead as its delay says."""
        while self._match is not None and self._sent <= self._came + self._delay:
            user = self.user
            room, seat = (user.room, user.seat) if user else (None, None)
            if room is None or seat is None or room.status != PLAYING:
                return
            if all(one.size is None for u, one in room.seats.items() if not u.client.ghost):
                return  # nobody alive has begun
            count, frames = self.part.connection, self._match.frames
            over = self._sent * count - len(frames)
            if not alive(room.playing) or (over >= 0 and len(seat.frames) <= over):
                self._match = None
                self._say(Drop("", 0))
                return
            packet = b"".join(frames[self._sent * count : (self._sent + 1) * count])
            self._sent += 1
            self._send(packet.ljust(count * self._match.size, b"\0"))

    def _send(self, packet: bytes) -> None:
        slot = self._inputs.find(packet)
        if slot is not None:
            self._say(CachedData("", slot))
        else:
            self._inputs.add(packet)
            self._say(GameData("", packet))

    def dropped(self, message: Drop) -> None:
        """Somebody has dropped out: nobody plays with ghosts alone."""
        room = self.room
        if self._match is not None and (room is None or not alive(room.playing)):
            self._match = None
            self._say(Drop("", 0))

    def talk(self) -> None:
        """Say what it had said, in the time that it took."""
        for after, text in self.part.chats:
            self.stage.later(after, partial(self._say, Chat("", text)))


def alive(users: Iterable[User]) -> bool:
    """Whether any of them is no ghost."""
    return any(not user.client.ghost for user in users)


HEARD: dict[type[Struct], Callable[[KailleraGhost, Any], None]] = {
    ServerAck: KailleraGhost.acknowledge,
    Rejected: KailleraGhost.rejected,
    UserJoined: KailleraGhost.joined,
    CreateGame: KailleraGhost._look_round,
    GameStatus: KailleraGhost._look_round,
    CloseGame: KailleraGhost.closed_room,
    QuitGame: KailleraGhost.left,
    JoinGame: KailleraGhost.entered,
    GameChat: KailleraGhost.entered,
    StartGame: KailleraGhost.start,
    AllReady: KailleraGhost._go_on,
    GameData: KailleraGhost.came,
    CachedData: KailleraGhost.came,
    Drop: KailleraGhost.dropped,
}
