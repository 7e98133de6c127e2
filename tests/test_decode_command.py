"""`understudy decode`: recordings that were made without their keys are read later."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import understudy
from proxy.ciphers import rc4md5
from proxy.ciphers.peerchat import PeerchatStream
from proxy.ciphers.rc4 import Rc4
from proxy.decoding import understand
from proxy.keys import SessionKeys
from proxy.registry import protocol
from recordings.model import Direction, Frame, Origin, Transport
from recordings.reader import Reader
from recordings.writer import Recording
from tests.running import rows

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
UP_KEY, DOWN_KEY, SECRET = b"0123456789abcdef", b"fedcba9876543210", b"hd5vQ3"
GAME_KEY = f"--game-key=lostgame={SECRET.decode()}"
AT = 1_700_000_000_000_000


def record(path: Path, name: str, lines: list[tuple[Direction, bytes]]) -> None:
    """A recording of one flow, made as a recorder without any key makes it."""
    known = protocol(name)
    dissector = known.dissector(SessionKeys(), Transport.TCP)
    with Recording.open(path) as recording:
        session = recording.add_session(game=None, client="192.0.2.1", origin=Origin.RECORD)
        flow = recording.add_flow(
            session_id=session,
            protocol=name,
            transport=Transport.TCP,
            client="192.0.2.1:5000",
            server="192.0.2.2:6000",
            opened_at=AT,
        )
        for number, (direction, data) in enumerate(lines):
            for frame in dissector.feed(direction, data, AT + number):
                understand(frame, name)
                recording.append(flow, frame)
        recording.add_note("the first", frame_id=1, session_id=session, flow_id=flow)
        recording.close_flow(flow, AT + 100, "client closed")


def invoke(*words: object) -> Result:
    return CliRunner().invoke(understudy.cli, ["decode", *map(str, words)])


def wire(path: Path) -> str:
    """A digest of what came over the wire, per direction."""
    digest = hashlib.sha256()
    for way in Direction:
        for row in rows(path, "SELECT raw FROM frames WHERE direction = ? ORDER BY id", way):
            digest.update(row["raw"])
        digest.update(way.encode())
    return digest.hexdigest()


def ea(kind: bytes, body: bytes) -> bytes:
    """A frame of the EA lobby (ea-lobby 1)."""
    return kind + bytes(4) + (12 + len(body)).to_bytes(4, "big") + body


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    """A peerchat flow whose game secret nobody gave: everything behind the keys is opaque."""
    path = tmp_path / "chat.understudy.db"
    up, down = PeerchatStream(SECRET, UP_KEY), PeerchatStream(SECRET, DOWN_KEY)
    lines = [
        (UP, b"CRYPT des 1 lostgame\r\n"),
        (DOWN, b":s 705 * " + UP_KEY + b" " + DOWN_KEY + b"\r\n"),
        (UP, up(b"USRIP\r\nNICK a")),
        (DOWN, down(b":s 302  :=+@192.0.2.1\r\n")),
        (UP, up(b"nn\r\n")),
    ]
    record(path, "gamespy-chat", lines)
    return path


def test_a_secret_found_later_reads_an_opaque_stream_into_a_new_recording(
    chat: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.understudy.db"
    before = wire(chat)
    done = invoke(chat, GAME_KEY, "-w", out)
    assert done.exit_code == 0, done.output
    assert wire(out) == wire(chat) == before
    said = [(row["kind"], row["plain"]) for row in rows(out, "SELECT * FROM frames")]
    assert said == [
        ("CRYPT", None),
        ("705", None),
        ("USRIP", b"USRIP\r\n"),
        ("302", b":s 302  :=+@192.0.2.1\r\n"),
        ("NICK", b"NICK ann\r\n"),
    ]
    for sql in ("SELECT uid FROM sessions", "SELECT protocol, client, opened_at FROM flows"):
        assert tuple(rows(out, sql)[0]) == tuple(rows(chat, sql)[0])
    assert rows(out, "SELECT key FROM keys WHERE name = 'lostgame'")[0][0] == SECRET
    assert [note["text"] for note in rows(out, "SELECT text FROM notes")] == ["the first"]
    assert rows(out, "SELECT close_reason FROM flows")[0][0] == "client closed"


def test_the_kept_secret_is_used_when_it_is_read_once_more(chat: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.understudy.db"
    invoke(chat, GAME_KEY, "-w", out)
    again = invoke(out)
    assert again.exit_code == 0
    assert ", 0 of them differently" in again.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [chat.name, out.name]


def test_keys_of_a_cipher_are_found_later(tmp_path: Path) -> None:
    path, out = tmp_path / "ea.understudy.db", tmp_path / "out.understudy.db"
    keys = {UP: bytes(range(16)), DOWN: bytes(range(16, 32))}
    streams = {way: Rc4(key) for way, key in keys.items()}
    lines = [(UP, ea(b"?tic", bytes(52)))]
    for way, kind in ((UP, b"addr"), (DOWN, b"~png"), (UP, b"skey")):
        lines.append((way, streams[way](rc4md5.add_mac(ea(kind, b"A=1\n\0")))))
    record(path, "ea-lobby", lines)
    assert rows(path, "SELECT count(*) FROM frames WHERE kind = 'Opaque'")[0][0] == 3
    given = [f"--key=rc4+md5-v2@{way}={key.hex()}" for way, key in keys.items()]
    done = invoke(path, *given, "-w", out)
    assert done.exit_code == 0, done.output
    assert [row["kind"] for row in rows(out, "SELECT kind FROM frames")] == [
        *("?tic", "addr", "~png", "skey")
    ]
    assert wire(out) == wire(path)


def test_a_cipher_of_ones_own_is_put_around_some_flows(tmp_path: Path) -> None:
    path = tmp_path / "raw.understudy.db"
    record(path, "raw-tcp", [(UP, b"HELLO"), (UP, Rc4(b"secret")(b"pos x=1"))])
    key = f"--key=rc4={b'secret'.hex()}"
    done = invoke(path, key)
    assert "0 of them differently" in done.output
    assert "no flow asks for the key rc4: --cipher rc4 deciphers" in done.output
    done = invoke(path, key, "--cipher", "rc4", "--cipher-on", "raw-udp", "--from-frame", 2)
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "--cipher-on raw-udp: no flow speaks it; there is raw-tcp" in done.output
    assert "add --cipher" in invoke(path, key, "--cipher-on", "raw-tcp").output
    done = invoke(path, key, "--cipher", "rc4", "--cipher-on", "raw-tcp", "--from-frame", 2)
    assert "1 of them differently" in done.output
    assert "no flow asks" not in done.output
    plain = [row["plain"] for row in rows(path, "SELECT plain FROM frames")]
    assert plain == [None, b"pos x=1"]


def test_in_place_only_the_meaning_is_written(tmp_path: Path) -> None:
    """Frames that are cut the same are read anew where they are."""
    path = tmp_path / "r.understudy.db"
    record(
        path,
        "ea-lobby",
        [(UP, b"addr" + bytes(4) + (41).to_bytes(4, "big") + b"A=1\0" + b" " * 25)],
    )
    with Recording.open(path) as recording, Reader.open(path) as reader:
        frame = reader.frame(1)
        assert isinstance(frame, Frame)
        frame.kind, frame.fields, frame.error = "Opaque", None, "an older release could not read it"
        recording.annotate(frame)
    before = wire(path)
    done = invoke(path)
    assert done.exit_code == 0
    assert "1 of them differently" in done.output
    (row,) = rows(path, "SELECT kind, error FROM frames")
    assert (row["kind"], row["error"]) == ("addr", None)
    assert wire(path) == before


def test_in_place_a_flow_that_is_cut_differently_is_named_and_left(chat: Path) -> None:
    with Recording.open(chat) as recording:  # what an older release took for one frame
        frame = Frame(UP, AT + 50, b"NICK a\r\nNICK b\r\n", kind="Opaque", error="unreadable")
        recording.append(1, frame)
    before = rows(chat, "SELECT * FROM frames")
    done = invoke(chat, GAME_KEY)
    assert done.exit_code == 0
    assert "cut differently" in done.output
    assert "-w OUT" in done.output
    assert [tuple(row) for row in rows(chat, "SELECT * FROM frames")] == [tuple(r) for r in before]


def test_what_it_refuses(chat: Path, tmp_path: Path) -> None:
    assert "another file" in invoke(chat, "-w", chat).output
    assert "--key" in invoke(chat, "--key", "rc4=zz").output
    nothing = invoke(tmp_path / "none.db")
    assert nothing.exit_code == 1
    assert "none.db does not exist: give the path of a recording" in nothing.output
    other = invoke(chat, "--session", 7)
    assert other.exit_code == 1
    assert "has no session 7: choose one of these" in other.output
