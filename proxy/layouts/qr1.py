r"""QR1, the older text form of asking game servers: `\key\value` datagrams (gamespy 4).

Queries may be combined in one datagram. Every datagram of a reply ends in `\queryid\N.M`, the last
one has `\final\` before that.
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.layouts.keyvalue import KeyValue
from proxy.protocol import Field, Kind
from recordings.model import Direction

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT

QUERIES = ("basic", "info", "rules", "players", "status", "packets", "echo")
_NAMES = {name: name for name in ("heartbeat", "secure", "validate", *QUERIES)}


class Qr1Message(KeyValue):
    """One datagram of text."""

    __slots__ = ()

    def __init__(self, tokens: tuple[str, ...], tail: str = "", bare: int = -1) -> None:
        super().__init__(tokens, tail, bare)
        answer = "queryid" in tokens[::2] and tokens[0] != "validate"
        self.kind = "reply" if answer else _NAMES.get(tokens[0], "text")


_QR1_FIELDS: Mapping[str, tuple[str, str]] = {
    "heartbeat": ("number", "port of the game server's queries"),
    "gamename": ("text", "the game's short name"),
    "statechanged": ("number", "1 or empty: the state changed, 2: the server leaves"),
    "secure": ("text", "challenge, 6 characters"),
    "validate": ("text", "answer to `secure`, keyed by the game's secret"),
    "queryid": ("text", "number of the query, a dot, number of the datagram"),
    "final": ("flag", "the last datagram of the reply"),
    "echo": ("text", "anything: the reply repeats it"),
}


def _qr1(name: str, way: Direction, meaning: str, names: str = "") -> Kind:
    fields = [Field(one, *_QR1_FIELDS.get(one, ("text",))) for one in names.split()]
    return Kind(name, (way,), meaning, tuple(fields), "gamespy 4")


def _asks(name: str, meaning: str) -> Kind:
    """A query of QR1: from the master, or from a browser that is the client of the flow."""
    return Kind(name, tuple(Direction), meaning, (), "gamespy 4")


QR1_KINDS = (
    _qr1("heartbeat", UP, "The game server is there.", "heartbeat gamename statechanged"),
    _qr1("validate", UP, "The proof of the game's secret.", "validate final queryid"),
    Kind(
        "secure",
        tuple(Direction),
        "Asks for a proof.",
        (Field("secure", *_QR1_FIELDS["secure"]),),
        "gamespy 4",
    ),
    Kind(
        "reply",
        tuple(Direction),
        "Keys and values that were asked for; several datagrams when they are many.",
        tuple(Field(one, *_QR1_FIELDS[one]) for one in ("validate", "final", "queryid")),
        "gamespy 4",
    ),
    _asks("basic", "Asks for name, version, place of the game."),
    _asks("info", "Asks for the host, its map, its numbers of players."),
    _asks("rules", "Asks for the game's own keys."),
    _asks("players", "Asks for the players."),
    _asks("status", "Asks for everything."),
    _asks("packets", "Asks for everything, a datagram per group."),
    _asks("echo", "Asks for a text back."),
    _asks("text", "Any other text."),
)
