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
    beside = True
    options = {
        "banned": "MD5 of CD keys that are refused, with commas between",
        "twice": "no: one key plays at one game server at a time",
    }

    def revises(self, client: Client, message: Message) -> Message:
        """A recorded verdict is about the recorded key: of another one it says nothing."""
        if message.kind not in ("uok", "unok") or client.frame is None:
            return message
        asked = CdkeyMessage.parse(client.frame.clear)
        key, refusal = self._verdict(client, asked)
        if key == value(message, "cd") and value(message, "skey") == value(asked, "skey", 12):
            return message
        return answer(asked, key, refusal)

    @hears("auth")
    def authenticate(self, client: Client, message: Message) -> Acts:
        key, refusal = self._verdict(client, message)
        if refusal:
            yield Note("refused", f"CD key {key}: {refusal}", client)
        else:
            playing = self.world.shared(Playing)
            while len(playing) >= MOST:
                del playing[next(iter(playing))]
            playing[key] = client.address[0], value(message, "skey", 12), self.world.seconds
        yield Say(client, answer(message, key, refusal))

    def _verdict(self, client: Client, message: Message) -> tuple[str, str]:
        """The MD5 of the key, and why it is refused; empty: it is not."""
        found = _RESPONSE.fullmatch(value(message, "resp"))
        return (found[1], self._refusal(found[1], client)) if found else ("0" * 32, "Bad Response")

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


def answer(asked: Message, key: str, refusal: str) -> CdkeyMessage:
    """`uok`, or `unok` with the reason."""
    pairs = [("unok" if refusal else "uok", ""), ("cd", key), ("skey", value(asked, "skey", 12))]
    return CdkeyMessage.make(*pairs, *([("errmsg", refusal)] if refusal else []), tail="")


RULES = GamespyCdkey
