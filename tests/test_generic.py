"""Streams that nobody described yet: cut and deciphered by words on the command line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers.rc4 import Rc4, rc4
from proxy.dissector import Dissector
from proxy.generic import CipherWish, ciphered, framed
from proxy.keys import SessionKeys
from proxy.protocol import Protocol
from proxy.registry import protocol
from recordings.errors import UserError
from recordings.model import Direction, Frame, Key, Transport
from tests.running import Command, connect, read_all, rows, serving

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
KEY = b"sixteen byte key"
GIVEN = [Key("rc4", KEY, "rc4", None, "given")]


def cut(form: str, *chunks: bytes) -> list[bytes | None]:
    machine = framed(protocol("raw-tcp"), form).dissector(SessionKeys())
    return [frame.raw for chunk in chunks for frame in machine.feed(UP, chunk, 1)]


@pytest.mark.parametrize(
    ("form", "stream", "frames"),
    [
        ("length:0:2", "0004aabb0002" + "0003cc", ["0004aabb", "0002", "0003cc"]),
        ("length:0:2:big:2", "0002aabb0000", ["0002aabb", "0000"]),
        ("length:1:2:little:3", "ff0100aa" + "fe0000", ["ff0100aa", "fe0000"]),
        ("length:4:1", "00000000060000000000" + "05", ["000000000600"]),
        ("end:0d0a", "410d0a420d430d0a", ["410d0a", "420d430d0a"]),
        ("end:00", "4100004200", ["4100", "00", "4200"]),
        ("size:3", "010203040506", ["010203", "040506"]),
    ],
)
def test_forms(form: str, stream: str, frames: list[str]) -> None:
    data = bytes.fromhex(stream)
    wanted = [bytes.fromhex(one) for one in frames]
    assert cut(form, data)[: len(wanted)] == wanted
    assert cut(form, *(data[n : n + 1] for n in range(len(data))))[: len(wanted)] == wanted


@pytest.mark.parametrize(
    "form",
    [
        *("length", "length:0", "length:0:9", "length:-1:2", "length:0:2:middle", "length:0:2:1:2"),
        *("end:", "end:xyz", "end", "size:0", "size:x", "size", "mark:0a", ""),
    ],
)
def test_forms_that_cannot_be_read_show_how(form: str) -> None:
    with pytest.raises(UserError, match="length:OFFSET:SIZE"):
        framed(protocol("raw-tcp"), form)


def test_a_length_that_ends_before_its_field_loses_the_stream() -> None:
    machine = framed(protocol("raw-tcp"), "length:2:2").dissector(SessionKeys())
    (frame,) = machine.feed(UP, bytes.fromhex("00000001"), 1)
    assert "does not reach behind its own field" in (frame.error or "")


@given(st.sampled_from(["length:0:2", "length:3:4:little", "end:00", "size:5"]), st.binary())
def test_nothing_is_lost_whatever_comes(form: str, data: bytes) -> None:
    machine = framed(protocol("raw-tcp"), form).dissector(SessionKeys())
    frames = machine.feed(UP, data, 1) + machine.finish(UP, 2)
    assert b"".join(frame.raw or b"" for frame in frames) == data


def around(name: str, wish: CipherWish, keys: SessionKeys) -> tuple[Protocol, Dissector]:
    known = ciphered(protocol(name), wish)
    return known, known.dissector(keys)


def test_a_stream_is_deciphered_from_its_first_byte_on() -> None:
    _, machine = around("raw-tcp", CipherWish("rc4"), SessionKeys(GIVEN))
    stream = Rc4(KEY)
    for text in (b"hello", b"world"):
        (frame,) = machine.feed(UP, stream(text), 1)
        assert (frame.plain, frame.cipher) == (text, "rc4")
    other = Rc4(KEY)
    (frame,) = machine.feed(DOWN, other(b"and back"), 1)
    assert frame.plain == b"and back"


def ea(kind: bytes, body: bytes) -> bytes:
    return kind + bytes(4) + (12 + len(body)).to_bytes(4, "big") + body


def test_the_key_comes_from_a_field_and_the_cipher_begins_behind_it() -> None:
    """All in one chunk: the rest of it is enciphered already."""
    keys = SessionKeys()
    known, machine = around("ea-lobby", CipherWish("rc4", "skey.SKEY"), keys)
    gives = ea(b"skey", b"SKEY=$" + KEY.hex().encode() + b"\n\0")
    hidden = Rc4(KEY)(ea(b"auth", b"NAME=ann\n\0") + ea(b"pers", b"PERS=a\n\0"))
    frames = machine.feed(DOWN, gives + hidden, 1)
    assert [known.view(frame).kind for frame in frames] == ["skey", "auth", "pers"]
    assert known.view(frames[1]).get("NAME") == "ann"
    assert b"".join(frame.raw or b"" for frame in frames) == gives + hidden
    assert [key.key for key in keys if key.cipher == "rc4"] == [KEY]


def test_a_cipher_that_begins_at_a_frame() -> None:
    known, machine = around("ea-lobby", CipherWish("rc4", from_frame=3), SessionKeys(GIVEN))
    first = machine.feed(UP, ea(b"addr", b"A=1\n\0"), 1)
    second = machine.feed(DOWN, ea(b"addr", b"A=2\n\0"), 2)
    third = machine.feed(UP, Rc4(KEY)(ea(b"skey", b"A=3\n\0")), 3)
    assert [f.cipher for f in (*first, *second, *third)] == [None, None, "rc4"]
    assert known.view(third[0]).get("A") == "3"


def test_datagrams_are_deciphered_each_by_itself() -> None:
    known, machine = around("jazz2", CipherWish("rc4"), SessionKeys(GIVEN))
    machine = known.dissector(SessionKeys(GIVEN), Transport.UDP)
    query = bytes.fromhex("060d0500")
    for _ in range(2):
        (frame,) = machine.feed(UP, rc4(KEY, query), 1)
        assert known.view(frame).kind == "Query"
        assert machine.seal(UP, frame.clear, frame.cipher) == frame.raw


def test_what_is_sealed_is_read_back_and_what_passes_stays_in_step() -> None:
    keys = SessionKeys(GIVEN)
    _, machine = around("ea-lobby", CipherWish("rc4"), keys)
    _, other = around("ea-lobby", CipherWish("rc4"), keys)
    _, server = around("ea-lobby", CipherWish("rc4"), keys)
    wire = Rc4(KEY)
    passes = machine.feed(UP, wire(ea(b"addr", b"A=1\n\0")), 1)[0]
    longer = machine.feed(UP, wire(ea(b"addr", b"A=2\n\0")), 1)[0]
    sent = machine.forward(passes) + machine.seal(UP, ea(b"addr", b"A=22\n\0"), longer.cipher)
    heard = server.feed(UP, sent, 1)
    assert [frame.clear for frame in heard] == [passes.clear, ea(b"addr", b"A=22\n\0")]
    assert other.seal(UP, ea(b"addr", b""), None) == Rc4(KEY)(ea(b"addr", b""))


def test_a_missing_key_is_said_once_and_nothing_is_lost() -> None:
    _, machine = around("raw-tcp", CipherWish("rc4"), SessionKeys())
    frames = [*machine.feed(UP, b"abc", 1), *machine.feed(UP, b"def", 2)]
    assert [frame.raw for frame in frames] == [b"abc", b"def"]
    said = [frame.derived for frame in frames if frame.derived]
    assert len(said) == 1
    assert "--key rc4=HEX" in str(said[0])


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (CipherWish("rot13"), "there is rc4"),
        (CipherWish("rc4", key_from="skey"), "KIND.FIELD"),
    ],
)
def test_wishes_that_cannot_be(wish: CipherWish, said: str) -> None:
    with pytest.raises(UserError, match=said):
        ciphered(protocol("raw-tcp"), wish)


def test_a_key_of_a_wrong_size_is_an_error_of_its_frame() -> None:
    _, machine = around("ea-lobby", CipherWish("rc4", "skey.SKEY"), SessionKeys())
    frames: list[Frame] = machine.feed(DOWN, ea(b"skey", b"SKEY=\n\0"), 1)
    assert "skey.SKEY is no key" in (frames[0].error or "")


def test_the_real_command_cuts_and_deciphers(tmp_path: Path) -> None:
    plain = b"\x00\x03one\x00\x05three"

    def answer(connection: socket.socket) -> None:
        connection.sendall(read_all(connection))

    with serving(answer) as server:
        words = [f"--relay=raw-tcp:0=127.0.0.1:{server.port}", "--frame=length:0:2:2"]
        words += ["--cipher=rc4", f"--key=rc4={KEY.hex()}", "-w", "r.understudy.db"]
        with Command(tmp_path, "record", "-q", *words) as command:
            port = command.ready()["raw-tcp", "tcp"]
            with connect(port) as client:
                client.sendall(rc4(KEY, plain))
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == rc4(KEY, plain)
            assert command.stop() == 0
    found = rows(tmp_path / "r.understudy.db", "SELECT plain, cipher FROM frames WHERE number < 3")
    assert [tuple(row) for row in found] == [(plain[:5], "rc4"), (plain[5:], "rc4")]


def test_the_command_says_what_goes_together(tmp_path: Path) -> None:
    relay = "--relay=kaillera:0=127.0.0.1:9"
    for words, said in (
        ([relay, "--frame=size:3"], "there is none"),
        ([relay, "--key-from=A.B"], "add --cipher"),
    ):
        with Command(tmp_path, "record", *words) as command:
            assert command.wait() == 1
            assert said in command.said()
