"""Our name server on UDP and TCP, with queries written out by hand (RFC 1035, section 4)."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.relay import dns_codec
from proxy.relay.api import Address
from proxy.relay.dns import Answered
from proxy.relay.dns_codec import REFUSED
from proxy.relay.dns_names import Names, pick
from recordings.errors import UserError
from tests.relay.harness import (
    LOOPBACK,
    Datagrams,
    Memories,
    client_of,
    needs_ipv6,
    on_loop,
    running,
    until,
)

A, NS, MX, AAAA, ANY = 1, 2, 15, 28, 255
NAMES = {"gamespy.com": None, "*.gamespy.com": None, "fixed.example.com": "203.0.113.9"}


def wire_name(name: str) -> bytes:
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def ask(
    name: str, kind: int = A, number: int = 0x1234, klass: int = 1, flags: int = 0x0100
) -> bytes:
    header = struct.pack("!HHHHHH", number, flags, 1, 0, 0, 0)
    return header + wire_name(name) + struct.pack("!HH", kind, klass)


def read(answer: bytes) -> tuple[int, list[str]]:
    """Response code, and the addresses of an answer of ours (names are not compressed)."""
    _, flags, questions, count, _, _ = struct.unpack_from("!HHHHHH", answer)
    assert flags & 0x8000
    place = 12
    for _ in range(questions):
        place = answer.index(b"\0", place) + 5
    found = []
    for _ in range(count):
        place = answer.index(b"\0", place) + 1
        kind, _, _, size = struct.unpack_from("!HHIH", answer, place)
        data = answer[place + 10 : place + 10 + size]
        place += 10 + size
        found.append(socket.inet_ntop(socket.AF_INET if kind == A else socket.AF_INET6, data))
    assert place == len(answer)
    return flags & 0xF, found


async def query(address: Address, data: bytes) -> bytes:
    with Datagrams(to=address) as client:
        client.send(data)
        answer: bytes = (await client.receive())[0]
        return answer


async def query_stream(address: Address, data: bytes) -> bytes:
    async with client_of(address) as (reader, writer):
        framed = struct.pack("!H", len(data)) + data
        for i in range(len(framed)):
            writer.write(framed[i : i + 1])
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(size)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("gamespy.com", A, (0, [LOOPBACK])),
        ("Master.GameSpy.COM", A, (0, [LOOPBACK])),
        ("a.b.gamespy.com.", A, (0, [LOOPBACK])),
        ("gamespy.com", ANY, (0, [LOOPBACK])),
        ("gamespy.com", AAAA, (0, [])),
        ("gamespy.com", MX, (0, [])),
        ("fixed.example.com", A, (0, ["203.0.113.9"])),
        ("fixed.example.com", AAAA, (0, [])),
        ("notgamespy.com", A, (5, [])),
        ("example.com", A, (5, [])),
        ("", NS, (5, [])),
    ],
)
@on_loop
async def test_names_on_both_transports(
    name: str, kind: int, expected: tuple[int, list[str]]
) -> None:
    async with running(Memories()) as engine:
        address = engine.open_dns(NAMES, LOOPBACK, 0)
        asked = ask(name, kind)
        for how in (query, query_stream):
            answer = await how(address, asked)
            assert answer[:2] == asked[:2]
            assert answer[12 : len(asked)] == asked[12:]  # the question, case kept
            assert read(answer) == expected


@on_loop
async def test_every_query_is_told() -> None:
    told: list[Answered] = []
    async with running(Memories()) as engine:
        address = engine.open_dns(NAMES, LOOPBACK, 0, on_query=told.append)
        for name, kind in (("X.gamespy.com", A), ("gamespy.com", AAAA), ("example.org", A)):
            await query(address, ask(name, kind))
    assert [(one.name, one.type, one.outcome) for one in told] == [
        ("x.gamespy.com", "A", LOOPBACK),
        ("gamespy.com", "AAAA", "no such record"),
        ("example.org", "A", "REFUSED"),
    ]
    assert told[0].client[0] == LOOPBACK


@on_loop
async def test_on_a_wildcard_each_client_gets_the_address_it_asked() -> None:
    async with running(Memories()) as engine:
        _, port = engine.open_dns(NAMES, "0.0.0.0", 0)
        assert read(await query((LOOPBACK, port), ask("gamespy.com")))[1] == [LOOPBACK]
        assert read(await query_stream((LOOPBACK, port), ask("gamespy.com")))[1] == [LOOPBACK]


@needs_ipv6
@on_loop
async def test_an_ipv6_client_gets_both() -> None:
    async with running(Memories()) as engine:
        address = engine.open_dns(NAMES, "::1", 0)
        for how in (query, query_stream):
            assert read(await how(address, ask("gamespy.com", AAAA)))[1] == ["::1"]
            assert read(await how(address, ask("gamespy.com", A)))[1] == [LOOPBACK]


@on_loop
async def test_other_names_are_forwarded_as_they_came() -> None:
    async with running(Memories()) as engine:
        # another server of ours plays the real one, with an answer of its own
        real = engine.open_dns({"*": "198.51.100.7"}, LOOPBACK, 0)
        address = engine.open_dns(NAMES, LOOPBACK, 0, upstream=real)
        for how in (query, query_stream):
            assert read(await how(address, ask("www.example.org"))) == (0, ["198.51.100.7"])
            assert read(await how(address, ask("gamespy.com"))) == (0, [LOOPBACK])


@on_loop
async def test_a_name_server_that_is_not_there_is_a_failure() -> None:
    with Datagrams() as gone:
        nobody = gone.address
    async with running(Memories()) as engine:
        address = engine.open_dns(NAMES, LOOPBACK, 0, upstream=nobody)
        for how in (query, query_stream):
            assert read(await how(address, ask("www.example.org"))) == (2, [])


@on_loop
async def test_offline_nothing_is_forwarded() -> None:
    with Datagrams() as real:
        async with running(Memories(), offline=True) as engine:
            address = engine.open_dns(NAMES, LOOPBACK, 0, upstream=real.address)
            assert read(await query(address, ask("www.example.org"))) == (5, [])
            assert await real.silent()


@on_loop
async def test_it_may_not_forward_to_itself() -> None:
    with Datagrams() as other:
        port = other.address[1]
    async with running(Memories()) as engine:
        with pytest.raises(UserError, match="this proxy itself"):
            engine.open_dns(NAMES, LOOPBACK, port, upstream=(LOOPBACK, port))


LOOP = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c" + struct.pack("!HH", A, 1)
CHAIN = (
    struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    + b"".join(struct.pack("!H", 0xC000 | 12 + 2 * i + 2) for i in range(4000))
    + b"\0"
    + struct.pack("!HH", A, 1)
)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", None),
        (b"short", None),
        (ask("gamespy.com", flags=0x8100), None),  # an answer
        (ask("gamespy.com", flags=0x2800), 4),  # an update
        (struct.pack("!HHHHHH", 7, 0x0100, 0, 0, 0, 0), 1),  # no question
        (struct.pack("!HHHHHH", 7, 0x0100, 65535, 65535, 65535, 65535), 1),
        (ask("gamespy.com")[:-1], 1),  # cut off
        (ask("gamespy.com") + b"more", 1),
        (ask("x" * 63 + "." + ".".join(["y" * 63] * 4)), 1),  # 319 characters
        (LOOP, 1),  # a name that points at itself
        (CHAIN, 1),  # 4,000 pointers
        (ask("gamespy.com")[:12] + b"\x04xn--\x03\xff\xfe\xfd\0" + struct.pack("!HH", A, 1), 1),
    ],
)
def test_what_is_no_query(data: bytes, code: int | None) -> None:
    with pytest.raises(dns_codec.BadQuery) as caught:
        dns_codec.read(data)
    assert caught.value.code == code
    if code is not None:
        answer = dns_codec.fail(data, code)
        assert answer[:2] == data[:2]
        assert read(answer)[0] == code


@on_loop
async def test_garbage_does_not_stop_it() -> None:
    async with running(Memories()) as engine:
        address = engine.open_dns(NAMES, LOOPBACK, 0)
        with Datagrams(to=address) as client:
            for data in (b"", b"short", ask("gamespy.com", flags=0x8100)):
                client.send(data)
            client.send(LOOP)
            assert read((await client.receive())[0]) == (1, [])
            client.send(ask("gamespy.com"))
            assert read((await client.receive())[0]) == (0, [LOOPBACK])
        async with client_of(address) as (reader, writer):
            writer.write(struct.pack("!H", len(LOOP)) + LOOP)
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            assert read(await reader.readexactly(size)) == (1, [])


@given(st.binary(max_size=80))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for message in (data, ask("")[:12] + data, ask("gamespy.com") + data):
        try:
            found = dns_codec.read(message)
        except dns_codec.BadQuery as error:
            answer = dns_codec.fail(message, error.code) if error.code else message
        else:
            assert found.name == found.name.lower()
            answer = dns_codec.fail(message, REFUSED)
        assert answer[:2] == message[:2]


@given(st.binary(max_size=40).map(lambda label: bytes([len(label)]) + label + b"\0"))
def test_strange_names_are_answered(name: bytes) -> None:
    message = ask("")[:12] + name + struct.pack("!HH", A, 1)
    try:
        found = dns_codec.read(message)
    except dns_codec.BadQuery:
        return
    names = Names({"*": None})
    assert names.find(found.name) == (bool(found.name), None)
    assert len(dns_codec.fail(message, 5)) >= 12


def test_the_longest_name_that_fits_counts() -> None:
    names = Names({"*.a.example": "192.0.2.1", "*.example": "192.0.2.2", "b.a.example.": None})
    assert names.find("x.a.example") == (True, "192.0.2.1")
    assert names.find("x.y.a.example") == (True, "192.0.2.1")
    assert names.find("a.example") == (True, "192.0.2.2")
    assert names.find("b.a.example") == (True, None)
    assert names.find("example") == (False, None)
    assert Names({"*": None}).find("anything.at.all") == (True, None)
    with pytest.raises(UserError, match="numeric address"):
        Names({"a.example": "elsewhere.example"})


def test_the_family_of_the_answer() -> None:
    assert pick("AAAA", None, "fe80::1%eth0") == "fe80::1"
    assert pick("A", "2001:db8::1", "192.0.2.1") is None
    assert pick("TXT", None, LOOPBACK) is None


@on_loop
async def test_a_client_that_does_not_read_is_dropped() -> None:
    async with running(Memories()) as engine:
        address = engine.open_dns(NAMES, LOOPBACK, 0)
        asked = ask("gamespy.com")
        framed = struct.pack("!H", len(asked)) + asked
        with socket.create_connection(address) as deaf:
            deaf.setblocking(False)
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            loop = asyncio.get_running_loop()

            async def ask_for_ever() -> None:
                while True:
                    await loop.sock_sendall(deaf, framed * 200)

            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                await ask_for_ever()
        await until(lambda: not any(one.busy for one in engine._listeners))
        assert read(await query(address, asked))[1] == [LOOPBACK]


def test_a_long_answer_is_asked_for_by_tcp() -> None:
    """Else one query that lies about where it is from makes much of little."""
    asked = ask("www.example.org")
    short = asked[:2] + b"\x81\x80" + asked[4:] + bytes(dns_codec.LONGEST_DATAGRAM - len(asked))
    assert dns_codec.fitting(asked, short) == short
    cut = dns_codec.fitting(asked, short + b"x")
    assert cut == asked[:2] + b"\x83\x80" + asked[4:]
    for odd in (asked[:12], asked[:12] + b"\xff", b""):
        assert len(dns_codec.fitting(odd, bytes(9999))) <= 12 + len(odd)
