"""gt2: golden bytes, the real opening with its checks, and what shares the socket."""

from __future__ import annotations

import sys
import timeit
from typing import Any

import pytest

from proxy.keys import SessionKeys
from proxy.layouts.codec import Misfit
from proxy.message import OPAQUE
from proxy.protocols.gamespy_gt2 import PROTOCOLS, Counted, Until
from recordings.model import Direction, Frame
from tests.protocols.harness import ProtocolProperties
from tests.reference import captures
from tests.vectors.gamespy_gt2 import VECTORS

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
UNTRACED = pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer makes it slow")


class TestGt2(ProtocolProperties):
    protocol = PROTOCOLS[0]
    vectors = VECTORS


def _real() -> list[Any]:
    return [one for one in captures("gamespy")["frames"] if one["server"] == "gt2 transport"]


def test_every_real_datagram_is_read_and_the_answers_fit() -> None:
    machine = PROTOCOLS[0].dissector(SessionKeys())
    kinds, checks = [], []
    for number, entry in enumerate(_real()):
        raw = bytes.fromhex(entry["hex"])
        (frame,) = machine.feed(DOWN if number in (1, 3) else UP, raw, 1)
        message = PROTOCOLS[0].view(frame)
        assert message.kind != OPAQUE, entry["name"]
        assert message.encode() == raw
        kinds.append(message.kind)
        checks.append((frame.derived or {}).get("checks"))
    assert kinds[:7] == [
        "ClientChallenge",
        "ServerChallenge",
        "ClientResponse",
        "Accept",
        "Ping",
        "AppData",
        "Pong",
    ]
    assert checks[:4] == [
        {"challenge": "ok"},
        {"response": "ok", "challenge": "ok"},
        {"response": "ok"},
        None,
    ]


@pytest.mark.parametrize(
    ("raw", "owner"),
    [
        (bytes.fromhex("fdfc1e666ab203000000029a"), "gamespy-natneg"),
        (bytes.fromhex("fefd0100000000"), "gamespy-query"),
        (b"data", None),
    ],
)
def test_what_shares_the_socket_is_named(raw: bytes, owner: str | None) -> None:
    (frame,) = PROTOCOLS[0].dissector(SessionKeys()).feed(UP, raw, 1)
    assert frame.protocol == owner


def test_text_up_to_a_mark() -> None:
    with pytest.raises(Misfit, match="no ; ends the text"):
        Until(";").read(b"abc", 0, 3)
    with pytest.raises(ValueError, match="holds the mark"):
        Until(";").write("a;b")


@pytest.mark.parametrize("data", [b"5\\msg\\", b"x\\msg\\\na\0", b"9\\msg\\\na\0", b"1\\msg\\\nab"])
def test_counted_data_that_does_not_fit(data: bytes) -> None:
    with pytest.raises(Misfit):
        Counted().read(data, 0, len(data))


@UNTRACED
def test_a_view_takes_at_most_ten_microseconds() -> None:
    frame = Frame(UP, 1, bytes.fromhex("fefe0000030004") + bytes(57))
    best = min(timeit.repeat(lambda: PROTOCOLS[0].view(frame), number=500, repeat=7)) / 500
    assert best < 20e-6  # twice the promise: the machine may be busy


def test_what_is_sealed_is_known_when_it_is_answered() -> None:
    """Whoever speaks through the dissector can check the answer to its own challenge."""
    reply, answer = (
        next(one.raw for one in VECTORS if one.kind == kind and one.checks)
        for kind in ("ServerChallenge", "ClientResponse")
    )
    machine = PROTOCOLS[0].dissector(SessionKeys())
    assert machine.seal(DOWN, reply) == reply
    (frame,) = machine.feed(UP, answer, 1)
    assert frame.derived == {"checks": {"response": "ok"}}
