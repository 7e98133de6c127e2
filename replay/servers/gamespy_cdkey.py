"""GameSpy's CD-key server by rules: every key is good, at will not twice at once (gamespy 11).

Nothing secret is needed: the game server's `resp` holds the MD5 of the player's key, and which keys
were ever sold nobody can tell any more. What can be told is that a key plays already elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.message import Message
from proxy.protocols.gamespy_cdkey import CdkeyMessage
from replay.servers._gs_people import value
from replay.standin.rules import OPAQUE, Act, Acts, Later, Note, Rules, Say, hears
from replay.standin.world import Client, World

_RESPONSE = re.compile(r"([0-9a-f]{32})[0-9a-f]{8}[0-9a-f]{32}")
MOST = 20_000
STILL = 1.5
"""Seconds within which a game server says that a player is still on: the one that waits for the
verdict asks again after two, and lets the player in after four (gamespy 11)."""
FORGET = 3600
"""Seconds after which a key that was never disconnected may play elsewhere."""


@dataclass(slots=True, eq=False)
class Player:
    """Who plays with a key."""

    client: Client
    """The game server."""
    skey: str
    since: int
    asker: tuple[Client, Message] | None = None
    """Who waits to hear whether he still plays."""


class Playing(dict[str, Player]):
    """MD5 of a key -> who plays with it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.asked: dict[tuple[object, str], str] = {}
        """Game server's address and player's number of an `ison` -> the key."""


class GamespyCdkey(Rules):
    """The game servers' questions."""

    protocol = "gamespy-cdkey"
    beside = True
    options = {
        "banned": "MD5 of CD keys that are refused, with commas between",
        "twice": "no: one key plays at one game server at a time; that one is asked first",
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
        there = self.world.shared(Playing).get(key)
        if not refusal and there is not None and self._elsewhere(there, client):
            if there.asker is not None and there.asker[0] is client:
                return  # asked again: the answer is on its way
            there.asker = client, message
            self.world.shared(Playing).asked[there.client.address, there.skey] = key
            facts = (("ison", ""), ("cd", key), ("skey", there.skey), ("pch", self._challenge()))
            yield Say(there.client, CdkeyMessage.make(*facts, tail=""))
            yield Later(STILL, lambda: self._silent(key, there))
            return
        yield from self._decide(client, message, key, refusal)

    def _decide(self, client: Client, message: Message, key: str, refusal: str) -> Iterator[Act]:
        if refusal:
            yield Note("refused", f"CD key {key}: {refusal}", client)
        else:
            playing = self.world.shared(Playing)
            while len(playing) >= MOST:
                del playing[next(iter(playing))]
            playing[key] = Player(client, value(message, "skey", 12), self.world.seconds)
        yield Say(client, answer(message, key, refusal))

    def _verdict(self, client: Client, message: Message) -> tuple[str, str]:
        """The MD5 of the key, and why it is refused; empty: it is not."""
        found = _RESPONSE.fullmatch(value(message, "resp"))
        if found is None:
            return "0" * 32, "Bad Response"
        banned = (one.strip().lower() for one in self.option("banned").split(","))
        return found[1], "CD Key disabled" if found[1] in banned else ""

    def _elsewhere(self, there: Player, client: Client) -> bool:
        """Whether a key may not be used because somebody plays with it at another server."""
        once = self.option("twice") == "no" and self.world.seconds - there.since < FORGET
        return once and there.client.address != client.address

    def _challenge(self) -> str:
        return f"{self.world.random.getrandbits(128):032x}"

    def _silent(self, key: str, there: Player) -> Iterator[Act]:
        """Nobody says that the other one still plays: his place is free."""
        self.world.shared(Playing).asked.pop((there.client.address, there.skey), None)
        asker, there.asker = there.asker, None
        if asker is not None:
            yield from self._decide(*asker, key, "")

    @hears("uon", "uoff")
    def still(self, client: Client, message: Message) -> Acts:
        """Whether a player is on, as the game server was asked."""
        playing = self.world.shared(Playing)
        key = playing.asked.pop((client.address, value(message, "skey", 12)), "")
        there = playing.get(key)
        if there is not None and there.asker is not None:
            asker, there.asker = there.asker, None
            refusal = "CD Key in use" if message.kind == "uon" else ""
            yield from self._decide(*asker, key, refusal)

    @hears("disc")
    def disconnected(self, client: Client, message: Message) -> Acts:
        """Told by the game server alone that has the player."""
        key, playing = value(message, "cd"), self.world.shared(Playing)
        if key in playing and playing[key].client.address == client.address:
            del playing[key]
        return ()

    @hears("ka", "ucount", OPAQUE)
    def heard_only(self, client: Client, message: Message) -> Acts:
        """What wants no answer, and what makes no sense."""
        return ()


def answer(asked: Message, key: str, refusal: str) -> CdkeyMessage:
    """`uok`, or `unok` with the reason."""
    pairs = [("unok" if refusal else "uok", ""), ("cd", key), ("skey", value(asked, "skey", 12))]
    return CdkeyMessage.make(*pairs, *([("errmsg", refusal)] if refusal else []), tail="")


RULES = GamespyCdkey
