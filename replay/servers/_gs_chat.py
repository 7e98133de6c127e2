"""Who is in GameSpy's chat and in which rooms; its lines and bounds (gamespy 9).

The server's own lines have the prefix `s`, those of players `nick!user@*`: the host is never told,
the user name hides it. All state is of the run; rooms end with their last member.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from proxy.protocols.gamespy_chat import ChatLine
from replay.servers._gs_people import Profile
from replay.standin.rules import Act, Rules, Say
from replay.standin.world import Client, World

SERVER = "s"
HOST = "*"
NICK_LENGTH, NAME_LENGTH, ROOM_LENGTH, TEXT_LENGTH = 30, 64, 128, 450
LINE_LENGTH = 4096
"""Bytes of a line that is still read."""
NAMES_LENGTH = 400
"""Characters of the nicks in one line of them."""
MOST_JOINED, MOST_ROOMS, MOST_MEMBERS, MOST_KEYS, MOST_BANS = 20, 5000, 2000, 64, 100
PURSE, INCOME = 5000.0, 1000.0
"""Lines to others that a player may cause at once, and each second."""

NO_NICK, NO_ROOM, CANNOT_SEND, TOO_MANY = "401", "403", "404", "405"
TOO_LONG, UNKNOWN, BAD_NICK, NICK_TAKEN = "417", "421", "432", "433"
NOT_INSIDE, NOT_JOINED, ALREADY_INSIDE, NOT_REGISTERED = "441", "442", "443", "451"
FEW_PARAMS, REGISTERED, FULL, NO_MODE = "461", "462", "471", "472"
INVITED_ONLY, BANNED, BAD_KEY, BAD_NAME, NOT_OP = "473", "474", "475", "476", "482"
WAIT = "263"
TEXTS = {
    NO_NICK: "No such nick/channel",
    NO_ROOM: "No such channel",
    CANNOT_SEND: "Cannot send to channel",
    TOO_MANY: "You have joined too many channels",
    TOO_LONG: "Input line was too long",
    UNKNOWN: "Unknown command",
    BAD_NICK: "Erroneous nickname",
    NICK_TAKEN: "Nickname is already in use",
    NOT_INSIDE: "They aren't on that channel",
    NOT_JOINED: "You're not on that channel",
    ALREADY_INSIDE: "is already on channel",
    NOT_REGISTERED: "You have not registered",
    FEW_PARAMS: "Not enough parameters",
    REGISTERED: "You may not reregister",
    FULL: "Cannot join channel (+l)",
    NO_MODE: "is unknown mode char to me",
    INVITED_ONLY: "Cannot join channel (+i)",
    BANNED: "Cannot join channel (+b)",
    BAD_KEY: "Cannot join channel (+k)",
    BAD_NAME: "Bad channel mask",
    NOT_OP: "You're not channel operator",
    WAIT: "Please wait a while and try again",
}
"""Numeric -> its text. Three parameters each: the makers' client counts them."""


@dataclass(slots=True, eq=False)
class User:
    """One connection, registered or not yet."""

    client: Client
    nick: str = ""
    user: str = ""
    realname: str = ""
    crypted: bool = False
    registered: bool = False
    profile: Profile | None = None
    away: str = ""
    modes: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    purse: float = PURSE
    paid: int = 0
    """When the purse was filled last, in microseconds."""
    heard: int = 0
    """When it said something last, in seconds."""
    pinged: bool = False

    @property
    def prefix(self) -> str:
        """Who says something."""
        return f"{self.nick}!{self.user}@{HOST}"


@dataclass(slots=True)
class Standing:
    """A player in a room."""

    op: bool = False
    voice: bool = False
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def sign(self) -> str:
        """What stands before the nick."""
        return "@" if self.op else "+" if self.voice else ""


@dataclass(slots=True, eq=False)
class Room:
    """One channel."""

    name: str
    members: dict[User, Standing] = field(default_factory=dict)
    topic: str = ""
    flags: set[str] = field(default_factory=lambda: set("nt"))
    key: str = ""
    limit: int = 0
    bans: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    invited: set[User] = field(default_factory=set)
    group: str = ""

    @property
    def public(self) -> bool:
        """The title room and the group rooms belong to nobody: who comes first is no operator."""
        return is_public(self.name)

    def hidden(self, user: User) -> bool:
        """Whether a player must not see that it is there."""
        return bool(self.flags & set("ps")) and user not in self.members

    def modes(self, *, inside: bool) -> tuple[str, ...]:
        """What MODE tells: letters, then their parameters."""
        letters, more = "+" + "".join(sorted(self.flags)), []
        if self.key:
            letters, more = letters + "k", [self.key if inside else "*"]
        if self.limit:
            letters, more = letters + "l", [*more, str(self.limit)]
        return letters, *more

    def banned(self, user: User) -> bool:
        """Whether a ban is on it; an address may stand for the hidden host."""
        address = user.client.address[0]
        who = (user.prefix, f"{user.nick}!{user.user}@{address}")
        return any(matches(mask, one) for mask in self.bans for one in who)


class Crowd:
    """Everybody in the chat."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.users: dict[Client, User] = {}
        self.nicks: dict[str, User] = {}
        self.rooms: dict[str, Room] = {}

    def user(self, client: Client) -> User:
        """Who a client is."""
        if client not in self.users:
            user = User(client, paid=self.world.now(), heard=self.world.seconds)
            if not client.open:
                return user
            self.users[client] = user
        return self.users[client]

    def named(self, nick: str) -> User | None:
        """Who has a nick."""
        return self.nicks.get(fold(nick))

    def room(self, name: str) -> Room | None:
        """The room of that name."""
        return self.rooms.get(fold(name))

    def affords(self, user: User, lines: int) -> bool:
        """Whether a player may cause so many lines now."""
        now = self.world.now()
        user.purse = min(PURSE, user.purse + (now - user.paid) / 1e6 * INCOME)
        user.paid = now
        if lines > user.purse and user.purse < PURSE:
            return False
        user.purse -= lines
        return True

    def leaves(self, user: User, room: Room) -> None:
        """A player is not in a room any more; the last one ends it."""
        room.members.pop(user, None)
        user.rooms.pop(fold(room.name), None)
        if not room.members:
            self.rooms.pop(fold(room.name), None)

    def neighbours(self, user: User) -> list[User]:
        """Everybody who shares a room with a player, once each."""
        found = {one: None for room in user.rooms.values() for one in room.members}
        found.pop(user, None)
        return list(found)


class ChatBase(Rules):
    """What all parts of the chat's rules use."""

    protocol = "gamespy-chat"

    @property
    def crowd(self) -> Crowd:
        """Everybody in the chat."""
        return self.world.shared(Crowd)

    def user(self, client: Client) -> User:
        """Who a client is."""
        return self.crowd.user(client)

    def says(self, user: User, numeric: str, *params: object) -> Say:
        """A numeric reply; the last parameter stands behind the colon."""
        return Say(user.client, line(SERVER, numeric, user.nick or "*", *params))

    def error(self, user: User, numeric: str, about: str = "") -> Say:
        """An error about something."""
        params = (clean(about, ROOM_LENGTH) or "*", TEXTS[numeric])
        return self.says(user, numeric, *(params if numeric != NOT_REGISTERED else params[1:]))

    def everybody(
        self, room: Room, made: ChatLine, but: User | None = None, *, loud: bool = False
    ) -> Iterator[Act]:
        """Say a line to all in a room; comings and goings (`loud`) not to who wants quiet."""
        for one in list(room.members):
            if one is not but and not (loud and "q" in one.modes):
                yield Say(one.client, made)

    def inside(self, user: User, name: str) -> tuple[Room | None, Say | None]:
        """A room that a player is in, else the error."""
        room = self.crowd.room(name)
        if room is None:
            return None, self.error(user, NO_ROOM, name)
        if user not in room.members:
            return None, self.error(user, NOT_JOINED, name)
        return room, None


def line(prefix: str | None, command: str, *params: object) -> ChatLine:
    """A line of ours: the last parameter stands behind a colon."""
    return ChatLine(prefix, command, tuple(map(str, params)), bool(params))


def fold(name: str) -> str:
    """What nicks and rooms are compared by."""
    return name.lower()


def clean(text: str, most: int) -> str:
    """A word without what would end a line or a parameter."""
    return "".join(char for char in text[:most] if char > " ").lstrip(":")


def good_nick(nick: str) -> bool:
    """Whether it can be a nick: no sign, space or mark that the lines themselves use."""
    return (
        0 < len(nick) <= NICK_LENGTH
        and all("!" <= char != "\x7f" for char in nick)
        and not set(nick) & set(" ,!@*?\\")
        and nick[0] not in "#:+&"
    )


def tidy(text: str, most: int = TEXT_LENGTH) -> str:
    """A last parameter without what would end a line."""
    return text[:most].translate(_BREAKS)


def is_public(name: str) -> bool:
    """Whether it is the title room of a game or a group room (gamespy 9)."""
    kind, _, rest = name[1:].partition("!")
    return (kind.lower() == "gsp" and "!" not in rest) or kind.lower() == "gpg"


def matches(mask: str, text: str) -> bool:
    """Whether `*` and `?` of a mask fit, without case; linear but for the last star."""
    mask, text = fold(mask), fold(text)
    at = place = 0
    star, kept = -1, 0
    while place < len(text):
        if at < len(mask) and mask[at] == "*":
            star, kept, at = at, place, at + 1
        elif at < len(mask) and mask[at] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            kept += 1
            at, place = star + 1, kept
        else:
            return False
    return not mask[at:].strip("*")


_BREAKS = {ord(char): None for char in "\r\n\0"}
