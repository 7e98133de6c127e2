"""Input is named by its place in the cache where the recorded client does so (kaillera 5)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from proxy import registry
from proxy.keys import SessionKeys
from proxy.layouts.bundle import Bundle
from recordings.model import Direction, Frame, Transport
from replay.adaptive.chance import Chance
from replay.adaptive.conversation import Conversation
from replay.adaptive.lines import Line, lines_of
from replay.adaptive.memory import Memory

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
KAILLERA = registry.protocol("kaillera")
START = bytes.fromhex(
    "01"  # one message
    "0000"  # number 0
    "0600"  # length 6
    "11"  # type: start of a game
    "00"  # nobody's name
    "0100"  # delay 1
    "0102"  # player 1 of 2
)


def datagram(number: int, tag: int, body: bytes) -> bytes:
    return b"\x01" + struct.pack("<HHB", number, len(body) + 1, tag) + body


def inputs(values: list[bytes], caches: bool) -> Iterator[tuple[int, bytes]]:
    """Tag and body of each input as a client of the reference says it: 256 places, first in, first
    out, every index moves down when the list is full."""
    sent: list[bytes] = []
    for value in values:
        if caches and value in sent:
            yield 0x13, b"\0" + bytes([sent.index(value)])
            continue
        sent = [*sent[-255:], value]
        yield 0x12, b"\0" + struct.pack("<H", len(value)) + value


def taped(values: list[bytes], caches: bool) -> list[Line]:
    """What a relay recorded of it."""
    dissector = KAILLERA.dissector(SessionKeys(), Transport.UDP)
    frames = dissector.feed(DOWN, START, 1)
    for number, (tag, body) in enumerate(inputs(values, caches)):
        frames += dissector.feed(UP, datagram(number, tag, body), number + 2)
    return [line for line in lines_of(KAILLERA, frames) if line.direction is UP]


def said(lines: list[Line]) -> list[tuple[int, bytes]]:
    """Tag and body of each input that is played, the newest of its datagram."""
    chance = Chance(1, lambda: 1_700_000_000_000_000)
    conversation = Conversation(
        KAILLERA, UP, Memory(SessionKeys()), chance, transport=Transport.UDP
    )
    conversation.hear(START, 1)
    found = []
    for line in lines:
        message = KAILLERA.view(Frame(UP, 1, conversation.say([line], 1).wire))
        assert isinstance(message, Bundle)
        newest = message.messages[0].message
        found.append((int(newest.tag), newest.encode()))
    return found


@pytest.mark.parametrize("caches", [True, False])
def test_input_is_played_as_the_client_would_say_it(caches: bool) -> None:
    """300 different values and then old ones again: some have left the list, all have moved."""
    turn = [bytes([number & 0xFF, number >> 8]) for number in range(300)]
    values = [*turn[:5], *turn, *turn[200:290], *turn[:60], turn[299], turn[299]]
    lines = taped(values, caches)
    assert len(lines) == len(values)
    assert said(lines) == list(inputs(values, caches))


def test_input_that_was_changed_finds_its_own_place() -> None:
    """The list is of what was sent, not of what was recorded."""
    lines = taped([b"aa", b"bb", b"aa", b"cc", b"bb"], True)
    changed = [lines[0], lines[2], lines[3], lines[4], lines[1]]  # bb is not said first
    assert [tag for tag, _ in said(changed)] == [0x12, 0x13, 0x12, 0x12, 0x13]
