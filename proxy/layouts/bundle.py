"""Bundles: numbered messages, newest first, of which every datagram repeats the last ones.

    u8   count
    count times: u16le number, u16le length, u8 tag, body        length = tag + body

The framing of Kaillera (kaillera 2), with nothing of its messages: those are in tables. Beside it
is what tells the messages of a direction that are new from those that were seen before.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

import msgspec

from proxy.layouts.codec import U8, Misfit, Rest, Struct
from proxy.message import FieldError, Message, split_path
from recordings.model import Json, Span


class Unknown(Struct):
    """A message of a tag that is not known, or not in this direction."""

    type: U8
    body: Annotated[bytes, Rest()]


HEAD = struct.Struct("<HHB")  # number, length, type


_unpack, _head = HEAD.unpack_from, HEAD.pack
_ONE = struct.Struct("B").pack
_UNKNOWN = struct.Struct("<HH").pack


def heads(data: bytes) -> list[tuple[int, int, int, int]]:
    """Number, tag, start and end of the body of every message; raises WireError."""
    end, offset = len(data), 1
    if not end or not data[0]:
        raise Misfit("Bundle.messages", 0, "there is no message")
    if data[0] == 1 and end > HEAD.size:  # the commonest: one message that fills the datagram
        number, length, tag = _unpack(data, 1)
        if length + 5 == end and length:
            return [(number, tag, 6, end)]
    found = []
    for index in range(data[0]):
        if end - offset < HEAD.size:
            fact = f"needs {HEAD.size} bytes, {end - offset} left"
            raise Misfit(f"Bundle.messages[{index}]", offset, fact)
        number, length, tag = HEAD.unpack_from(data, offset)
        stop = offset + 4 + length
        if stop > end:
            fact = f"needs {length + 4} bytes, {end - offset} left"
            raise Misfit(f"Bundle.messages[{index}]", offset, fact)
        if not length:
            fact = "a length of 0 leaves no room for the type"
            raise Misfit(f"Bundle.messages[{index}]", offset, fact)
        found.append((number, tag, offset + 5, stop))
        offset = stop
    if offset != end:
        raise Misfit("Bundle", offset, f"{end - offset} bytes left over")
    return found


class Numbered(msgspec.Struct, frozen=True):
    """A message of a bundle with its number."""

    number: int
    message: Struct

    def write(self) -> bytes:
        """Header and body."""
        message = self.message
        body = message.encode()
        if message.__class__ is Unknown:
            return _UNKNOWN(self.number, len(body)) + body
        return _head(self.number, len(body) + 1, message.tag) + body


class Bundle(Message):
    """A datagram of numbered messages, newest first.

    `lead` is the place of the message that gives the bundle its kind: the newest one that was not
    seen before. A path reaches any message as `messages[1].fields.text`, the lead as `text` alone.
    """

    __slots__ = ("kind", "lead", "messages")

    def __init__(self, messages: tuple[Numbered, ...], lead: int = 0) -> None:
        self.messages = messages
        self.lead = lead
        self.kind = messages[lead].message.kind

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bundle) and other.messages == self.messages

    def __hash__(self) -> int:
        return hash(self.messages)

    def __repr__(self) -> str:
        return f"Bundle({self.messages!r}, {self.lead})"

    @classmethod
    def read(
        cls,
        data: bytes,
        table: Mapping[Hashable, type[Struct]],
        new: Sequence[int] | None = None,
    ) -> Bundle:
        """Read a datagram; `new` are the numbers not seen before. Raises WireError."""
        found: list[Numbered] = []
        places = heads(data)
        try:
            for number, tag, start, stop in places:
                known: type[Struct] | None = table.get(tag)
                body, reached = (
                    known.read(data, start, stop)
                    if known is not None
                    else Unknown.read(data, start - 1, stop)
                )
                if reached != stop:
                    raise Misfit(body.kind, reached, f"{stop - reached} bytes left over")
                found.append(Numbered(number, body))
        except Misfit as error:
            raise error.within(f"Bundle.messages[{len(found)}]") from None
        return cls(tuple(found), _lead(found, new))

    def encode(self) -> bytes:
        return b"".join([_ONE(len(self.messages)), *[one.write() for one in self.messages]])

    def fields(self) -> dict[str, Json]:
        shown = [
            {"number": one.number, "kind": one.message.kind, "fields": one.message.fields()}
            for one in self.messages
        ]
        return {"messages": shown}

    def _place(self, path: str) -> tuple[int, str]:
        """Index of the message that a path speaks of, and the path in there."""
        steps = split_path(path)
        if steps[:1] != ("messages",):
            return self.lead, path
        if len(steps) < 2 or not isinstance(steps[1], int) or steps[1] >= len(self.messages):
            raise FieldError(self.kind, path, self._paths())
        inside = path.partition("]")[2].removeprefix(".")
        if inside in ("", "number", "kind", "fields"):
            return steps[1], f"/{inside}"
        if not inside.startswith("fields."):
            raise FieldError(self.kind, path, self._paths())
        return steps[1], inside.removeprefix("fields.")

    def get(self, path: str) -> Any:
        if path == "messages":
            return self.messages
        index, inside = self._place(path)
        one = self.messages[index]
        if inside.startswith("/"):
            own = {"": one, "number": one.number, "kind": one.message.kind, "fields": one.message}
            return own[inside[1:]]
        return one.message.get(inside)

    def set(self, path: str, value: Any) -> Self:
        index, inside = self._place(path)
        one = self.messages[index]
        if inside == "/number":
            number = int(value, 0) if isinstance(value, str) else int(value)
            if not 0 <= number < 1 << 16:
                raise ValueError(f"{path}: {number} does not fit into 16 bits")
            return self._with(index, (Numbered(number, one.message),))
        if inside == "/kind" and value == one.message.kind:
            return self
        if inside.startswith("/"):
            raise ValueError(f"{path} follows from the message: set one of its fields")
        return self._with(index, (Numbered(one.number, one.message.set(inside, value)),))

    def delete(self, path: str) -> Self:
        index, inside = self._place(path)
        if inside == "/" and len(self.messages) > 1:
            return self._with(index, ())
        if inside.startswith("/"):
            raise FieldError(self.kind, f"{path} that can be left out", ())
        one = self.messages[index]
        return self._with(index, (Numbered(one.number, one.message.delete(inside)),))

    def _with(self, index: int, instead: tuple[Numbered, ...]) -> Self:
        kept = (*self.messages[:index], *instead, *self.messages[index + 1 :])
        return type(self)(kept, min(self.lead, len(kept) - 1))

    def _paths(self) -> list[str]:
        lead = [span.path for span in self.messages[self.lead].message.spans()]
        return [span.path for span in self.spans()] + lead

    def spans(self) -> list[Span]:
        return list(self._spans())

    def _spans(self) -> Iterator[Span]:
        offset = 1
        for index, one in enumerate(self.messages):
            place = f"messages[{index}]"
            yield Span(f"{place}.number", offset, offset + 2)
            start = offset + 4
            if not isinstance(one.message, Unknown):
                yield Span(f"{place}.kind", start, start + 1)
                start += 1
            for span in one.message.spans():
                path = f"{place}.fields.{span.path}"
                yield Span(path, start + span.start, start + span.end)
            offset += len(one.write())


def _lead(messages: list[Numbered], new: Sequence[int] | None) -> int:
    """Place of the newest message not seen before; of the newest when all were."""
    if new and messages[0].number != new[-1]:
        for index, one in enumerate(messages):
            if one.number == new[-1]:
                return index
    return 0


class Numbers:
    """Which messages of one direction are new: 16-bit numbers that wrap."""

    WINDOW = 1000
    """Farther off than this, behind or ahead, the other side has begun anew."""
    MISSING = 64
    """So many numbers that were left out are still waited for."""

    def __init__(self) -> None:
        self.newest: int | None = None
        self.missing: deque[int] = deque(maxlen=self.MISSING)
        self.gaps = 0
        """How often numbers were left out."""

    def take(self, numbers: Collection[int]) -> tuple[list[int], list[int]]:
        """New ones and ones seen before, each from old to new."""
        if self.newest is not None and not self.missing:
            newest, *rest = numbers
            step = (self.newest + 1) & 0xFFFF
            if newest == step:  # the commonest: the next one, and behind it those just before it
                for number in rest:
                    step = (step - 1) & 0xFFFF
                    if number != step:
                        break
                else:
                    self.newest = newest
                    return [newest], rest[::-1]
        given = list(dict.fromkeys(numbers))
        base = self.newest if self.newest is not None else given[0]
        given.sort(key=lambda number: (number - base + 0x8000) & 0xFFFF)
        new: list[int] = []
        seen: list[int] = []
        for number in given:
            (new if self._is_new(number) else seen).append(number)
        return new, seen

    def _is_new(self, number: int) -> bool:
        ahead = 0 if self.newest is None else ((number - self.newest + 0x8000) & 0xFFFF) - 0x8000
        if self.newest is None or not -self.WINDOW < ahead < self.WINDOW:
            self.gaps += self.newest is not None
            self.missing.clear()
        elif ahead > 0:
            self.gaps += ahead > 1
            if ahead > 1:
                self.missing.extend(n & 0xFFFF for n in range(number - ahead + 1, number))
        elif number in self.missing:
            self.missing.remove(number)
            return True
        else:
            return False
        self.newest = number
        return True
