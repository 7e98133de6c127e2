"""Chat and the challenge of an EA lobby (ea-lobby 3, 5, 6)."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.layouts.tagvalues import number
from proxy.message import Message
from replay.servers._ea import Player, flags, make, same, value
from replay.servers._ea_rooms import PRIVATE, RoomRules
from replay.standin.rules import Act, Acts, Say, hears
from replay.standin.world import Client

REFUSALS = ("DECL", "BLOC")
"""Answers to a challenge that end it; the challenger withdraws by the first one."""


class TalkRules(RoomRules):
    """What users say to each other."""

    @hears("mesg")
    def message(self, client: Client, message: Message) -> Acts:
        player = self.lounge.player(client)
        text, to = value(message, "TEXT"), value(message, "PRIV")
        letters = flags(value(message, "ATTR"))
        if not to:
            if player.room is None:
                yield Say(client, make("mesg", ident="nrom"))
                return
            yield Say(client, make("mesg"))
            line = {"N": player.persona, "T": text, **({"F": letters} if letters else {})}
            for other in list(player.room.users):
                if other.wants("MESGS") and not self.lounge.ignores(other.persona, player.persona):
                    yield Say(other.client, make("+msg", line), live=other is not player)
            return
        found = self.lounge.here(to)
        if found is None or not player.persona:
            yield Say(client, make("mesg", ident="uusr"))
            return
        if self.lounge.ignores(found.persona, player.persona):
            yield Say(client, make("mesg", ident="igno"))
            return
        yield Say(client, make("mesg"))
        if text in REFUSALS:
            self._forget(player, found)
        line = {"N": player.persona, "T": text, "F": PRIVATE + letters.replace(PRIVATE, "")}
        yield Say(found.client, make("+msg", line), live=True)

    def _forget(self, player: Player, other: Player) -> None:
        """A challenge was declined or withdrawn."""
        for one, opponent in ((player, other), (other, player)):
            if one.opponent and same(one.opponent[0]) == same(opponent.persona):
                one.opponent = None

    @hears("chal")
    def challenge(self, client: Client, message: Message) -> Acts:
        player, name = self.lounge.player(client), value(message, "PERS")
        if name in ("", "*"):
            player.opponent = None
            yield Say(client, make("chal", {"MODE": "idle"}))
            return
        other = self.lounge.here(name)
        if other is None or other is player or not player.persona:
            yield Say(client, make("chal", ident="uusr"))
            return
        player.opponent = name, number(value(message, "HOST")) != 0
        named = other.opponent and same(other.opponent[0]) == same(player.persona)
        yield Say(client, make("chal", {"MODE": "play" if named else "chal"}))
        if named:
            yield from self._arrange(player, other)

    def _arrange(self, one: Player, other: Player) -> Iterator[Act]:
        """A race: to each side the same, but for who is who."""
        random = self.world.random
        hosting = one if one.opponent and one.opponent[1] else other
        one.opponent = other.opponent = None
        seed, when = random.randrange(1, 1 << 31), self.world.seconds
        ticket = f"{random.getrandbits(128):032x}"
        for player, opponent in ((one, other), (other, one)):
            address = self.address_of(opponent, player.client)[0]
            facts = {
                "NAME": f"{hosting.persona[:20]}.{seed % 100_000}",
                "SELF": player.persona,
                "HOST": hosting.persona,
                "OPPO": opponent.persona,
                **{f"P{place}": "" for place in range(1, 5)},
                "AUTH": ticket,
                "ADDR": address,
                "FROM": address,
                "SEED": seed,
                "WHEN": when,
            }
            yield Say(player.client, make("+ses", facts), live=True)
