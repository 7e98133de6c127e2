"""What GameSpy's servers owe to who is quiet, gone, alone or already playing, told by the clock."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import md5

from proxy.layouts.gamespy_marks import NATNEG
from proxy.message import Message
from proxy.protocols import gamespy_natneg as nn
from proxy.protocols.gamespy_browser2 import SendMessage
from proxy.protocols.gamespy_cdkey import CdkeyMessage
from proxy.protocols.gamespy_presence import Presence
from proxy.protocols.gamespy_query import ClientMessageAck
from replay.servers._gs_hosts import Host, Hosts
from replay.servers._gs_people import People
from tests.replay.rehearsal import Actor, Rehearsal
from tests.replay.standin.gamespy import proof_of

SESSKEY = "sesskey"


class Player:
    """Somebody at the presence server who has logged in."""

    def __init__(
        self, rehearsal: Rehearsal, name: str, user: tuple[str, str] | None = None
    ) -> None:
        self.actor = rehearsal.enter("gamespy-presence")
        (greeting,) = self.actor.told()
        facts = [("email", f"{name}@x"), ("nick", name), ("passwordenc", "pw"), ("namespaceid", 1)]
        self.actor.says(Presence.make(("newuser", ""), *facts, ("uniquenick", name), ("id", 1)))
        theirs = str(greeting.get("challenge"))
        whom = user or ("uniquenick", name)
        proof = proof_of("pw", whom[1], "c" * 32, theirs)
        login = [("challenge", "c" * 32), whom, ("response", proof)]
        login += [("namespaceid", "1"), ("sdkrevision", "3"), ("id", "1")]
        told = self.actor.says(Presence.make(("login", ""), *login))
        answer = next(one for one in told if one.kind == "lc")
        self.pid, self.key = answer.get("profileid"), answer.get("sesskey")

    def says(self, command: str, value: object, *pairs: tuple[str, object]) -> list[str]:
        """Kinds and types of what it is told at once."""
        return said(self.actor.says(Presence.make((command, value), (SESSKEY, self.key), *pairs)))

    def told(self) -> list[str]:
        return said(self.actor.told())


def said(messages: Iterable[Message]) -> list[str]:
    told = [f"{one.kind} {one.fields().get(one.kind)}".strip() for one in messages]
    return [one for one in told if one != "bm 100"]  # how buddies are


def error(player: Player, *pairs: tuple[str, object]) -> str:
    told = player.actor.says(Presence.make(*pairs))
    return next(hex(int(one.get("err"))) for one in told if one.kind == "error")


def test_quiet_players_hear_later_what_waited() -> None:
    rehearsal = Rehearsal()
    loud, still = Player(rehearsal, "loud"), Player(rehearsal, "still")
    people = rehearsal.world.shared(People)
    for one, other in ((loud, still), (still, loud)):
        people.befriend(people.profiles[int(one.pid)], int(other.pid))
    assert still.says("quiet", 1 | 2 | 4) == []
    loud.told()
    assert loud.says("bm", 1, ("t", still.pid), ("msg", "psst")) == []
    assert loud.says("bm", 5, ("t", still.pid), ("msg", "utm")) == [], "it is dropped in silence"
    assert loud.says("revoke", "", ("profileid", still.pid)) == []
    assert still.told() == []
    assert still.says("quiet", 2 | 4) == ["bm 1"]
    assert still.says("quiet", 0) == ["bm 6"]
    assert loud.says("bm", 5, ("t", still.pid), ("msg", "utm")) == []
    assert still.told() == ["bm 5"]
    third = Player(rehearsal, "third")
    still.says("quiet", 4)
    third.says("addbuddy", "", ("newprofileid", still.pid), ("reason", "play"))
    assert still.told() == []
    assert still.says("quiet", 0) == ["bm 2"], "a request waits too"


def test_every_refusal_has_its_code() -> None:
    rehearsal = Rehearsal()
    one, two = Player(rehearsal, "one"), Player(rehearsal, "two")
    mine = (SESSKEY, one.key)
    assert error(one, ("bm", 100), mine, ("t", two.pid), ("msg", "")) == "0x902"
    assert error(one, ("status", "x"), mine) == "0x800"
    one.says("addbuddy", "", ("newprofileid", two.pid), ("reason", ""))
    (request,) = two.actor.told()
    signature = request.get("msg.signed")
    answer = (("authadd", ""), (SESSKEY, two.key), ("fromprofileid", one.pid), ("sig", signature))
    two.says("addblock", "", ("profileid", one.pid))
    assert error(two, *answer) == "0x704"
    two.says("removeblock", "", ("profileid", one.pid))
    one.says("addblock", "", ("profileid", two.pid))
    assert error(two, *answer) == "0x703"
    one.says("newprofile", "", ("nick", "gone"), ("id", 5))
    user = ("user", "gone@one@x")
    again = Player(rehearsal, "one", user=user)
    again.says("delprofile", "", ("id", 6))
    ghost = rehearsal.enter("gamespy-presence")
    login = Presence.make(("login", ""), ("challenge", "c"), user, ("response", ""))
    (told,) = (m for m in ghost.says(login) if m.kind == "error")
    assert hex(int(told.get("err"))) == "0x106", "it has been deleted"
    silent = rehearsal.enter("gamespy-presence")
    rehearsal.passes(121)
    assert said(silent.told())[-1].startswith("error")
    assert silent.closed is not None
    rehearsal.stage.end()
    assert two.told()[-1].startswith("error"), "the server says that it goes"


def init(actor: Actor, cookie: int, index: int, port_type: int) -> list[Message]:
    return list(actor.says(nn.Init(
        version=3, cookie=cookie, port_type=port_type, client_index=index, use_game_port=1,
        local_ip="10.0.0.1", local_port=6500, tail=b"gmtest\0",
    )))  # fmt: skip


def finished(actor: Actor) -> list[int]:
    return [one.get("finished") for one in actor.told() if one.kind == "CONNECT"]


def test_who_negotiates_alone_is_told_so() -> None:
    rehearsal = Rehearsal()
    lone, half, whole = (rehearsal.enter("gamespy-natneg") for _ in range(3))
    init(lone, 1, 0, 0)
    init(whole, 2, 0, 0)
    init(half, 2, 1, 1)  # never from the port that the partner is to use
    rehearsal.passes(59)
    assert [finished(one) for one in (lone, half, whole)] == [[], [], []]
    rehearsal.passes(2)
    assert [finished(one) for one in (lone, half, whole)] == [[1], [2], [1]]
    late = rehearsal.enter("gamespy-natneg")
    init(late, 1, 1, 0)
    assert finished(late) == [], "the pair was over: this one begins another"
    one, two = (rehearsal.enter("gamespy-natneg", address=("192.0.2.8", n)) for n in (5, 6))
    init(one, 3, 0, 0)
    assert [m.kind for m in init(two, 3, 1, 0)] == ["INITACK", "CONNECT"]
    two.says(nn.ConnectAck(version=3, cookie=3, port_type=0, client_index=1, tail=bytes(7)))
    rehearsal.passes(10)
    assert finished(one) == [0, 0, 0, 0], "until it is acknowledged, four times at most"
    assert finished(two) == []


def test_an_init_that_is_said_again_or_by_others_does_not_part_a_pair() -> None:
    rehearsal = Rehearsal()
    one, two, alien = (
        rehearsal.enter("gamespy-natneg", address=("192.0.2.8", port)) for port in (5, 6, 7)
    )
    init(one, 9, 0, 0)
    init(two, 9, 1, 0)
    for actor, index in ((one, 0), (two, 1)):
        assert finished(actor) in ([], [0])
        actor.says(
            nn.ConnectAck(version=3, cookie=9, port_type=0, client_index=index, tail=bytes(7))
        )
    assert [m.kind for m in init(one, 9, 0, 0)] == ["INITACK"], "its acknowledgement was lost"
    assert [m.kind for m in init(two, 9, 1, 2)] == ["INITACK"], "a port that came late"
    assert [m.kind for m in init(alien, 9, 7, 0)] == ["INITACK"], "no such player"
    rehearsal.passes(5)  # by now nobody says an INIT again: the same ports are a new game
    assert [m.kind for m in init(one, 9, 0, 0)] == ["INITACK"]
    rehearsal.passes(30)
    assert [m.kind for m in init(two, 9, 1, 0)] == ["INITACK", "CONNECT"]


def test_patience_begins_with_who_came_last() -> None:
    rehearsal = Rehearsal()
    early = rehearsal.enter("gamespy-natneg")
    early.says(nn.PreInit(version=4, cookie=8, client_index=0, state=0, client_id=1))
    rehearsal.passes(50)
    init(early, 8, 0, 0)
    rehearsal.passes(59)
    assert finished(early) == []
    rehearsal.passes(2)
    assert finished(early) == [1]


def auth(actor: Actor, key: str, skey: int) -> list[str]:
    resp = md5(key.encode(), usedforsecurity=False).hexdigest() + "0" * 40
    facts = (("auth", ""), ("pid", 1), ("ch", "abcdefgh"), ("resp", resp), ("skey", skey))
    return said(actor.says(CdkeyMessage.make(*facts, tail="")))


def test_a_key_that_plays_already() -> None:
    rehearsal = Rehearsal(options={"gamespy-cdkey.twice": "no"})
    first, second = (
        rehearsal.enter("gamespy-cdkey", address=("192.0.2.7", port)) for port in (1, 2)
    )
    still = CdkeyMessage.make(("uon", ""), ("skey", 7), ("seed", "a" * 10), ("proof", 0), tail="")
    off = CdkeyMessage.make(("uoff", ""), ("skey", 7), tail="")
    assert auth(first, "AAAA", 7) == ["uok"]
    assert auth(first, "AAAA", 7) == ["uok"], "the same player again"
    assert auth(second, "AAAA", 9) == []
    assert auth(second, "AAAA", 9) == [], "it asks again while the other one is asked"
    assert said(first.told()) == ["ison"]
    first.says(still)
    assert said(second.told()) == ["unok"]
    second.says(CdkeyMessage.make(("disc", ""), ("pid", 1), ("cd", "x"), tail=""))
    assert auth(second, "AAAA", 9) == []
    first.says(off)
    assert said(second.told()) == ["uok"]
    assert auth(first, "AAAA", 8) == []
    rehearsal.passes(2)
    assert said(first.told()) == ["uok"], "nobody answered for the other"
    assert said(second.told()) == ["ison"]


def test_a_message_to_a_game_server_comes_until_it_is_acknowledged() -> None:
    rehearsal = Rehearsal(secrets={"gmtest": "HA6zkS"})
    server = rehearsal.enter("gamespy-query", address=("192.0.2.9", 6500))
    host = Host("gmtest", ("192.0.2.9", 6500), server.client, b"abcd", {"a": "b"}, listed=True)
    list(rehearsal.world.shared(Hosts).put(host))
    browser = rehearsal.enter("gamespy-browser2")
    sends = SendMessage(ip="192.0.2.9", port=6500, payload=NATNEG + bytes(4))
    for acknowledged, times in ((False, 3), (True, 1)):
        browser.says(sends)
        (said,) = server.told()
        assert said.kind == "NatNegMessage"
        if acknowledged:
            server.says(ClientMessageAck(key=b"abcd", message_id=said.get("message_id")))
        rehearsal.passes(10)
        assert 1 + len(server.told()) == times
    assert rehearsal.world.shared(Hosts).unheard == {}
