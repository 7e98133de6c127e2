"""From packets to conversations: who spoke to whom, each stream and datagram in order.

Sans-io: packets in, calls of a `Handler` out. A capture may be made to harm, so that everything is
bounded: conversations at once, bytes that wait, fragments, the time of a packet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from recordings.captures import tcp
from recordings.captures.conversation import Conversation, Handler, Side, ends_of, mirrored
from recordings.captures.ip import TCP, Carried, Fragments, Malformed, carried
from recordings.captures.links import LINKS
from recordings.captures.packet import Packet
from recordings.captures.tcp import ACK, FIN, RST, SYN, Streams
from recordings.model import Transport

MOST_OPEN = 8_192
"""Conversations at once; beyond that the ones that were silent longest are closed."""
MOST_WAITING = 64 << 20
"""Bytes behind holes, of all streams."""
SWEEP = 10_000_000
"""Microseconds of capture time between two looks for conversations that are over."""
LINGER = 60_000_000
"""How long a closed connection is remembered, so that late segments open no new one."""

FAR = 1 << 20
"""Bytes from the end of its stream at which a reset, or what comes late, may be."""

_SEGMENT = struct.Struct(">IIBB").unpack_from


class Flows:
    """Takes the packets of one capture, in order."""

    def __init__(self, handler: Handler) -> None:
        self.packets = self.other = 0
        """Packets taken; those of them that carry neither TCP nor UDP."""
        self._handler = handler
        self._streams = Streams(handler)
        self._fragments = Fragments()
        self._tcp: dict[bytes, Side] = {}
        self._udp: dict[bytes, Side] = {}
        self._latest = 0
        self._swept = 0
        self._until_sweep = 0
        self._number = 0

    def feed(self, packet: Packet) -> None:
        """Take the next packet; never raises for what is in it."""
        number, at, link, data, _, _ = packet
        self.packets += 1
        self._number = number
        if at > self._latest:
            self._latest = at
        find = LINKS.get(link)
        if find is None:
            self.other += 1
            self._trouble(f"it has a link layer that is not known, number {link}", at)
            return
        try:
            start = find(data)
            found = None if start < 0 else carried(data, start, at, self._fragments)
            if found is None:
                self.other += 1
            elif found.protocol == TCP:
                self._take_tcp(found, at)
            else:
                self._take_udp(found, at)
        except Malformed as error:
            self._trouble(f"it has {error}", at)
        self._until_sweep -= 1
        if self._until_sweep < 0:
            self._sweep()

    def finish(self) -> None:
        """The capture is over: so is everything in it."""
        for conversation in list(self._conversations()):
            self._close(conversation, "the capture ends", conversation.last)
        if self._fragments.waiting or self._fragments.lost:
            lost = len(self._fragments.waiting) + self._fragments.lost
            self._trouble(f"{lost} datagrams lack fragments", self._latest)

    def _trouble(self, fact: str, at: int, side: Side | None = None) -> None:
        self._handler.trouble(fact, self._number, side, at)

    def _conversations(self) -> Iterator[Conversation]:
        for table in (self._tcp, self._udp):
            for side in table.values():
                if not side.index:
                    yield side.conversation

    # UDP

    def _take_udp(self, found: Carried, at: int) -> None:
        data, start = found.data, found.start
        size = data[start + 4] << 8 | data[start + 5]
        end = start + size if size else found.end  # 0: too long for the field
        if size and not 8 <= size <= found.end - start:
            raise Malformed(f"a UDP header that says {size} bytes where {found.end - start} are")
        side = self._udp.get(found.key)
        if side is not None:
            conversation = side.conversation
            if at - conversation.last > conversation.idle:
                self._close(conversation, "idle", conversation.last)
            if conversation.closed:
                side = None
        if side is None:
            side = self._open(Transport.UDP, found.key, at)
        conversation = side.conversation
        if at > conversation.last:
            conversation.last = at
        if end > len(data):
            self._trouble(f"{end - len(data)} of its bytes were cut at capture", at, side)
        self._handler.data(side, data[start + 8 : end], at)

    # TCP

    def _take_tcp(self, found: Carried, at: int) -> None:
        data, start = found.data, found.start
        if len(data) - start < 14:
            raise Malformed(f"{len(data) - start} bytes of a TCP header")
        seq, ack, words, flags = _SEGMENT(data, start + 4)
        body = start + (words >> 4) * 4
        if body < start + 20 or body > found.end:
            raise Malformed(f"a TCP header of {(words >> 4) * 4} bytes")
        payload = data[body : found.end]
        side = self._tcp.get(found.key)
        if side is not None and at - side.conversation.last > LINGER:
            side = self._after_silence(side, found.key, flags)
        if side is None or flags & SYN or side.conversation.closed:
            side = self._connection(side, found.key, seq, flags, payload, at)
            if side is None:
                return
        conversation = side.conversation
        if at > conversation.last:
            conversation.last = at
        if flags & SYN:
            seq = (seq + 1) & tcp.MASK
        if flags & ACK and (side.other.place is None or side.other.pending):
            self._streams.acknowledged(side.other, ack, at)
        if flags & RST:
            self._reset(side, seq, at)
            return
        if payload or flags & (FIN | SYN) or side.place is None or side.pending:
            size = found.end - body
            if size > len(payload):
                fact = f"{size - len(payload)} of its bytes were cut at capture"
                self._trouble(fact, at, side)
            self._streams.segment(side, seq, flags, payload, size, at)
            if self._streams.waiting > MOST_WAITING:
                self._streams.skip(side, at)
            if side.fin == tcp.ENDED == side.other.fin:
                self._close(conversation, "closed", at)

    def _after_silence(self, side: Side, key: bytes, flags: int) -> Side | None:
        """None when a segment after a long silence belongs to another connection.

        Some machines greet with the same number every time.
        """
        conversation = side.conversation
        if not conversation.closed and not flags & SYN:
            return side
        self._close(conversation, "its ports were used again", conversation.last)
        self._tcp.pop(key, None)
        self._tcp.pop(mirrored(key), None)
        return None

    def _connection(
        self, side: Side | None, key: bytes, seq: int, flags: int, payload: bytes, at: int
    ) -> Side | None:
        """The side that a segment of a new, a closed or a greeting connection belongs to."""
        greeting = flags & SYN
        if side is not None:
            conversation = side.conversation
            late = abs(_distance(seq, side)) < FAR or not payload
            if seq == side.first or (not greeting and (late or not conversation.closed)):
                return None if conversation.closed else side  # late, or sent again
            begins = side.place is None or side.place == tcp.BEGIN + ((seq + 1) & tcp.MASK)
            answers = flags & ACK or side.other.first is not None
            if side.first is None and begins and answers and not conversation.closed:
                side.first = seq
                conversation.initiator = side.other.index if flags & ACK else side.index
                return side
            self._close(conversation, "its ports were used again", conversation.last)
            self._tcp.pop(key, None)
            self._tcp.pop(mirrored(key), None)
        if flags & RST or not (greeting or payload):
            return None
        side = self._open(Transport.TCP, key, at)
        if greeting:
            side.first = seq
            side.conversation.initiator = 1 if flags & ACK else 0
        return side

    def _reset(self, side: Side, seq: int, at: int) -> None:
        """A reset counts when it fits the stream; others are made by who wants to disturb."""
        conversation = side.conversation
        if not -1 <= _distance(seq, side) < FAR:
            return
        refused = conversation.initiator == side.other.index and side.first is None
        self._close(conversation, "refused" if refused else "reset", at)

    # All

    def _open(self, transport: Transport, key: bytes, at: int) -> Side:
        table = self._tcp if transport is Transport.TCP else self._udp
        if len(table) >= 2 * MOST_OPEN:
            self._make_room()
        conversation = Conversation(transport, ends_of(key), at)
        table[key] = conversation.sides[0]
        if (back := mirrored(key)) != key:  # somebody may send to itself
            table[back] = conversation.sides[1]
        return conversation.sides[0]

    def _close(self, conversation: Conversation, reason: str, at: int) -> None:
        if conversation.closed is None:
            if conversation.transport is Transport.TCP:
                for side in conversation.sides:
                    self._streams.flush(side, at)
            conversation.closed = reason
            self._handler.closed(conversation, reason, at)

    def _sweep(self) -> None:
        """Close and forget what is over; now and then, so that it costs little a packet."""
        self._until_sweep = 256 + (len(self._tcp) + len(self._udp)) // 4
        if self._latest - self._swept < SWEEP:
            return
        self._swept = latest = self._latest
        for table in (self._tcp, self._udp):
            for key, side in list(table.items()):
                conversation = side.conversation
                silent = latest - conversation.last
                if not conversation.closed and silent > conversation.idle:
                    self._close(conversation, "idle", conversation.last)
                if conversation.closed and silent > LINGER:
                    table.pop(key, None)

    def _make_room(self) -> None:
        """Close and forget a tenth of the conversations, those that were silent longest."""
        for table in (self._tcp, self._udp):
            oldest = sorted(table.items(), key=lambda item: item[1].conversation.last)
            for key, side in oldest[: max(1, len(oldest) // 10)]:
                reason = f"more than {MOST_OPEN:,} are open at once"
                self._close(side.conversation, reason, side.conversation.last)
                table.pop(key, None)


def _distance(seq: int, side: Side) -> int:
    """How far behind what was delivered a segment begins; 0 where nothing was."""
    return 0 if side.place is None else ((seq - side.place + tcp.HALF) & tcp.MASK) - tcp.HALF
