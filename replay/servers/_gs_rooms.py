"""Group rooms of games with lobbies: the browsers list them, the chat has the people in them.

A group room is a channel of the chat, `#GPG!NUMBER`; a game server says by its key `groupid` in
which one it was opened (gamespy 6.2, 9). The rooms are named by the user, one list for both
browsers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from replay.servers._gs_chat import Crowd
from replay.servers._gs_hosts import Hosts
from replay.standin.world import World

OPTION = "group rooms of games with lobbies: NAME,NAME (said once, it holds for both browsers)"
OWNERS = ("gamespy-browser2", "gamespy-browser1")
"""Protocols whose option `rooms` names them."""
DEFAULT = "Lobby"
MOST_ROOMS = 1000
MOST_WAITING = 1000
"""What a room is said to hold."""


@dataclass(frozen=True, slots=True)
class GroupRoom:
    """One room, and who is in it now."""

    number: int
    name: str
    waiting: int
    servers: int
    players: int

    def facts(self) -> dict[str, str]:
        """The keys of it that a list may ask for."""
        return {
            "hostname": self.name,
            "groupid": str(self.number),
            "numwaiting": str(self.waiting),
            "maxwaiting": str(MOST_WAITING),
            "numservers": str(self.servers),
            "numplayers": str(self.players),
            "maxplayers": str(MOST_WAITING),
            "password": "0",
        }


def group_rooms(world: World, game: str) -> Iterator[GroupRoom]:
    """The rooms of a game, numbered from 1."""
    crowd, hosts = world.shared(Crowd), world.shared(Hosts).of(game)
    found = (world.options.get(f"{owner}.rooms") for owner in OWNERS)
    names = next((text for text in found if text is not None), DEFAULT)
    listed = [one.strip() for one in names.split(",")[:MOST_ROOMS] if one.strip()]
    servers, players = Counter[str](), Counter[str]()
    for host in hosts:
        group = host.facts.get("groupid", "")
        servers[group] += 1
        players[group] += _count(host.facts.get("numplayers", ""))
    for number, name in enumerate(listed, 1):
        room, group = crowd.rooms.get(f"#gpg!{number}"), str(number)
        waiting = len(room.members) if room else 0
        yield GroupRoom(number, name, waiting, servers[group], players[group])


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
