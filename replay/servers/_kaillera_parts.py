"""What a recorded Kaillera session tells of its players: who they are, and what each one played.

Of the player himself his own packets tell it, of the others those of the server, which hold the
frames of everybody in the order of the players' numbers (kaillera 5). All is counted in frames,
so that it can be played with any number of frames in a packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from proxy.layouts.codec import Struct
from proxy.protocols.kaillera import (
    CachedData,
    Chat,
    CloseGame,
    CreateGame,
    Drop,
    GameData,
    GameStatus,
    Info,
    JoinGame,
    PlayerInfo,
    Quit,
    QuitGame,
    ServerStatus,
    StartGame,
    UserInfo,
    UserJoined,
)
from recordings.model import Direction
from replay.adaptive.lines import Line

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
USUAL_CONNECTION = 3
ALIGNED = 64
"""Frames by which the player's own input is found again among everybody's."""
MOST_CHATS, MOST_LINES = 200, 20


@dataclass(eq=False, slots=True)
class Match:
    """One recorded game, as one player played it."""

    rom: str
    owner: bool
    """Whether he had made the room."""
    players: int = 2
    size: int = 0
    """Bytes of a frame."""
    frames: list[bytes] = field(default_factory=list)
    unknown: int = 0
    """Packets that named a slot nobody knows: the one before stands for each."""


@dataclass(eq=False, slots=True)
class Part:
    """One recorded player."""

    name: str
    emulator: str = ""
    connection: int = USUAL_CONNECTION
    client: bool = False
    """His own session was recorded; else somebody saw him."""
    matches: list[Match] = field(default_factory=list)
    chats: list[tuple[float, str]] = field(default_factory=list)
    """Seconds behind the login of the recorded client, and a line."""


@dataclass(slots=True)
class Told:
    """What a recorded server said of itself."""

    motd: list[str] = field(default_factory=list)
    most_players: int = 0


class Account:
    """Reads one flow, line by line."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.parts: dict[str, Part] = {}
        self._me: Part | None = None
        self._since = 0  # of the login, microseconds
        self._room: list[str] = []  # names, in the order of the players' numbers
        self._roms: dict[int, tuple[str, str, str]] = {}  # game's id: rom, emulator, owner
        self._game = ("", "", "")
        self._playing: dict[int, Match] = {}  # by the player's number
        self._number = 0
        self._rows: list[bytes] = []
        self._count = 0

    def read(self, lines: Iterable[Line]) -> dict[str, Part]:
        """The players of a flow by name, the recorded client first."""
        for line in lines:
            hear = HEARD[line.direction].get(type(line.message))
            if hear is not None and (self._me or line.direction is UP):
                hear(self, line.message, line.frame.at)
        self._over()
        return self.parts

    def _part(self, name: str, connection: int = 0, emulator: str = "") -> Part:
        part = self.parts.get(name)
        if part is None:
            part = self.parts[name] = Part(name)
        if connection:
            part.connection = connection
        part.emulator = emulator or part.emulator
        return part

    # the client

    def log_in(self, message: UserInfo, at: int) -> None:
        self._over()
        connection = message.connection if 0 < message.connection < 7 else USUAL_CONNECTION
        self._me = self._part(message.username, connection, message.emulator)
        self._me.client, self._since = True, at
        self._room, self._roms = [], {}

    def input(self, message: GameData, at: int) -> None:
        mine = self._playing.get(self._number)
        if mine is None or self._me is None:
            return
        count = self._me.connection
        size = mine.size = len(message.data) // count
        mine.frames += [message.data[n * size : (n + 1) * size] for n in range(count)]

    def unknown_input(self, message: CachedData, at: int) -> None:
        mine = self._playing.get(self._number)
        if mine is not None and mine.frames and self._me is not None:
            mine.unknown += 1
            mine.frames += mine.frames[-self._me.connection :]

    def drop_out(self, message: Struct, at: int) -> None:
        self._over()

    # the server

    def status(self, message: ServerStatus, at: int) -> None:
        for user in message.users:
            self._part(user.name, user.connection)
        for game in message.games:
            self._roms[game.game_id] = game.rom, game.emulator, game.owner

    def came(self, message: UserJoined, at: int) -> None:
        self._part(message.username, message.connection)

    def said(self, message: Chat, at: int) -> None:
        part = self._part(message.username)
        if part is not self._me and len(part.chats) < MOST_CHATS:
            part.chats.append(((at - self._since) / 1e6, message.text))

    def my_chat(self, message: Chat, at: int) -> None:
        if self._me is not None and len(self._me.chats) < MOST_CHATS:
            self._me.chats.append(((at - self._since) / 1e6, message.text))

    def inform(self, message: Info, at: int) -> None:
        motd = self.told.motd
        if not self._room and len(motd) < MOST_LINES and message.text not in motd:
            motd.append(message.text)

    def made(self, message: CreateGame, at: int) -> None:
        self._roms[message.game_id] = message.rom, message.emulator, message.username
        if self._me and message.username == self._me.name:
            self._game = self._roms[message.game_id]
        self._part(message.username, emulator=message.emulator)

    def wants_in(self, message: JoinGame, at: int) -> None:
        self._game = self._roms.get(message.game_id, ("", "", ""))

    def inside(self, message: PlayerInfo, at: int) -> None:
        self._room = [player.name for player in message.players]
        for player in message.players:
            self._part(player.name, player.connection)

    def entered(self, message: JoinGame, at: int) -> None:
        self._part(message.name, message.connection)
        self._room.append(message.name)

    def left(self, message: QuitGame, at: int) -> None:
        if self._me and message.username == self._me.name:
            self._over()
            self._room = []
        elif message.username in self._room:
            self._room.remove(message.username)

    def closed(self, message: CloseGame, at: int) -> None:
        if self._roms.pop(message.game_id, None) == self._game:
            self._over()
            self._room = []

    def size(self, message: GameStatus, at: int) -> None:
        self.told.most_players = max(self.told.most_players, message.max_players)

    def started(self, message: StartGame, at: int) -> None:
        self._over()
        rom, emulator, owner = self._game
        self._number, self._count = message.player, message.players
        for number, name in enumerate(self._room[: message.players], 1):
            mine = self._me if number == message.player else None
            part = mine or self._part(name)
            part.emulator = part.emulator or emulator
            match = self._playing[number] = Match(rom, name == owner, message.players)
            part.matches.append(match)

    def rows(self, message: GameData, at: int) -> None:
        if self._playing and self._me is not None and self._count:
            size, rest = divmod(len(message.data), self._me.connection)
            if not rest and not size % self._count:
                self._rows += [
                    message.data[n : n + size] for n in range(0, len(message.data), size or 1)
                ]

    def other_dropped(self, message: Drop, at: int) -> None:
        if message.player != self._number:
            self._take_rows(message.player)
            self._playing.pop(message.player, None)

    def _over(self) -> None:
        """The game has ended for the recorded client."""
        for number in list(self._playing):
            self._take_rows(number)
        self._playing.clear()
        self._rows = []

    def _take_rows(self, number: int) -> None:
        """What another player did, from the server's packets."""
        match, mine = self._playing.get(number), self._playing.get(self._number)
        if match is None or match is mine or not self._rows:
            return
        size = len(self._rows[0]) // self._count
        skip = early(mine.frames if mine else [], self._rows, size, self._number)
        at = (number - 1) * size
        match.size = size
        match.frames = [row[at : at + size] for row in self._rows[skip:]]


def early(mine: list[bytes], rows: list[bytes], size: int, number: int) -> int:
    """Rows of zeros before everybody's first frame: there a player's own input begins."""
    at = (number - 1) * size
    own = [row[at : at + size] for row in rows]
    for skip in range(min(len(own), ALIGNED)):
        sample = min(len(mine), len(own) - skip, ALIGNED)
        if own[skip : skip + sample] == mine[:sample] and sample:
            return skip
    return 0


Hear = Callable[[Account, Any, int], None]
HEARD: dict[Direction, dict[type, Hear]] = {
    UP: {
        UserInfo: Account.log_in,
        GameData: Account.input,
        CachedData: Account.unknown_input,
        Chat: Account.my_chat,
        JoinGame: Account.wants_in,
        Drop: Account.drop_out,
        QuitGame: Account.drop_out,
        Quit: Account.drop_out,
    },
    DOWN: {
        ServerStatus: Account.status,
        UserJoined: Account.came,
        Chat: Account.said,
        Info: Account.inform,
        CreateGame: Account.made,
        PlayerInfo: Account.inside,
        JoinGame: Account.entered,
        QuitGame: Account.left,
        CloseGame: Account.closed,
        GameStatus: Account.size,
        StartGame: Account.started,
        GameData: Account.rows,
        Drop: Account.other_dropped,
    },
}
"""What is read of each side."""
