"""What the legs of an EA lobby share: accounts, personas, rooms, users, buddies.

State only: who is where, what is remembered. Names are compared in any case; what a persona is
called is how it was written first. Ids begin above those of a recording that answers beside us, and
never with 0, which ends a list in the client (ea-lobby 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.layouts.tagfield import TagField
from proxy.layouts.tagvalues import FLAGS, encode
from proxy.protocols.ea_lobby import LobbyMessage, read_ident
from replay.standin.world import Client, World

SHELF = "ea-lobby"
PERSONAS, PERSONA_LENGTH = 4, 12
"""Personas of an account that a client shows, and their length (ea-lobby 3)."""
BESIDE = 10_000
"""Where ids begin beside a recording."""
ROOM_LIMIT = 50
NAME_LIMIT, TEXT_LIMIT, TOKEN_LIMIT = 31, 255, 127
"""Characters that the client keeps: of a persona or room, of a text, of a user's X (ea-lobby 3)."""
MOST_ROOMS = 1000
MOST_KEPT = 100_000
"""Accounts, personas, lists and letters that are remembered."""
MAIL_LIMIT = 50
"""Messages that are kept for somebody who is not here."""


def make(
    kind: str, fields: Mapping[str, object] | None = None, ident: str | int = 0
) -> LobbyMessage:
    """A frame of `KEY=VALUE` lines; without fields one of 12 bytes (ea-lobby 1)."""
    text = "".join(f"{key}={encode(str(value))}\n" for key, value in (fields or {}).items())
    number = read_ident(ident) if isinstance(ident, str) else ident
    return LobbyMessage(kind, number, TagField.of(f"{text}\0" if text else ""))


def text_frame(kind: str, text: str, ident: int = 0) -> LobbyMessage:
    """A frame of free text lines."""
    return LobbyMessage(kind, ident, TagField.lines(f"{text}\n\0".encode("latin-1", "replace")))


def value(message: Any, name: str, limit: int = TEXT_LIMIT) -> str:
    """A field as text, empty where there is none; control characters and the rest cut off."""
    found = message.body.get(name) if isinstance(message, LobbyMessage) else None
    return "".join(char for char in str(found or "")[:limit] if char >= " ")


def nested(message: Any, name: str) -> str:
    """A field that is TagField text itself: its lines stay apart."""
    found = message.body.get(name) if isinstance(message, LobbyMessage) else None
    return str(found or "")[:TEXT_LIMIT]


def same(name: str) -> str:
    """A name as it is compared."""
    return name.strip().lower()


def persona_of(user: str) -> str:
    """`VTSTech/cso/nascar-ps2-2004` -> VTSTech (ea-lobby 8)."""
    return user.partition("@")[0].partition("/")[0]


def flags(text: str) -> str:
    """The letters of a flags field that are flags."""
    return "".join(char for char in text if char in FLAGS)


@dataclass(eq=False, slots=True)
class Room:
    """One room."""

    id: int
    name: str
    limit: int = ROOM_LIMIT
    password: str = ""
    description: str = ""
    host: str = ""
    lasting: bool = False
    """It stays when the last user leaves."""
    users: dict[Player, None] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Users in it."""
        return len(self.users)


@dataclass(eq=False, slots=True)
class Player:
    """One lobby connection under a persona."""

    client: Client
    id: int
    account: str = ""
    persona: str = ""
    room: Room | None = None
    text: str = ""
    """The auxiliary text, shown as X."""
    lists: dict[str, bool] = field(default_factory=dict)
    """Which lists it wants pushed (`sele`)."""
    opponent: tuple[str, bool] | None = None
    """Whom it named by `chal`, and whether it hosts."""
    round_trip: int = 0
    """Milliseconds, of the last ping."""

    def wants(self, name: str, default: bool = True) -> bool:
        """Whether a list is pushed to it."""
        return self.lists.get(name, default)


@dataclass(eq=False, slots=True)
class Friend:
    """One buddy connection."""

    client: Client
    persona: str
    show: str = "CHAT"
    status: str = ""
    product: str = ""
    watches: set[str] = field(default_factory=set)
    """Personas whose presence it asked for without having them on a list."""


class Lounge:
    """Everything that there is behind a directory."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shelf = world.shelf(SHELF)
        self.players: dict[Client, Player] = {}
        self.personas: dict[str, Player] = {}
        self.friends: dict[str, Friend] = {}
        self.tickets: dict[str, str] = {}
        """LKEY -> persona."""
        self.rooms: dict[str, Room] = {}
        self._ranking: list[dict[str, Any]] | None = None
        first = BESIDE if world.recorded else 0
        self._room, self._user = first, first
        self.mask = f"{world.random.getrandbits(124) | 1 << 120:x}"
        """One for all, so that a client that lost its way is still understood (ea-lobby 9)."""

    # accounts and personas

    def account(self, name: str) -> dict[str, Any] | None:
        """What is known of an account."""
        found = self.shelf.get(f"account:{same(name)}")
        return found if isinstance(found, dict) else None

    def write_account(self, name: str, **facts: Any) -> dict[str, Any]:
        """Remember an account."""
        known = self.account(name) or {"name": name, "personas": [name[:PERSONA_LENGTH]]}
        known.update(facts)
        self._write(f"account:{same(name)}", known)
        for persona in known["personas"]:
            self.write_persona(persona, account=known["name"])
        return known

    def persona(self, name: str) -> dict[str, Any] | None:
        """What is known of a persona."""
        found = self.shelf.get(f"persona:{same(name)}")
        return found if isinstance(found, dict) else None

    def write_persona(self, name: str, **facts: Any) -> dict[str, Any]:
        """Remember a persona."""
        known = self.persona(name) or {"name": name, "points": 0, "races": 0}
        known.update(facts)
        self._write(f"persona:{same(name)}", known)
        self._ranking = None
        return known

    def _write(self, key: str, value: Any) -> None:
        """Remember something, as long as there is not too much of it."""
        if key in self.shelf or len(self.shelf) < MOST_KEPT:
            self.shelf[key] = value

    def drop_persona(self, name: str) -> None:
        """Forget a persona."""
        self.shelf.pop(f"persona:{same(name)}", None)
        self._ranking = None

    def ranking(self) -> list[dict[str, Any]]:
        """All personas, the best first."""
        if self._ranking is None:
            known = [self.shelf[key] for key in self.shelf if key.startswith("persona:")]
            known.sort(key=lambda one: (-int(one["points"]), same(one["name"])))
            self._ranking = known
        return self._ranking

    # users and rooms

    def player(self, client: Client) -> Player:
        """The user of a lobby connection."""
        found = self.players.get(client)
        if found is None:
            self._user += 1
            found = self.players[client] = Player(client, self._user)
        return found

    def here(self, persona: str) -> Player | None:
        """A persona that is in the lobby now."""
        return self.personas.get(same(persona))

    def wanting(self, name: str, default: bool = True) -> Iterable[Player]:
        """Everybody to whom a list is pushed."""
        return [one for one in self.personas.values() if one.wants(name, default)]

    def find(self, name: str) -> Room | None:
        """A room by its name, which the client may have cut off."""
        wanted = same(name)
        room = self.rooms.get(wanted)
        if room is None and len(wanted) >= 14:
            room = next((one for key, one in self.rooms.items() if key.startswith(wanted)), None)
        return room

    def add_room(self, name: str, **facts: Any) -> Room:
        """A new room."""
        self._room += 1
        room = self.rooms[same(name)] = Room(self._room, name[:NAME_LIMIT], **facts)
        return room

    # buddies

    def lists(self, persona: str) -> dict[str, dict[str, str]]:
        """The lists of a persona: B and I, each user -> group."""
        found = self.shelf.get(f"buddies:{same(persona)}")
        return found if isinstance(found, dict) else {"B": {}, "I": {}}

    def write_lists(self, persona: str, lists: dict[str, dict[str, str]]) -> None:
        """Remember them."""
        self._write(f"buddies:{same(persona)}", lists)

    def ignores(self, persona: str, other: str) -> bool:
        """Whether a persona does not want to hear of another."""
        return same(other) in map(same, self.lists(persona).get("I", ()))

    def watchers(self, persona: str) -> list[Friend]:
        """Who wants to know the presence of a persona."""
        wanted = same(persona)
        return [
            one
            for one in self.friends.values()
            if wanted in one.watches or wanted in map(same, self.lists(one.persona).get("B", ()))
        ]

    def keep_mail(self, to: str, mail: dict[str, Any]) -> None:
        """Keep a message for somebody who is not here."""
        key = f"mail:{same(to)}"
        self._write(key, [*self.shelf.get(key, []), mail][-MAIL_LIMIT:])

    def take_mail(self, persona: str) -> list[dict[str, Any]]:
        """What was kept for a persona; it is kept no longer."""
        found = self.shelf.pop(f"mail:{same(persona)}", [])
        return found if isinstance(found, list) else []
