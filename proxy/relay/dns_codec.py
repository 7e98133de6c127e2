"""DNS messages, by mitmproxy's codec: a query in, the bytes of an answer out.

Touched of mitmproxy: `dns.Message`, since version 12 `dns.DNSMessage` (unpack, packed, succeed,
fail, question), `dns.ResourceRecord` (A, AAAA), `net.dns.types`, `net.dns.classes`. A peer's bytes
raise nothing but `BadQuery` here. Formats: RFC 1035.
"""

# mitmproxy is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import Any

from proxy.relay.lean import lean_mitmproxy

with lean_mitmproxy():
    from mitmproxy import dns
    from mitmproxy.net.dns import classes, types

Message: Any = getattr(dns, "DNSMessage", None) or getattr(dns, "Message", None)

HEADER = struct.Struct("!HHHHHH")
FORMERR, SERVFAIL, NOTIMP, REFUSED = 1, 2, 4, 5
"""Codes of an answer that refuses (RFC 1035, 4.1.1)."""
LONGEST_DATAGRAM = 512
"""Bytes of an answer by UDP (RFC 1035, 4.2.1)."""
TRUNCATED = 0x0200
"""The flag of an answer that did not fit."""
LONGEST_NAME = 253
MOST_RECORDS = 16
"""Records that a query may bring along; one (EDNS) is usual."""
TTL = 30
"""Seconds that a client may remember our answer: short, the proxy may be gone tomorrow."""
_CODEC_FAULTS = (struct.error, ValueError, IndexError, RecursionError, OverflowError)


class BadQuery(ValueError):
    """Bytes that are no query; `code` is the answer that they get, None for none."""

    def __init__(self, why: str, code: int | None = FORMERR) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Query:
    """One question."""

    name: str
    """Lower case, without the last dot."""
    type: str
    """`A`, `AAAA`, `MX`, ..."""
    internet: bool
    """Whether it is about the internet class."""
    message: Any


def read(data: bytes) -> Query:
    """The question of a message; raises BadQuery."""
    if len(data) < HEADER.size:
        raise BadQuery(f"{len(data)} bytes are no DNS message", None)
    _, flags, questions, *records = HEADER.unpack_from(data)
    if flags & 0x8000:
        raise BadQuery("an answer, not a query", None)
    if flags >> 11 & 0xF:
        raise BadQuery("not a standard query", NOTIMP)
    if questions != 1 or sum(records) > MOST_RECORDS:
        raise BadQuery(f"{questions} questions and {sum(records)} records")
    try:
        message = Message.unpack(data)
        question = message.question
        name = question.name
        if len(name) > LONGEST_NAME:
            raise BadQuery(f"a name of {len(name)} characters")
        return Query(
            name=name.rstrip(".").lower(),
            type=types.to_str(question.type),
            internet=question.class_ in (classes.IN, classes.ANY),
            message=message,
        )
    except _CODEC_FAULTS as error:
        raise BadQuery(str(error)) from None


def succeed(query: Query, address: str | None) -> bytes:
    """An answer with one address, or with none: the name exists, this type does not."""
    records = []
    if address is not None:
        ip = ipaddress.ip_address(address)
        name = query.message.question.name
        if isinstance(ip, ipaddress.IPv4Address):
            records = [dns.ResourceRecord.A(name, ip, ttl=TTL)]
        else:
            records = [dns.ResourceRecord.AAAA(name, ip, ttl=TTL)]
    answer: bytes = query.message.succeed(records).packed
    return answer


def fitting(query: bytes, answer: bytes) -> bytes:
    """A name server's answer as a datagram: a long one says only that it is to be asked by TCP.

    Where a datagram is from can be lied about, by TCP it cannot: who is flooded with answers that
    he never asked for gets no long ones from us.
    """
    if len(answer) <= LONGEST_DATAGRAM:
        return answer
    end = HEADER.size
    while end < len(query) and query[end]:
        end += 1 + query[end]
    number, flags, *_ = HEADER.unpack_from(answer)
    asked = query[HEADER.size : end + 5]
    return HEADER.pack(number, flags | TRUNCATED, 1, 0, 0, 0) + asked


def fail(data: bytes, code: int) -> bytes:
    """An answer that says only why there is none."""
    number, flags, questions, *_ = HEADER.unpack_from(data)
    if questions == 1 and code != FORMERR:
        try:
            message = Message.unpack(data)
            failed: bytes = message.fail(code).packed
        except _CODEC_FAULTS:
            pass
        else:
            return failed
    return HEADER.pack(number, 0x8000 | flags & 0x7900 | code, 0, 0, 0, 0)
