"""The EA lobby by rules, without sockets: what a client reads, in which order, and when."""

from __future__ import annotations

import pytest

from proxy.message import Message
from proxy.protocols.ea_lobby import LobbyMessage, read
from recordings.model import Direction
from tests.replay.rehearsal import Actor, Rehearsal
from tests.replay.standin.console import frame


def up(kind: str, *items: str) -> LobbyMessage:
    return read(frame(kind, *items), Direction.TO_SERVER)


def kinds(messages: list[Message]) -> list[str]:
    return [one.kind for one in messages]


def player(play: Rehearsal, name: str, room: str = "East") -> Actor:
    """A console in a room."""
    actor = play.enter("ea-lobby", role="lobby", address=("192.0.2.7", 50_000))
    actor.says(up("skey", "SKEY=$5075626c6963204b6579"))
    actor.says(up("auth", f"NAME={name}", "PASS=x"))
    actor.says(up("pers", f"PERS={name}"))
    actor.says(up("sele", "ROOMS=1 USERS=1 RANKS=1 MESGS=1"))
    if room:
        actor.says(up("move", f"NAME={room}", "PASS="))
    actor.told()
    return actor


@pytest.fixture
def play() -> Rehearsal:
    return Rehearsal()


def test_the_directory_names_the_lobby_and_nothing_that_disables_it(play: Rehearsal) -> None:
    (told,) = play.enter("ea-lobby").says(up("@dir", "PROD=NASCAR-PS2-2004"))
    assert set(told.fields()) == {"ADDR", "PORT", "SESS", "MASK"}
    assert 0 < int(told.get("SESS")) < 1 << 31
    assert 0 < len(told.get("MASK")) <= 63
    assert play.reached == [("ea-lobby", "lobby")]


def test_a_directory_that_is_closed_says_why() -> None:
    play = Rehearsal(options={"ea-lobby.down": "no race today"})
    (told,) = play.enter("ea-lobby").says(up("@dir"))
    assert told.fields() == {"DOWN": "no race today"}


def test_the_first_ping_comes_with_the_address_and_then_every_22_seconds(play: Rehearsal) -> None:
    actor = play.enter("ea-lobby")
    assert kinds(actor.says(up("addr", "ADDR=192.0.2.100", "PORT=59750"))) == ["~png"]
    for _ in range(20):  # minutes of waiting
        play.passes(22.0)
        (ping,) = actor.told()
        assert ping.kind == "~png"
        assert actor.says(up("~png", f"REF={ping.get('REF')}", "TIME=17")) == []
    assert ping.get("TIME") == "17", "what the client measured last"
    assert actor.closed is None


def test_dates_are_written_as_the_reader_of_dates_wants_them(play: Rehearsal) -> None:
    """Neither quotes nor escapes: no server was ever seen to write them (ea-lobby 2)."""
    actor = play.enter("ea-lobby", role="lobby")
    (ping,) = actor.says(up("addr", "ADDR=192.0.2.100", "PORT=59750"))
    assert ping.encode() == (
        b"~png\0\0\0\0\0\0\0\x2c"  # kind, no tick yet, length 44
        b"REF=2023.11.14 22:13:20\n"  # the time of the rehearsal's beginning
        b"TIME=0\n\0"  # no round trip is known yet
    )
    told = actor.says(up("pers", "PERS=alice"))[0].encode()
    assert told.endswith(b"\nLAST=2023.11.14 22:13:20\n\0")


def test_a_console_that_is_silent_for_a_minute_is_gone(play: Rehearsal) -> None:
    alice, bob = player(play, "alice"), player(play, "bobby")
    for _ in range(5):
        play.passes(20.0)
        bob.says(up("~png"))
    assert alice.closed == "silent for a minute"
    assert bob.closed is None
    assert play.world.clients("ea-lobby") == [bob.client]


def test_the_key_never_begins_with_a_zero() -> None:
    for seed in range(50):
        (told,) = Rehearsal(seed=seed).enter("ea-lobby").says(up("skey"))
        key = bytes.fromhex(told.get("SKEY").removeprefix("$"))
        assert len(key) == 16
        assert key[0]


def test_a_room_is_seen_in_the_order_that_a_client_reads(play: Rehearsal) -> None:
    """A changed RI clears the list of users, so the rows come behind it (ea-lobby 3)."""
    alice = player(play, "alice")
    bob = player(play, "bobby", room="")
    told = bob.says(up("move", "NAME=east", "PASS="))
    assert kinds(told) == ["move", "+who", "+usr", "+usr"]
    who = told[1]
    assert (who.get("R"), who.get("RT")) == ("East", "2")
    assert [one.get("T") for one in told[2:]] == ["2", "2"]
    heard = [one for one in alice.told() if one.kind == "+usr"]
    assert (heard[0].get("N"), heard[0].get("T")) == ("bobby", "2")
    assert all("U" not in one.get("F") for one in heard), "that is oneself"


def test_populations_never_have_the_id_that_ends_the_list(play: Rehearsal) -> None:
    alice = play.enter("ea-lobby")
    alice.says(up("pers", "PERS=alice"))
    told = alice.says(up("sele", "ROOMS=1"))
    rooms = [one for one in told if one.kind == "+rom"]
    (pop,) = [one for one in told if one.kind == "+pop"]
    assert kinds(told) == ["sele", *["+rom"] * len(rooms), "+pop"]
    assert pop.get("Z") == " ".join(f"{one.get('I')}/0" for one in rooms)
    assert "0" not in [one.get("I") for one in rooms]


def test_private_messages_carry_the_letters_of_the_sender(play: Rehearsal) -> None:
    alice, bob = player(play, "alice"), player(play, "bobby")
    alice.told()
    (ack,) = alice.says(up("mesg", "PRIV=BOBBY", "TEXT=w893m_a017l_g", "ATTR=3"))
    assert ack.encode() == b"mesg\0\0\0\0\0\0\0\x0c", "an empty acknowledgement"
    (said,) = [one for one in bob.told() if one.kind == "+msg"]
    assert said.fields() == {"N": "alice", "T": "w893m_a017l_g", "F": "P3"}
    (refused,) = alice.says(up("mesg", "PRIV=nobody", "TEXT=x"))
    assert refused.get("ident") == "uusr"


def test_who_is_ignored_is_not_heard(play: Rehearsal) -> None:
    alice, bob = player(play, "alice"), player(play, "bobby")
    friend = play.enter("ea-lobby", role="buddy")
    friend.says(up("AUTH", "USER=bobby/cso/nascar-ps2-2004", "LKEY=$00"))
    friend.says(up("RADD", "ID=101", "LIST=I", "USER=alice"))
    alice.told()
    assert alice.says(up("mesg", "PRIV=bobby", "TEXT=x"))[0].get("ident") == "igno"
    alice.says(up("mesg", "TEXT=to all"))
    assert "+msg" not in kinds(bob.told())


def test_the_presence_of_a_buddy_keeps_the_lines_of_its_nested_text(play: Rehearsal) -> None:
    """`P` in `STAT` begins a line of its own, else the reader does not find it (ea-lobby 2, 8)."""
    bob, ann = play.enter("ea-lobby", role="buddy"), play.enter("ea-lobby", role="buddy")
    bob.says(up("AUTH", "USER=bobby/cso/nascar-ps2-2004", "LKEY=$00"))
    ann.says(up("AUTH", "USER=ann/cso/nascar-ps2-2004", "LKEY=$00"))
    ann.says(up("RADD", "ID=101", "LIST=B", "USER=bobby"))
    stat = 'STAT="en%3d%22is racing%22%0aP%3dmad4%0a"'
    bob.says(up("PSET", "SHOW=CHAT", stat, 'PROD="is online"'))
    assert ann.told()[-1].encode() == (
        b"PGET\0\0\0\0\0\0\0\x5d"  # kind, ident 0, length 93
        b"USER=bobby\n"  # whose presence it is
        b"SHOW=CHAT\n"  # the word of the PSET
        b'STAT="en%3d%22is racing%22%0aP%3dmad4%0a"\n'  # byte for byte that of the PSET
        b'PROD="is online"\n\0'  # as it was said
    )


def test_news_beyond_32_bits_and_of_later_games(play: Rehearsal) -> None:
    alice = player(play, "alice")
    (told,) = alice.says(up("news", "NAME=99999999999"))
    assert told.kind == "news"
    (told,) = alice.says(up("news", "NAME=client.cfg"))
    assert {"BUDDY_SERVER", "BUDDY_PORT"} <= set(told.fields())
    assert "ident" not in told.fields()


def test_a_challenge_that_is_left_is_no_race(play: Rehearsal) -> None:
    alice, bob = player(play, "alice"), player(play, "bobby")
    alice.says(up("chal", "PERS=bobby", "HOST=1"))
    alice.leaves()
    (told,) = bob.says(up("chal", "PERS=alice", "HOST=0"))[-1:]
    assert told.get("ident") == "uusr"
    carol = player(play, "carol")
    carol.says(up("chal", "PERS=bobby", "HOST=1"))
    carol.says(up("mesg", "PRIV=bobby", "TEXT=DECL", "ATTR=3"))
    assert "+ses" not in kinds(bob.says(up("chal", "PERS=carol", "HOST=0")))


def test_who_plays_on_our_own_machine_is_reached_at_our_address(play: Rehearsal) -> None:
    alice = player(play, "alice")
    bob = player(play, "bobby")
    bob.client.address = ("127.0.0.1", 1)
    told = alice.says(up("chal", "PERS=bobby", "HOST=1")) + bob.says(
        up("chal", "PERS=alice", "HOST=0")
    )
    assert kinds(told)[-1] == "+ses"
    mine = next(one for one in alice.told() if one.kind == "+ses")
    assert mine.get("ADDR") == "192.0.2.1", "where alice reaches our machine"


def test_values_that_are_too_long_or_odd_are_cut(play: Rehearsal) -> None:
    alice, bob = player(play, "alice"), player(play, "bobby")
    alice.told()
    alice.says(up("mesg", "PRIV=bobby", f"TEXT={'x' * 5000}", "ATTR=3zz="))
    (said,) = [one for one in bob.told() if one.kind == "+msg"]
    assert len(said.get("T")) == 255
    assert set(said.get("F")) <= set("P3")
    (made,) = alice.says(up("room", f"NAME=C.{'y' * 500}", "MAX=99999999"))[:1]
    assert len(made.get("NAME")) == 31
    assert made.get("LIMIT") == "255"


@pytest.mark.parametrize("kind", ["@tic", "?tic", "rept", "PING", "~png", "DISC"])
def test_what_wants_no_answer_gets_none(play: Rehearsal, kind: str) -> None:
    actor = play.enter("ea-lobby")
    message = read(kind.encode() + bytes(4) + (12).to_bytes(4, "big"), Direction.TO_SERVER)
    assert actor.says(message) == []
    assert actor.turn.known
    assert actor.turn.unanswered is None


def test_every_request_is_answered_by_its_own_kind(play: Rehearsal) -> None:
    """Whatever it holds, and before anybody has logged in."""
    protocol = play.enter("ea-lobby").client.protocol
    for kind in protocol.answers:
        actor = play.enter("ea-lobby")
        told = actor.says(up(kind, "NAME=x", "PERS=x", "USER=x", "LIST=B", "ID=1", "CHAN=4"))
        assert told, kind
        assert kinds(told).count(kind) == 1, kind
        assert actor.turn.unanswered is None
        assert not [one for one in actor.notes if one[0] == "defect"], (kind, actor.notes)
