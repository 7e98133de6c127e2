"""Which games there are: one small TOML file per game in proxy/games.

A game is its services (who the client looks for by name and port, and the protocol spoken there)
and its legs (what it is sent to afterwards, by redirect). Nothing is listed twice: a game is found
by its file, `nascar-thunder-2004` in nascar-thunder-2004.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from recordings.errors import UserError
from recordings.model import Transport
from recordings.nearest import meant

PLACE = "{game}"
"""Stands in a host name for the game's own name at its service (GameSpy: `gmtest`)."""
_RANGE = re.compile(r"\[(\d+)-(\d+)\]")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Service:
    """Something that the client looks for by itself."""

    role: str
    protocol: str
    transport: Transport
    port: int
    hosts: tuple[str, ...] = ()
    """Names, or one literal address; `{game}` and `[0-19]` are filled in."""
    optional: bool = False
    """Whether a recording goes on without it when its port cannot be had."""
    note: str = ""
    stand_in: bool = False
    """Whether only a stand-in has it; a relay of the game leaves it out."""

    def names(self, game_name: str | None = None) -> list[str]:
        """Every host name; without the game's name `*` stands for it, as our DNS takes it."""
        return [
            name.replace(PLACE, game_name or "*")
            for pattern in self.hosts
            for name in _expanded(pattern)
        ]


@dataclass(frozen=True, slots=True)
class Leg:
    """Something that the client is sent to by another flow."""

    role: str
    protocol: str
    announced_by: str


@dataclass(frozen=True, slots=True)
class Game:
    """What is known of one game."""

    name: str
    title: str
    services: tuple[Service, ...]
    legs: tuple[Leg, ...] = ()
    platform: str = ""
    directory: str = ""
    """What is special of its first server: `SSLv3, not decoded`."""
    notes: str = ""
    source: str = ""

    @property
    def relayed(self) -> tuple[Service, ...]:
        """The services that a recording of the game relays."""
        return tuple(one for one in self.services if not one.stand_in)

    def names(self, game_name: str | None = None) -> list[str]:
        """Every host name that the client looks up, each once."""
        names = [name for one in self.services for name in one.names(game_name)]
        return [name for name in dict.fromkeys(names) if not _literal(name)]


def _literal(name: str) -> bool:
    return name.replace(".", "").isdigit()


def _expanded(pattern: str) -> Iterator[str]:
    """`ms[0-2].x` -> ms0.x, ms1.x, ms2.x."""
    found = _RANGE.search(pattern)
    if not found:
        yield pattern
        return
    for number in range(int(found[1]), int(found[2]) + 1):
        yield from _expanded(pattern[: found.start()] + str(number) + pattern[found.end() :])


def _folder() -> Traversable:
    return files("proxy").joinpath("games")


@lru_cache(maxsize=1)
def names() -> list[str]:
    """The names of all games, in order."""
    found = [entry.name for entry in _folder().iterdir()]
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def games() -> list[Game]:
    """Every game, in order of its name."""
    return [game(name) for name in names()]


def game(name: str) -> Game:
    """The game of that name; raises UserError, which names the nearest."""
    if name not in names():
        from proxy import registry  # only now: it takes time, and a listing needs none of it

        if ":" in name and not {"/", "\\"} & set(name):
            raise UserError(f"{name!r} is no game; what to relay is said by: --relay {name}")
        if name in registry.protocols():
            raise UserError(
                f"{name!r} is a protocol, no game: name a game that speaks it (see `understudy "
                f"games`), or relay it by --relay {name}:PORT=HOST:PORT"
            )
        hint = meant(name, names())
        raise UserError(f"no game is named {name!r}: {hint or 'see `understudy games`'}")
    text = _folder().joinpath(f"{name}.toml").read_text("utf-8")
    return read(name, text)


def read(name: str, text: str) -> Game:
    """A game from the text of its file; raises ValueError for what cannot be meant."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r}: a game's file name is small letters, digits and dashes")
    try:
        table = tomllib.loads(text)
        services = tuple(_service(one) for one in table.pop("services", ()))
        if not services:
            raise ValueError("a game has at least one of [[services]]")
        legs = tuple(Leg(**one) for one in table.pop("legs", ()))
        return Game(name=name, services=services, legs=legs, **table)
    except (TypeError, ValueError) as error:
        raise ValueError(f"games/{name}.toml: {error}") from error


def _service(table: dict[str, Any]) -> Service:
    transport = Transport(table.pop("transport", "tcp"))
    hosts = tuple(table.pop("hosts", ()))
    return Service(transport=transport, hosts=hosts, **table)
