"""The rules of Jazz Jackrabbit 2 and of its list by hand: time passes as the test wants."""

from __future__ import annotations

import struct

from proxy.message import Message, Opaque
from recordings.model import Transport
from tests.replay.rehearsal import Actor, Rehearsal
from tests.replay.standin.rabbit import DETAILS, FUR, JOIN, datagram, packet

PORT = 4000


def join(play: Rehearsal, name: str, port: int = PORT, players: int = 1) -> Actor:
    actor = play.enter("jazz2", role="control", transport=Transport.TCP)
    request = packet(JOIN, struct.pack("<H4sB", port, b"24  ", players))
    (told,) = actor.says(Opaque(request), tcp=True)
    assert told.kind == "ServerDetails"
    entry = b"".join(bytes([9, 1]) + FUR + name.encode() + b"\0" for _ in range(players))
    told_then = actor.says(Opaque(packet(DETAILS, bytes([players]) + entry)), tcp=True)
    assert [one.kind for one in told_then] == ["PlayerList", "StartLevel"]
    return actor


def kinds(messages: list[Message]) -> list[str]:
    return [one.kind for one in messages]


def test_a_client_whose_datagrams_stop_is_gone_after_half_a_minute() -> None:
    play = Rehearsal()
    alice, bob = join(play, "alice"), join(play, "bob", PORT + 1)
    udp = play.enter("jazz2", role="game", address=("192.0.2.7", PORT), transport=Transport.UDP)
    udp.says(Opaque(datagram(b"\x01\0\1")))
    play.passes(29.0)
    assert alice.closed is None
    assert len(udp.told()) >= 28, "a heartbeat each second"
    play.passes(3.0)
    assert alice.closed is not None
    (left,) = [one for one in bob.told() if one.kind == "Disconnect"]
    assert left.get("socket") == 1
    assert bob.closed is None, "it never sent any, so that none is missed"


def test_a_heartbeat_is_answered_in_its_form_but_not_for_ever() -> None:
    play = Rehearsal()
    join(play, "alice")
    udp = play.enter("jazz2", role="game", address=("192.0.2.7", PORT), transport=Transport.UDP)
    (short,) = udp.says(Opaque(datagram(b"\x09\x05")))
    assert short.get("cookie") is None
    assert udp.says(Opaque(datagram(b"\x09\x06"))) == []
    play.passes(1.5)
    (ours,) = udp.told()
    assert udp.says(Opaque(datagram(b"\x09\x07\0" + ours.get("cookie")))) == []
    (theirs,) = udp.says(Opaque(datagram(b"\x09\x08\0abcd")))
    assert theirs.get("cookie") == b"abcd"
    stranger = play.enter("jazz2", address=("192.0.2.8", PORT), transport=Transport.UDP)
    assert stranger.says(Opaque(datagram(b"\x09\x05"))) == []


def test_who_connects_and_says_nothing_is_shown_out() -> None:
    play = Rehearsal()
    actor = play.enter("jazz2", role="control", transport=Transport.TCP)
    play.passes(31.0)
    assert kinds(actor.told()) == ["Disconnect"]
    assert actor.closed is not None


def test_two_players_behind_one_connection_and_a_change_of_team() -> None:
    play = Rehearsal()
    watcher = join(play, "watcher")
    both = join(play, "both", players=2)
    (joined,) = watcher.told()
    assert [one.player_id for one in joined.get("players")] == [2, 3]
    entry = b"".join(bytes([n, 0x11]) + FUR + b"both\0" for n in (2, 3))
    assert both.says(Opaque(packet(DETAILS, b"\2" + entry)), tcp=True) == []
    (changed,) = watcher.told()
    assert [one.team_character for one in changed.get("players")] == [0x11, 0x11]
    both.says(Opaque(packet(0x42, b"\x21")), tcp=True)
    asker = play.enter("jazz2", address=("192.0.2.9", 1), transport=Transport.UDP)
    (reply,) = asker.says(Opaque(datagram(b"\x05\x01\x01")))
    scores = [(one.name, one.team) for one in reply.get("end").players]
    assert scores == [("Host", 0), ("watcher", 0), ("both", 5), ("both", 5)]


def test_the_end_of_the_run_is_said() -> None:
    play = Rehearsal()
    alice = join(play, "alice")
    play.stage.end()
    (told,) = alice.told()
    assert (told.get("reason"), told.get("socket")) == (10, 1)


def test_a_listed_server_that_falls_silent_is_not_listed() -> None:
    play = Rehearsal(options={"jazz2-list.own": "0"})
    record = struct.pack("<H33sBBB4s", 10052, b"test", 1, 12, 4, b"24  ")
    server = play.enter("jazz2-list", role="registration")
    mute = play.enter("jazz2-list", role="registration")
    assert server.says(Opaque(record)) == []
    for _ in range(4):
        play.passes(25.0)
        server.says(Opaque(b"\0\2"))
    assert mute.closed is not None
    assert server.closed is None
    server.says(Opaque(b"\2renamed"))
    server.says(Opaque(b"\1\4"))
    shown = play.enter("jazz2-list", role="text list")
    (line,) = shown.told()
    assert line.encode().endswith(b" local public race 1.24   100 [2/12] renamed\r\n")
    assert shown.closed is not None
    play.passes(90.0)
    assert server.closed is not None
    empty = play.enter("jazz2-list", role="binary list")
    assert [one.encode() for one in empty.told()] == [b"\x07LIST\x01\x01"]
