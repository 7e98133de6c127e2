"""The login of a Kaillera server: four round trips, then the lists, or a refusal (kaillera 4)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.protocols.kaillera import (
    ClientAck,
    Game,
    Rejected,
    ServerAck,
    ServerStatus,
    UserInfo,
    UserJoined,
)
from proxy.protocols.kaillera import User as Listed
from replay.servers._kaillera import Room, User, tell, tell_all
from replay.servers._kaillera_rooms import NAME_LIMIT, RoomRules
from replay.standin.rules import Act, Acts
from replay.standin.world import Client

USER_LIMIT = 31
"""Bytes of a user's name (kaillera 2)."""
USUAL_CONNECTION, MOST_CONNECTION = 3, 6
ROUNDS = 4
"""Of the login's ping."""
LIST_BYTES = 900
"""Bytes of lists in one ServerStatus; three of them are one datagram."""


class LoginRules(RoomRules):
    """How a user comes in."""

    @property
    def most_users(self) -> int:
        """Users who may be here."""
        return self.limit("max_users", 100, 10_000)

    def _session(self, client: Client, info: UserInfo) -> User:
        connection = info.connection
        if not 0 < connection <= MOST_CONNECTION:
            connection = USUAL_CONNECTION
        now = self.world.now()
        number = self.hall.new_user_id()
        user = User(client, number, info.username, info.emulator, connection, now, now)
        self.hall.sessions[client] = user
        return user

    def log_in(self, user: User, message: UserInfo) -> Acts:
        if not user.rounds and not user.asked:
            yield from self._ask(user)

    def _ask(self, user: User) -> Iterator[Act]:
        user.asked = self.world.now()
        yield tell(user, ServerAck())

    def acknowledged(self, user: User, message: ClientAck) -> Acts:
        if user.here or user.refused or not user.asked:
            return
        user.rounds.append(self.world.now() - user.asked)
        if len(user.rounds) < ROUNDS:
            yield from self._ask(user)
            return
        user.ping = sum(user.rounds) // ROUNDS // 1000
        why = self._refusal(user)
        if why:
            user.refused = True
            yield tell(user, Rejected(user.name, user.id, why))
            return
        yield from self.welcome(user)

    def _refusal(self, user: User) -> str:
        if len(user.name) > USER_LIMIT:
            return f"Rejected: a name has {USER_LIMIT} letters at most."
        if any(char < " " for char in user.name):
            return "Rejected: a name holds letters and signs only."
        if len(user.emulator) > NAME_LIMIT:
            return f"Rejected: an emulator's name has {NAME_LIMIT} letters at most."
        if self.hall.crowd >= self.most_users and not user.client.ghost:
            return "Rejected: the server is full."
        return ""

    def welcome(self, user: User) -> Iterator[Act]:
        """The login is complete: who is here, and the message of the day."""
        for status in self._lists():
            yield tell(user, status)
        user.here = True
        user.client.name = user.name or f"user {user.id}"
        joined = UserJoined(user.name, user.id, user.ping, user.connection)
        yield from tell_all(self.hall.users, joined)
        motd = self.option("motd", self.hall.motd)
        for line in motd.split("|"):
            yield self.inform(user, line.strip())

    def _lists(self) -> Iterator[ServerStatus]:
        """Who is here and what is played; several messages when one would be too long."""
        users: list[Listed] = []
        games: list[Game] = []
        size = 0
        entries: list[Listed | Game] = [*map(_listed, self.hall.users)]
        entries += map(_game, self.hall.rooms.values())
        for entry in entries:
            length = len(entry.encode())
            if size and size + length > LIST_BYTES:
                yield ServerStatus("", tuple(users), tuple(games))
                users, games, size = [], [], 0
            size += length
            if isinstance(entry, Listed):
                users.append(entry)
            else:
                games.append(entry)
        yield ServerStatus("", tuple(users), tuple(games))


def _listed(user: User) -> Listed:
    return Listed(user.name, user.ping, user.status, user.id, user.connection)


def _game(room: Room) -> Game:
    players = f"{len(room.users)}/{room.limit}"
    return Game(room.rom, room.id, room.emulator, room.owner.name, players, room.status)
