"""From captures to recordings: what is spoken, sessions, holes, what was refused."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path as File

from proxy.importing.hints import Hints
from recordings.captures.synthetic import Connection, Path
from recordings.captures.tcp import ACK
from tests.importing.making import (
    DIRECTORY,
    HOST,
    LOBBY,
    SECOND,
    Tape,
    directory_and_lobby,
    dns_answer,
    flows,
    imported,
)
from tests.recordings.captures.making import AT, ea, kaillera
from tests.recordings.making import rows


def test_a_leg_that_was_announced_belongs_to_the_session(tmp_path: File) -> None:
    tape = Tape()
    directory_and_lobby(tape)
    out = imported(tape, tmp_path)
    assert flows(out) == [
        ("ea-lobby", "192.0.2.2:4000", "203.0.113.9:10600", 1),
        ("ea-lobby", "192.0.2.2:4001", "203.0.113.9:10999", 1),
    ]
    ((kind, number),) = rows(
        out, "SELECT kind, frames.id FROM flows JOIN frames ON parent_frame_id = frames.id"
    )
    assert (kind, number) == ("@dir", 2)
    assert rows(out, "SELECT client, origin, game FROM sessions") == [(HOST, "import", None)]


def test_times_are_those_of_the_capture(tmp_path: File) -> None:
    tape = Tape()
    directory_and_lobby(tape)
    out = imported(tape, tmp_path)
    times = [at for at, _ in tape.packets]
    assert rows(out, "SELECT opened_at, closed_at, close_reason FROM flows WHERE id = 1") == [
        (times[0], times[6], "closed")
    ]
    assert rows(out, "SELECT at FROM frames") == [(times[n],) for n in (3, 4, 11, 12)]
    ((started, ended),) = rows(out, "SELECT started_at, ended_at FROM sessions")
    assert started.startswith("2026-11-18T11:06:41")
    assert ended > started


def test_keys_are_learned(tmp_path: File) -> None:
    tape = Tape()
    directory_and_lobby(tape)
    out = imported(tape, tmp_path, "--key", "rc4+md5-v2@up=0011")
    assert rows(out, "SELECT name, key, source FROM keys ORDER BY id") == [
        ("rc4+md5-v2", b"\0\x11", "given"),
        ("mask", b"33", "seen"),
        ("sess", b"7", "seen"),
    ]


def test_clients_have_sessions_of_their_own(tmp_path: File) -> None:
    tape = Tape()
    directory_and_lobby(tape)
    directory_and_lobby(tape, "192.0.2.3")
    assert [flow[3] for flow in flows(imported(tape, tmp_path))] == [1, 1, 2, 2]


def test_a_session_ends_five_minutes_after_its_last_flow(tmp_path: File) -> None:
    tape = Tape()
    directory_and_lobby(tape)
    tape.at += 200 * SECOND
    directory_and_lobby(tape)
    tape.at += 301 * SECOND
    directory_and_lobby(tape)
    assert [flow[3] for flow in flows(imported(tape, tmp_path))] == [1, 1, 1, 1, 2, 2]


def test_names_in_the_capture_tell_the_game(tmp_path: File) -> None:
    tape = Tape()
    tape.add([dns_answer("ps2nascar04.ea.com", DIRECTORY[0])])
    directory_and_lobby(tape)
    out = imported(tape, tmp_path, "--known-only")
    assert rows(out, "SELECT game FROM sessions") == [("nascar-thunder-2004",)]
    assert rows(out, "SELECT hostname FROM flows LIMIT 1") == [("ps2nascar04.ea.com",)]
    assert len(flows(out)) == 2


def test_the_user_says_the_game_and_the_port(tmp_path: File) -> None:
    tape = Tape()
    client, server = (HOST, 5), ("198.51.100.1", 12_345)
    tape.add([Path(client, server).datagram(kaillera(1, "hi"))])
    assert flows(imported(tape, tmp_path))[0][0] == "raw-udp"
    out = imported(
        tape, tmp_path, "--as", "12345=kaillera", "--game", "kaillera", "-w", tmp_path / "o"
    )
    del out
    assert flows(tmp_path / "o")[0][:1] == ("kaillera",)
    assert rows(tmp_path / "o", "SELECT game, kind FROM sessions, frames") == [("kaillera", "Chat")]


def test_first_bytes_tell_at_unusual_ports(tmp_path: File) -> None:
    tape = Tape()
    client, server = (HOST, 5000), ("198.51.100.1", 40_000)
    tape.add([Path(client, server).datagram(b"HELLO0.83\0")])
    tape.add([Path(server, client).datagram(b"HELLOD00D40001\0")])
    tape.add([Path(client, (server[0], 40_001)).datagram(kaillera(1, "hi"))])
    chat = Connection((HOST, 6000), ("198.51.100.1", 7777), 1)
    tape.add(chat.greeting())
    tape.add(chat.data(1, b"\\lc\\1\\challenge\\ABCDEFGHIJ\\id\\1\\final\\"))
    out = imported(tape, tmp_path)
    assert [(flow[0], flow[3]) for flow in flows(out)] == [
        ("kaillera", 1),
        ("kaillera", 1),
        ("gamespy-presence", 1),
    ]
    assert rows(out, "SELECT parent_frame_id FROM flows WHERE id = 2") == [(2,)]


def test_what_nobody_knows_is_recorded_apart(tmp_path: File) -> None:
    tape = Tape()
    web = Connection((HOST, 6000), ("198.51.100.80", 443), 1)
    tape.add(web.greeting())
    tape.add(web.data(0, b"\x16\x03\x01\x02\0\x01"))
    directory_and_lobby(tape)
    tape.add([Path((HOST, 9999), (LOBBY[0], 9000)).datagram(b"voice")])  # a server of the game
    out = imported(tape, tmp_path)
    assert [(flow[0], flow[3]) for flow in flows(out)] == [
        ("raw-tcp", 1),
        ("ea-lobby", 2),
        ("ea-lobby", 2),
        ("raw-udp", 2),
    ]
    assert len(flows(imported(tape, tmp_path, "--known-only", out="known"))) == 2


def test_many_unknown_flows_at_once_are_one_session(tmp_path: File) -> None:
    tape = Tape()
    for n in range(20):
        web = Connection((HOST, 6000 + n), ("198.51.100.80", 443), 1)
        tape.add(web.greeting())
        tape.add(web.data(0, b"\x16\x03\x01\x02\0\x01"))
    assert {flow[3] for flow in flows(imported(tape, tmp_path))} == {1}


def test_without_a_greeting_the_server_is_known_by_its_port(tmp_path: File) -> None:
    tape = Tape()
    frame = ea("~png", "REF=1\n")
    tape.add([Path(DIRECTORY, (HOST, 4000)).segment(1, 1, ACK, frame)])
    assert flows(imported(tape, tmp_path)) == [
        ("ea-lobby", "192.0.2.2:4000", "203.0.113.9:10600", 1)
    ]


def test_a_hole_is_an_event_and_frames_are_found_again(tmp_path: File) -> None:
    tape = Tape()
    talk = Connection((HOST, 4000), DIRECTORY, 7)
    frames = [ea("+msg", f"N={n}\nTEXT={'x' * 50}\n") for n in range(8)]
    tape.add(talk.greeting())
    whole = b"".join(frames)
    cuts = [0, 30, 100, len(frames[0]) * 3 + 10, len(frames[0]) * 5, len(whole)]
    parts = [talk.data(1, whole[a:b]) for a, b in pairwise(cuts)]
    del parts[2]  # was not captured
    for part in parts:
        tape.add(part)
    tape.add(talk.ending("closed"))
    out = imported(tape, tmp_path)
    missing = cuts[3] - cuts[2]
    assert rows(out, "SELECT detail FROM events WHERE kind = 'gap'") == [
        (f"{missing} bytes s>c are not in the capture",)
    ]
    said = rows(out, "SELECT kind, error, raw FROM frames ORDER BY id")
    assert [one[0] for one in said] == ["+msg", "Opaque", "Opaque", "+msg", "+msg", "+msg"]
    assert said[1][1].startswith("cut off")
    assert said[2][1] == f"lost: {missing} bytes s>c are not in the capture"
    assert b"".join(one[2] for one in said) == whole[: cuts[2]] + whole[cuts[3] :]


def test_a_capture_that_begins_within_a_frame(tmp_path: File) -> None:
    tape = Tape()
    frames = [ea("+msg", f"N={n}\n") for n in range(3)]
    path = Path(DIRECTORY, (HOST, 4000))
    data = frames[0][9:], frames[1][:7], frames[1][7:] + frames[2]
    place = 100
    for part in data:
        tape.add([path.segment(place, 1, ACK, part)])
        place += len(part)
    out = imported(tape, tmp_path)
    said = rows(out, "SELECT kind, raw FROM frames ORDER BY id")
    assert said == [("Opaque", frames[0][9:]), ("+msg", frames[1]), ("+msg", frames[2])]


def test_a_refused_server_is_recorded_when_a_game_wanted_it(tmp_path: File) -> None:
    tape = Tape()
    for server in (DIRECTORY, ("198.51.100.80", 443)):
        talk = Connection((HOST, 4000), server, 7)
        tape.add(talk.greeting()[:1])
        tape.add([Path(server, (HOST, 4000)).segment(0, 8, 0x14)])
    out = imported(tape, tmp_path)
    assert flows(out) == [("ea-lobby", "192.0.2.2:4000", "203.0.113.9:10600", 1)]
    assert rows(out, "SELECT kind FROM events WHERE flow_id = 1") == [("refused",)]


def test_connections_without_a_word_are_left_out(tmp_path: File) -> None:
    tape = Tape()
    tape.add(Connection((HOST, 4000), DIRECTORY, 7).greeting())
    assert flows(imported(tape, tmp_path)) == []


def test_a_capture_is_read_in_any_number_of_files(tmp_path: File) -> None:
    tape, halves = Tape(), (Tape(), Tape())
    directory_and_lobby(tape)
    halves[0].packets, halves[1].packets = tape.packets[:4], tape.packets[4:]
    last, first = halves[1].write(tmp_path, "b.pcap"), halves[0].write(tmp_path, "a.pcap")
    out = imported(last, tmp_path, first)
    assert [flow[3] for flow in flows(out)] == [1, 1]
    assert rows(out, "SELECT kind FROM frames") == [("@dir",), ("@dir",), ("addr",), ("~png",)]


def test_a_clock_that_was_set_back(tmp_path: File) -> None:
    tape = Tape()
    directory_and_lobby(tape)
    tape.packets[4] = (AT - 5 * SECOND, tape.packets[4][1])
    out = imported(tape, tmp_path)
    assert rows(out, "SELECT count(*) FROM frames") == [(4,)]


def test_hints_of_a_stranger_are_passed_over() -> None:
    hints = Hints()
    flow = {"transport": "udp", "client": "a", "server": "b", "protocol": "raw-udp"}
    for at in ("Infinity", "NaN", "1e999", '"x"', "[]", "[" * 100_000):
        hints.read(
            json.dumps({"flows": [flow | {"opened_at": 0}]}).replace("0}", f"{at}}}").encode()
        )
    assert not hints.ours
