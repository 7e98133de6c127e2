"""What a Jazz Jackrabbit 2 server knows: what is played, and who is here behind which socket.

State only, shared with the list. Socket 0 and player 0 are the host's (jazz2 6).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from proxy.layouts.codec import Struct
from proxy.layouts.jazz2_endings import MODES, PlusScore
from proxy.protocols.jazz2 import SHORT, Listed, Player, PlusPlayer, ServerDetails
from replay.standin.world import Client, World

NAME_LIMIT, TEXT_LIMIT = 20, 240
"""Bytes of a player's name, and of a line of talk that are passed on."""
MOST_SOCKETS = 15
"""A line of talk has four bits for the socket (jazz2 3)."""
TEAM_BIT, CHARACTER, SPECTATOR = 4, 0b11, 4
LIST_MODES = {"battle": 1, "treasure": 2, "capture": 3, "race": 4, "coop": 5}
"""Mode -> its number in lists, which is another one than in the game (jazz2 4)."""


Seat: TypeAlias = "tuple[int, tuple[int, ...]]"
"""A socket, and the ids of the players behind it."""


@dataclass(eq=False, slots=True)
class Guest:
    """One TCP connection that has joined, or is about to."""

    client: Client
    socket: int
    udp_port: int
    version: str
    ids: tuple[int, ...]
    """Of the players behind it."""
    players: list[Player] = field(default_factory=list)
    """Empty until it has said who plays."""
    spectating: bool = False
    cookie: bytes = b"\0\0\0\0"
    """Of the last heartbeat."""
    promised: bytes | None = None
    """The cookie that its details named; else each heartbeat has another one."""
    sequence: int = 0
    heard: int = 0
    """When it spoke last, in microseconds."""
    datagrams: bool = False
    """Whether it has ever sent one."""
    beaten: int = 0
    """When it was given a short heartbeat last."""
    leg: Client | None = None
    """Its endpoint for datagrams."""


class Game:
    """The server: what its own rules and those of the list share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.began = world.now()
        self.guests: dict[Client, Guest] = {}
        self.facts: dict[str, str] = {}
        """What a recording says of the server, by the names of the options."""
        self.promised: dict[Client, Seat] = {}
        """Sockets and ids of clients who are being let in."""
        self._recorded: tuple[set[int], set[int]] = set(), set()

    def option(self, name: str, default: str) -> str:
        """An option of the rules of jazz2."""
        known = self.world.options.get(f"jazz2.{name}") or self.facts.get(name)
        return known or default

    def number(self, name: str, usual: int, most: int = 255) -> int:
        """An option that is a number; what is none is the usual one."""
        text = self.option(name, str(usual))
        return min(int(text), most) if text.isascii() and text.isdigit() else usual

    @property
    def name(self) -> str:
        """What the server is called."""
        return self.option("name", "Understudy")[:32]

    @property
    def password(self) -> str:
        """Empty: it is public."""
        return self.option("password", "")

    @property
    def mode(self) -> str:
        """battle, race and the like."""
        found = self.option("mode", "battle")
        return found if found in MODES.values() else "battle"

    @property
    def mode_number(self) -> int:
        """As the game counts modes."""
        return next(number for number, name in MODES.items() if name == self.mode)

    @property
    def level(self) -> str:
        """File name of what is played."""
        return self.option("level", "battle1.j2l")[:100]

    @property
    def version(self) -> str:
        """21 is 1.23, 24 is 1.24; four characters."""
        return "21  " if self.option("version", "1.24") in ("1.23", "21") else "24  "

    @property
    def limit(self) -> int:
        """Players who may be here, the host included."""
        return self.number("max_players", 32)

    @property
    def host(self) -> Listed:
        """The player who is always here."""
        return Listed(0, 0, 0, bytes((0x18, 0x20, 0x28, 0x10)), self.option("host", "Host")[:20])

    @property
    def inside(self) -> list[Guest]:
        """Who has said who plays, in order of arrival."""
        return [guest for guest in self.guests.values() if guest.players]

    @property
    def count(self) -> int:
        """Players here, the host included."""
        return 1 + sum(len(guest.players) for guest in self.guests.values())

    def seat(self, players: int) -> Seat | None:
        """A free socket and ids for so many players; None: the server is full."""
        seats = [(guest.socket, guest.ids) for guest in self.guests.values()]
        seats += self.promised.values()
        sockets = [n for n in range(1, MOST_SOCKETS + 1) if n not in {one for one, _ in seats}]
        taken = {one for _, ids in seats for one in ids}
        numbers = [n for n in range(1, self.limit) if n not in taken]
        sockets.sort(key=self._recorded[0].__contains__)  # what nobody was recorded with first
        numbers.sort(key=self._recorded[1].__contains__)
        socket, free = next(iter(sockets), None), numbers[:players]
        if socket is None or not 0 < players <= len(free):
            return None
        return socket, tuple(free)

    def reserve(self, socket: int, player: int) -> None:
        """A recording speaks of somebody under these."""
        self._recorded[0].add(socket)
        self._recorded[1].add(player)

    def listed(self) -> tuple[Listed, ...]:
        """Everybody, the host first."""
        return (
            self.host,
            *(
                Listed(guest.socket, one.player_id, one.team_character, one.fur, one.name)
                for guest in self.inside
                for one in guest.players
            ),
        )

    def details(self, guest: Guest) -> ServerDetails:
        """What a guest that joins is told."""
        level, tileset = (self.number(f"{one}_crc", 0, 0xFFFFFFFF) for one in ("level", "tileset"))
        score = self.number("max_score", 10)
        seat = guest.socket, guest.ids[0]
        return ServerDetails(*seat, self.level, level, tileset, self.mode_number, score, form=SHORT)

    def scores(self) -> tuple[PlusScore, ...]:
        """Everybody as a JJ2+ reply lists players."""
        looks_on = {guest.socket for guest in self.inside if guest.spectating}
        return tuple(
            PlusScore(one.name, 0, one.team_character >> TEAM_BIT & 1 | state)
            for one in self.listed()
            for state in [SPECTATOR if one.socket in looks_on else 0]
        )


def plain(player: Struct, number: int) -> Player:
    """A player as the original game describes one, under the id that we gave."""
    if isinstance(player, PlusPlayer):
        character = player.character & CHARACTER | (player.team & 1) << TEAM_BIT
    else:
        assert isinstance(player, Player)
        character = player.team_character
    return Player(number, character, player.fur, player.name[:NAME_LIMIT])


EXTRAS = bytes.fromhex("11000a0d0000")
"""Sprite mode, its parameter, light type and size, flags, unused: as JJ2+ sends them (jazz2 3)."""


def plus(player: Player) -> PlusPlayer:
    """A player as JJ2+ describes one."""
    look = player.team_character
    team, character = look >> TEAM_BIT & 1, look & CHARACTER
    return PlusPlayer(player.player_id, team, character, player.fur, EXTRAS, player.name)
