"""A Kaillera server by rules: any number of players and rooms, on the main port and private ports.

A client says HELLO on the main port and is told a private port; the session itself is a flow of
bundles, on that port or, as clients of servers with one port do it, on the main port. Every
session counts by itself, says everything three times, and is told again what it missed. Facts: the
reference "kaillera", sections 1 to 5; where the known servers differ, the original one is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from proxy.layouts.bundle import Bundle
from proxy.layouts.codec import Struct
from proxy.message import Message
from proxy.protocols.kaillera import (
    AllReady,
    CachedData,
    Chat,
    ClientAck,
    CreateGame,
    Drop,
    GameChat,
    GameData,
    HelloDood,
    JoinGame,
    Kick,
    Pong,
    Quit,
    QuitGame,
    StartGame,
    TooMany,
    UserInfo,
    WrongVersion,
)
from recordings.errors import UserError
from recordings.model import Transport
from replay.servers._kaillera import User, tell_all
from replay.servers._kaillera_announcing import KailleraAnnouncer
from replay.servers._kaillera_company import Company
from replay.servers._kaillera_login import LoginRules
from replay.servers._kaillera_parts import Told
from replay.servers._kaillera_rooms import CHAT_LIMIT
from replay.standin.ghosts import Presence
from replay.standin.rules import OPAQUE, Act, Acts, Close, Later, Note, Say, hears
from replay.standin.world import Client, World

if TYPE_CHECKING:
    from replay.adaptive.lines import Line
    from replay.standin.pool import Take
    from replay.standin.stage import Stage

VERSION = "0.83"
"""What the protocol calls itself, whatever the program is called (kaillera 1)."""
PRIVATE = "private"
QUIT_LIMIT = 100
"""Bytes of last words (kaillera 2)."""
LOGIN = 8
"""Messages of a login; behind it a message 0 begins another session on the same flow."""
LOGIN_LIMIT, SILENCE, AGAIN = 10_000_000, 120_000_000, 2_000_000
"""Microseconds: for the login, of silence, and after which a round of the login is said again."""
TICK = 1.0


class Kaillera(LoginRules):
    """One server."""

    protocol = "kaillera"
    recasts = True
    announces = True
    options = {
        "motd": "what everybody is told first; | begins another line",
        "max_users": "users who may be here, 100 unless given",
        "max_players": "players of a game, 8 unless given",
        "netsync_seconds": "how long players may take to get ready, 60 unless given",
        "private_ports": "0: play on the main port; else so many private ports, as many as users "
        "unless given",
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._company = Company(self.hall)
        self._granted: dict[str, int] = {}
        """Role of a private port -> when it was given to somebody, microseconds."""
        self._ticking = False

    def announcer(self, port: int, path: str) -> KailleraAnnouncer:
        """See `Rules.announcer`."""
        return KailleraAnnouncer(self.hall, port, self.most_users, path)

    # recorded players

    def ghosts(self, stage: Stage, takes: list[tuple[Take, list[Line]]]) -> list[Presence]:
        """See `Rules.ghosts`."""
        return self._company.gather(stage, takes, Told(), recast=False)

    def recast(self, stage: Stage, takes: list[tuple[Take, list[Line]]]) -> list[Presence]:
        """See `Rules.recast`."""
        told = Told()
        found = self._company.gather(stage, takes, told, recast=True)
        self.hall.motd = "|".join(told.motd) or self.hall.motd
        self.most_players = told.most_players or self.most_players
        return found

    def welcome(self, user: User) -> Iterator[Act]:
        """See `LoginRules.welcome`; a ghost makes room for who plays its part now."""
        if user.client.ghost:
            yield from super().welcome(user)
            return
        ghost = self._company.makes_room(user)
        if ghost is not None and ghost.user is not None:
            yield from self.gone(ghost.user, "")
            yield Close(ghost.client, f"{user.name} plays its part")
        yield from super().welcome(user)
        if self.hall.crowd == 1:
            self._company.talk()

    # the main port

    @hears("PING")
    def ping(self, client: Client, message: Message) -> Acts:
        if not client.role.startswith(PRIVATE):
            yield Say(client, Pong())

    @hears("HELLO")
    def hello(self, client: Client, message: Message) -> Acts:
        if client.role.startswith(PRIVATE):
            return
        if message.get("version") != VERSION:
            yield Say(client, WrongVersion())
            return
        if client in self.hall.sessions:  # a client with one socket comes again
            yield from self.gone(self.hall.sessions[client], "came again")
        if self.hall.crowd >= self.most_users:
            yield Say(client, TooMany())
            return
        role = self._free_port()
        port = client.local[1]
        if role:
            try:
                _, port = self.world.reach(client, self.protocol, role, transport=Transport.UDP)
            except UserError as error:
                yield Note("leg", f"{error}; the main port is given instead", client)
        yield Say(client, HelloDood(port))

    def _free_port(self) -> str:
        """A private port that nobody is at, else that which was given longest ago."""
        if self.option("private_ports") == "0":
            return ""
        taken = {one.role for one in self.hall.sessions}
        number = self.limit("private_ports", self.most_users, 1000)
        names = [f"{PRIVATE} {one}" for one in range(1, number + 1)]
        now = self.world.now()
        name = min(names, key=lambda one: (one in taken, self._fresh(one, now)))
        self._granted[name] = now
        return name

    def _fresh(self, name: str, now: int) -> int:
        """When a port was given, as long as somebody may still come by it."""
        at = self._granted.get(name, 0)
        return at if now - at < LOGIN_LIMIT else 0

    # bundles

    @hears(OPAQUE)
    def noise(self, client: Client, message: Message) -> Acts:
        """What cannot be read is dropped, as other servers do (kaillera 2)."""
        return ()

    @hears("*")
    def bundle(self, client: Client, message: Message) -> Acts:
        if not isinstance(message, Bundle):
            return
        user = self.hall.sessions.get(client)
        first = message.messages[0]
        if (
            len(message.messages) == 1
            and first.number == 0
            and isinstance(first.message, UserInfo)
            and (user is None or user.refused or user.channel.next_in > LOGIN)
        ):
            if user is not None:
                yield from self.gone(user, "came again")
            user = self._session(client, first.message)
            yield from self._tick_on()
        if user is None:
            return  # a session begins with number 0 (kaillera 2)
        user.heard = self.world.now()
        skip = user.here and user.seat is None
        new = user.channel.take(message.messages, skip=skip)
        if not new and user.channel.may_repeat(user.heard):
            yield Say(client, user.channel.again())
        for one in new:
            if self.hall.sessions.get(client) is not user:
                return  # it has left
            handler = HANDLERS.get(type(one))
            if handler and (user.here or type(one) in LOGGING_IN):
                yield from handler(self, user, one)

    # being here

    def chat(self, user: User, message: Chat) -> Acts:
        said = Chat(user.name, message.text[:CHAT_LIMIT])
        yield from tell_all(self.hall.users, said)

    def quit(self, user: User, message: Quit) -> Acts:
        yield from self.gone(user, message.text[:QUIT_LIMIT])

    def gone(self, user: User, words: str) -> Iterator[Act]:
        """A user has left; the others and he himself are told."""
        if user.here:
            yield from self.leave(user)
            yield from tell_all(self.hall.users, Quit(user.name, user.id, words))
        if self.hall.sessions.get(user.client) is user:
            del self.hall.sessions[user.client]
        user.here = False

    def closed(self, client: Client) -> Acts:
        user = self.hall.sessions.get(client)
        if user is not None:
            yield from self.gone(user, "Connection closed")

    # time

    def _tick_on(self) -> Iterator[Act]:
        if not self._ticking:
            self._ticking = True
            yield Later(TICK, self._tick)

    def _tick(self) -> Acts:
        self._ticking = False
        if not self.hall.sessions:
            return
        yield from self._tick_on()
        now = self.world.now()
        for user in list(self.hall.sessions.values()):
            if not user.here and now - user.since >= LOGIN_LIMIT:
                del self.hall.sessions[user.client]
            elif now - user.heard >= SILENCE and not user.client.ghost:
                yield from self.gone(user, "Ping timeout")
            elif not (user.here or user.refused) and now - user.heard >= AGAIN:
                yield Say(user.client, user.channel.again())
        for room in list(self.hall.rooms.values()):
            yield from self.look_after(room, now)


HANDLERS: dict[type[Struct], Callable[[Any, User, Any], Acts]] = {
    UserInfo: Kaillera.log_in,
    ClientAck: Kaillera.acknowledged,
    Quit: Kaillera.quit,
    Chat: Kaillera.chat,
    GameChat: Kaillera.game_chat,
    CreateGame: Kaillera.create,
    QuitGame: Kaillera.quit_game,
    JoinGame: Kaillera.join,
    Kick: Kaillera.kick,
    StartGame: Kaillera.start,
    GameData: Kaillera.data,
    CachedData: Kaillera.cached,
    Drop: Kaillera.drop,
    AllReady: Kaillera.all_ready,
}
LOGGING_IN: tuple[type[Struct], ...] = (UserInfo, ClientAck, Quit)
"""What a client may say before it is here."""

RULES = Kaillera
