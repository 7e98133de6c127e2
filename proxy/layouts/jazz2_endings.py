"""How the reply of a Jazz Jackrabbit 2 server ends: the original game's and that of JJ2+.

The part of proxy/layouts/jazz2_datagrams.py that tells the two apart. Facts: jazz2 2.
"""

from __future__ import annotations

from typing import Annotated, Any

from proxy.layouts.codec import U8, Array, Bytes, Choice, Int, Misfit, Rest, RestText, Struct, Text

MODES = {0: "single", 1: "coop", 2: "battle", 3: "race", 4: "treasure", 5: "capture"}
CUSTOM_MODES = {
    0: "none",
    1: "RT",
    2: "LRS",
    3: "XLRS",
    4: "pest",
    11: "TB",
    12: "JB",
    13: "DCTF",
    14: "FR",
    15: "TLRS",
    16: "domination",
    17: "HH",
}


class Vanilla(Struct):
    """The end of the original server's reply."""

    trailing: Annotated[bytes, Rest()] = b"\0"


class Plus(Struct):
    """The end of a JJ2+ reply that was not asked for more, or whose rest is not understood."""

    custom_mode: Annotated[int, Int("B"), CUSTOM_MODES]
    flags: Annotated[U8, "bit 0 private, bit 1 plus only, bit 2 idle"]
    rest: Annotated[bytes, Rest()] = b""


class PlusScore(Struct):
    """A player in a JJ2+ reply."""

    name: Annotated[str, Text()]
    score: U8
    team: Annotated[U8, "bits 0-1 the team, bit 2 spectating"]


class Scores(Array):
    """As many players as the reply's head says (byte 13 of the datagram)."""

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return self.items(data, offset, end, data[PLUS_PLAYERS])


class ButOne(RestText):
    """Text up to the last byte but one."""

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return super().read(data, offset, max(offset, end - 1))


class PlusLong(Struct):
    """The end of a JJ2+ reply that was asked for more."""

    custom_mode: Annotated[int, Int("B"), CUSTOM_MODES]
    flags: Annotated[U8, "bit 0 private, bit 1 plus only, bit 2 idle"]
    max_score: U8
    team_scores: Annotated[tuple[int, ...], Array(Int("B"), 4), "blue, red, green, yellow"]
    players: Annotated[tuple[PlusScore, ...], Scores(PlusScore)]
    level: Annotated[str, ButOne(), "file name of the level"]
    junk: Annotated[bytes, Bytes(1)] = b"\0"


PLUS_PLAYERS = 13
"""Where a reply says how many players there are."""
PLUS_FIXED, PLUS_SCORE = 8, 3
"""Bytes of a long end without players and level, and the fewest of a player."""


class Ending(Choice):
    """Which end a reply has: vanilla is one byte, JJ2+ two or more (jazz2 2)."""

    options = (Vanilla, Plus, PlusLong)

    def __init__(self) -> None:
        super().__init__(lambda *_: PlusLong, "vanilla or JJ2+ end")

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        if end - offset <= 1:
            return Vanilla.read(data, offset, end)
        if end - offset >= PLUS_FIXED + PLUS_SCORE * data[PLUS_PLAYERS]:
            try:
                found = PlusLong.read(data, offset, end)
                if found[1] == end:
                    return found
            except Misfit:
                pass
        return Plus.read(data, offset, end)
