"""What a Kaillera server knows: who is here, in which room, and how far both sides have counted.

State only. Numbers and names are those of the reference (kaillera 2 and 3); ids begin with 1, and
an id that somebody has is not given again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from proxy.layouts.bundle import HEAD, Bundle, Numbered
from proxy.layouts.codec import Struct
from replay.servers._kaillera_game import Seat
from replay.standin.rules import Say
from replay.standin.world import Client, World

REDUNDANCY, HISTORY = 3, 5
"""Messages of a datagram, and those that a resend repeats (kaillera 2)."""
AHEAD = 64
"""A number farther ahead than this is of another session, or made up."""
LARGEST = 65_400
"""Bytes of a datagram; a repetition that does not fit is left out."""
WAITING, NETSYNC, PLAYING = 0, 1, 2
"""Status of a room (kaillera 3)."""
IDLE, BUSY = 1, 2
"""Status of a user."""
NOBODY = 0xFFFF
"""No user's id."""


class Datagram(Bundle):
    """A bundle that is written already."""

    __slots__ = ("_wire",)

    def __init__(self, messages: tuple[Numbered, ...], wire: bytes) -> None:
        super().__init__(messages)
        self._wire = wire

    def encode(self) -> bytes:
        return self._wire


class Channel:
    """The numbers of one session: what comes next, what was said last."""

    def __init__(self) -> None:
        self.next_in = self.next_out = 0
        self.sent: deque[Numbered] = deque(maxlen=HISTORY)
        """Newest first."""
        self._written: deque[bytes] = deque(maxlen=HISTORY)
        self.repeats = 0
        """Repetitions since something new came."""
        self.repeated = 0
        """When the last one was, in microseconds."""

    def take(self, messages: tuple[Numbered, ...], *, skip: bool) -> list[Struct]:
        """New messages, oldest first. One that is missing is waited for; with `skip` it is given
        up when the datagram is as full as it gets and does not hold it."""
        found: dict[int, Struct] = {}
        for one in messages:
            distance = one.number - self.next_in & 0xFFFF
            if distance < AHEAD:
                found.setdefault(distance, one.message)
        at = 0
        if skip and found and len(messages) >= REDUNDANCY:
            at = min(found)
        new = []
        while at in found:
            new.append(found[at])
            at += 1
        if new:
            self.next_in = self.next_in + at & 0xFFFF
            self.repeats = 0
        return new

    def say(self, message: Struct, body: bytes | None = None) -> Bundle:
        """The datagram that says a message, and repeats the last ones.

        `body` is what the message encodes to, where the same is said to many.
        """
        one = Numbered(self.next_out, message)
        self.next_out = self.next_out + 1 & 0xFFFF
        self.sent.appendleft(one)
        if body is None:
            written = one.write()
        else:
            written = HEAD.pack(one.number, len(body) + 1, message.tag) + body
        self._written.appendleft(written)
        return self.again(REDUNDANCY)

    def again(self, count: int = HISTORY) -> Bundle:
        """The last messages once more."""
        parts = list(self._written)[:count]
        while len(parts) > 1 and sum(map(len, parts)) > LARGEST:
            parts.pop()
        messages = tuple(self.sent)[: len(parts)]
        return Datagram(messages, bytes((len(parts),)) + b"".join(parts))

    def may_repeat(self, now: int) -> bool:
        """Whether a client that says nothing new is told the last messages again.

        At once the first time and ever more rarely then, so that two sides that repeat themselves
        do not talk for ever.
        """
        if not self.sent or now - self.repeated < min(4000 << self.repeats, 1_000_000):
            return False
        self.repeats, self.repeated = min(self.repeats + 1, 8), now
        return True


@dataclass(eq=False, slots=True)
class User:
    """One session: somebody who logs in, or is here."""

    client: Client
    id: int
    name: str
    emulator: str
    connection: int
    since: int
    """When it began, in microseconds."""
    heard: int
    """When the client spoke last."""
    channel: Channel = field(default_factory=Channel)
    here: bool = False
    """Whether the login is complete."""
    refused: bool = False
    rounds: list[int] = field(default_factory=list)
    """Round trips of the login, in microseconds."""
    asked: int = 0
    ping: int = 0
    """Their mean, in milliseconds."""
    room: Room | None = None

    @property
    def seat(self) -> Seat | None:
        """Where it sits in the game that is on, unless it has dropped out."""
        seat = self.room.seats.get(self) if self.room else None
        return seat if seat and not seat.dropped else None

    @property
    def status(self) -> int:
        """Idle also in a room whose game has not begun."""
        return BUSY if self.seat else IDLE


@dataclass(eq=False, slots=True)
class Room:
    """A game that somebody made."""

    id: int
    rom: str
    emulator: str
    owner: User
    limit: int
    users: list[User] = field(default_factory=list)
    status: int = WAITING
    seats: dict[User, Seat] = field(default_factory=dict)
    """Who takes part in the game that is on."""
    moved: int = 0
    """When a frame was complete last, or the game was started; microseconds."""
    resends: int = 0
    """Resends since then."""
    measured: list[Callable[[], None]] = field(default_factory=list)
    """Ghosts that wait for the first input of somebody alive."""

    @property
    def playing(self) -> list[User]:
        """Who has not dropped out, in order of the players' numbers."""
        return [user for user, seat in self.seats.items() if not seat.dropped]


class Hall:
    """The server: what its own rules and those of the list share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[Client, User] = {}
        """Everybody, also those who are logging in."""
        self.rooms: dict[int, Room] = {}
        self._user_id = self._room_id = 0
        self.motd = "Welcome. This server is a stand-in by Understudy."
        """What everybody is told first, unless the user says otherwise."""

    def option(self, name: str, default: str) -> str:
        """An option of the rules of kaillera."""
        return self.world.options.get(f"kaillera.{name}", default)

    @property
    def users(self) -> list[User]:
        """Who is here, in order of arrival."""
        return [user for user in self.sessions.values() if user.here]

    @property
    def crowd(self) -> int:
        """How many of them are no ghosts: those take nobody's place."""
        return sum(not user.client.ghost for user in self.users)

    def new_user_id(self) -> int:
        """An id that nobody has."""
        taken = {user.id for user in self.sessions.values()} | {0, NOBODY}
        while True:
            self._user_id = self._user_id + 1 & 0xFFFF
            if self._user_id not in taken:
                return self._user_id

    def new_room_id(self) -> int:
        """An id that no room has had."""
        self._room_id = self._room_id + 1 & 0x7FFFFFFF
        return self._room_id

    def user(self, user_id: int) -> User | None:
        """Who has that id."""
        return next((user for user in self.users if user.id == user_id), None)


def tell(user: User, message: Struct) -> Say:
    """Say something to one user."""
    return Say(user.client, user.channel.say(message))


def tell_all(users: list[User], message: Struct) -> Iterator[Say]:
    """Say the same to several; it is written once."""
    body = message.encode()
    for user in users:
        yield Say(user.client, user.channel.say(message, body))
