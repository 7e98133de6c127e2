"""Whatever a GameSpy client says, the rules neither fail nor harm anybody else."""

from __future__ import annotations

import random
from typing import Any

import pytest

from proxy import registry
from proxy.layouts.keyvalue import KeyValue
from proxy.layouts.qr1 import Qr1Message
from proxy.message import Message, Opaque
from proxy.protocols.gamespy_cdkey import CdkeyMessage
from proxy.protocols.gamespy_presence import Presence
from proxy.protocols.gamespy_search import Search
from proxy.protocols.gamespy_stats import Stats
from recordings.model import Direction
from replay.servers._gs_hosts import MOST_OF_A_HOST, MOST_WAITING, Host, Hosts
from replay.servers._gs_login import Seats
from replay.servers._gs_people import People
from tests.replay.rehearsal import Rehearsal

TEXTS: list[tuple[str, type[KeyValue]]] = [
    ("gamespy-presence", Presence),
    ("gamespy-search", Search),
    ("gamespy-stats", Stats),
    ("gamespy-browser1", KeyValue),
    ("gamespy-cdkey", CdkeyMessage),
    ("gamespy-query", Qr1Message),
]
ODD = (
    "",
    "0",
    "-1",
    "1",
    "99999999999",
    "x" * 3000,
    "@",
    "|",
    "1000",
    "\xff\xfe",
    "%s",
    "a@b@c",
    ",",
)
ROUNDS = 400


def hostile(cls: type[KeyValue], protocol: str, chance: random.Random) -> Message:
    """A message of a known kind, with odd values."""
    kinds = [
        one for one in registry.protocol(protocol).kinds if Direction.TO_SERVER in one.directions
    ]
    kind = chance.choice(kinds)
    if not kind.name.isalpha() or kind.name[0].isupper():
        return Opaque(chance.randbytes(20))
    names = [one.name for one in kind.fields if one.name not in (kind.name, "length")]
    pairs: list[tuple[str, Any]] = [(kind.name, chance.choice(ODD))]
    pairs += [(name, chance.choice(ODD)) for name in names if chance.random() < 0.8]
    made = cls((kind.name, ""), "\\final\\" if cls not in (CdkeyMessage, Qr1Message) else "")
    for name, text in pairs:
        made = cls((*made.tokens, name, text), made.tail)
    return cls(made.tokens[2:], made.tail)


@pytest.mark.parametrize(("protocol", "cls"), TEXTS)
def test_odd_values_are_no_defects(protocol: str, cls: type[KeyValue]) -> None:
    chance = random.Random(protocol)
    rehearsal = Rehearsal(secrets={"gmtest": "HA6zkS"})
    defects = []
    for _ in range(ROUNDS // 10):
        actor = rehearsal.enter(protocol)
        for _ in range(10):
            if actor.client.open:
                actor.says(hostile(cls, protocol, chance))
        defects += [one for one in actor.notes if one[0] == "defect"]
    defects += [one for one in rehearsal.notes if one[0] == "defect"]
    defects += [one for one in rehearsal.notes if one[0] == "defect"]
    assert defects == []


def test_odd_values_of_who_is_logged_in() -> None:
    chance = random.Random(1)
    rehearsal = Rehearsal()
    people = rehearsal.world.shared(People)
    account = people.make_account("a@b", "pass")
    profiles = [people.make_profile(account, f"nick{n}", f"unique{n}", 1) for n in range(4)]
    defects, answered = [], 0
    for round_ in range(80):
        actor = rehearsal.enter("gamespy-presence")
        actor.told()
        profile = profiles[round_ % 2]
        seat = rehearsal.world.shared(Seats)[actor.client]
        seat.profile, seat.sesskey, seat.revision = profile, 4711, 63
        people.here[profile.pid] = actor.client
        for _ in range(20):
            said = hostile(Presence, "gamespy-presence", chance)
            if isinstance(said, Presence) and said.kind not in ("login", "logout", "delprofile"):
                answered += len(actor.says(said.set("sesskey", "4711")))
        defects += [one for one in actor.notes if one[0] == "defect"]
    assert answered > 50
    defects += [one for one in rehearsal.notes if one[0] == "defect"]
    assert defects == []


HEARTBEAT = (
    b"\3abcdlocalip0\x0010.0.0.1\0localport\x006500\0gamename\0gmtest\0hostname\0x\0\0\0\0\0\0\0"
)
INIT = bytes.fromhex("fdfc1e666ab203000000029a0000010a0000011964") + b"gmtest\0"
LIST = b"\0\x33\0\1\3\0\0\0\0gmtest\0gmtest\0" + b'!x"y#z$w' + b"a=1\0\\hostname\0\0\0\0\4"


@pytest.mark.parametrize(
    ("protocol", "data"),
    [("gamespy-query", HEARTBEAT), ("gamespy-natneg", INIT), ("gamespy-browser2", LIST)],
)
def test_spoilt_bytes_are_no_defects(protocol: str, data: bytes) -> None:
    chance = random.Random(protocol)
    rehearsal = Rehearsal(secrets={"gmtest": "HA6zkS"})
    defects = []
    for _ in range(ROUNDS):
        actor = rehearsal.enter(protocol)
        for _ in range(3):
            spoilt = bytearray(data)
            for _ in range(chance.randrange(3)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            if actor.client.open:
                actor.says(Opaque(bytes(spoilt)))
        defects += [one for one in actor.notes if one[0] == "defect"]
        actor.leaves()
    defects += [one for one in rehearsal.notes if one[0] == "defect"]
    assert defects == []


def test_a_flood_of_registrations_takes_bounded_room() -> None:
    rehearsal = Rehearsal()
    hosts = rehearsal.world.shared(Hosts)
    actor = rehearsal.enter("gamespy-query")
    for port in range(1, 3 * MOST_OF_A_HOST):
        actor.client.address = ("203.0.113.9", port)
        actor.says(Opaque(HEARTBEAT))
    assert sum(hosts.find(("203.0.113.9", port)) is not None for port in range(65536)) == (
        MOST_WAITING
    ), "who has not answered makes room for the next"
    for port in range(1, MOST_OF_A_HOST + 2):
        host = Host("gmtest", ("203.0.113.8", port), actor.client, b"abcd", {"a": "b"}, listed=True)
        list(hosts.put(host))
    assert len(hosts.of("gmtest")) == MOST_OF_A_HOST + 1
    assert not hosts.room(("203.0.113.8", 65000))
    assert hosts.room(("203.0.113.10", 1))
    rehearsal.passes(400)
    assert hosts.room(("203.0.113.8", 65000)), "who is silent is forgotten"
    assert hosts.of("gmtest") == []
    actor.leaves()
