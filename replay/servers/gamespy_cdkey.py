"""GameSpy's CD-key server by rules: every key is good, but not twice at once (gamespy 11).

Nothing secret is needed: the game server's `resp` holds the MD5 of the player's key, and which keys
were ever sold nobody can tell any more. What can be told is that a key plays already elsewhere.
"""

from __future__ import annotations

import re

from proxy.message import Message
from proxy.protocols.gamespy_cdkey import CdkeyMessage
from replay.servers._gs_people import value
from replay.standin.rules import OPAQUE, Acts, Note, Rules, Say, hears
from replay.standin.world import Client, World

_RESPONSE = re.compile(r"([0-9a-f]{32})[0-9a-f]{8}[0-9a-f]{32}")
MOST = 20_000
FORGET = 3600
"""Seconds after which a key that was never disconnected may play elsewhere."""


class Playing(dict[str, tuple[str, str, int]]):
    """MD5 of a key -> game server's host, player's number, Unix time."""

    def __init__(self, world: World) -> None:
        super().__init__()


class GamespyCdkey(Rules):
    """The game servers' questions."""

    protocol = "gamespy-cdkey"
    options = {
        "banned": "MD5 of CD keys that are refused, with commas between",
        "twice": "no: one key plays at one game server at a time",
    }

    @hears("auth")
    def authenticate(self, client: Client, message: Message) -> Acts:
        skey = value(message, "skey", 12)
        found = _RESPONSE.fullmatch(value(message, "resp"))
        key = found[1] if found else "0" * 32
        refusal = self._refusal(key, client) if found else "Bad Response"
        pairs = [("cd", key), ("skey", skey)]
        if refusal:
            pairs = [("unok", ""), *pairs, ("errmsg", refusal)]
            yield Note("refused", f"CD key {key}: {refusal}", client)
        else:
            playing = self.world.shared(Playing)
            while len(playing) >= MOST:
                del playing[next(iter(playing))]
            playing[key] = client.address[0], skey, self.world.seconds
            pairs = [("uok", ""), *pairs]
        yield Say(client, CdkeyMessage.make(*pairs, tail=""))

    def _refusal(self, key: str, client: Client) -> str:
        banned = (one.strip().lower() for one in self.option("banned").split(","))
        if key in banned:
            return "CD Key disabled"
        there = self.world.shared(Playing).get(key)
        once = self.option("twice") == "no"
        elsewhere = there is not None and there[0] != client.address[0]
        if once and there and elsewhere and self.world.seconds - there[2] < FORGET:
            return "CD Key in use"
        return ""

    @hears("disc")
    def disconnected(self, client: Client, message: Message) -> Acts:
        self.world.shared(Playing).pop(value(message, "cd"), None)
        return ()

    @hears("ka", "uon", "uoff", "ucount", OPAQUE)
    def heard_only(self, client: Client, message: Message) -> Acts:
        """What wants no answer, and what makes no sense."""
        return ()


RULES = GamespyCdkey
