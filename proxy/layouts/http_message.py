"""What an HTTP request or response says: a table of places over its own bytes.

A message keeps the frame as it came, and each field is a place in it, with a path and a way to read
and write it; so what is not touched stays as it was sent, to the last space. Setting a field of the
body renews the Content-Length, or the chunks.

    view_frame = partial(read_message, kind=my_kind, body=my_body)

where `my_kind(head, body)` names the message and `my_body(head, body)` lists the places in its
body; `plain_body` and `soap_body` are two of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

from proxy.dissector import PEER_FAULTS
from proxy.layouts import soap
from proxy.layouts.http_places import CODECS, TOKEN, Head, Slot, body_chunks, read_head
from proxy.message import FieldError, Message, split_path
from recordings.model import Frame, Json, Span

KindOf = Callable[[Head, bytes], str]
SlotsOf = Callable[[Head, bytes], list[Slot]]


def plain_body(head: Head, body: bytes) -> list[Slot]:
    """One field, `body`: text when it is text, else hex."""
    if not body:
        return []
    try:
        readable = "\0" not in body.decode("utf-8")
    except UnicodeDecodeError:
        readable = False
    return [Slot("body", 0, len(body), "text" if readable else "hex")]


def soap_body(head: Head, body: bytes) -> list[Slot]:
    """The elements of a SOAP call (or of any XML) below `body`, and `tail` for what follows it."""
    if not soap.looks_like_xml(body):
        return plain_body(head, body)
    root, end = soap.parse(body)
    element = soap.operation(root) or root
    leaves = soap.leaves(element, "body") if element.children else [("body", element)]
    slots = [Slot(path, leaf.start, leaf.end, "xml") for path, leaf in leaves if leaf.closed]
    if body[end:].strip():
        slots.append(Slot("tail", end, len(body), "hex"))
    return slots


def read_message(frame: Frame, kind: KindOf, body: SlotsOf = plain_body) -> HttpMessage:
    """View a frame of `HttpDissector`; raises WireError."""
    asked = (frame.derived or {}).get("request") or {}
    return HttpMessage(frame.clear, kind, body, str(asked.get("target", "")))


class HttpMessage(Message):
    """A request (`method path query version`) or a response (`version status reason`).

    Then `headers` and what the protocol finds in the body. What comes twice is a list.
    """

    __slots__ = (
        "_asked",
        "_body",
        "_chunks",
        "_inside",
        "_outside",
        "_raw",
        "_ways",
        "head",
        "kind",
    )

    def __init__(self, raw: bytes, kind: KindOf, body: SlotsOf, asked: str = "") -> None:
        self._raw, self._asked, self._ways = raw, asked, (kind, body)
        outside, self.head = read_head(raw, asked)
        self._chunks = body_chunks(raw, self.head)
        self._body = b"".join(raw[start:end] for start, end in self._chunks)
        self.kind = kind(self.head, self._body)
        self._outside = {slot.path: slot for slot in outside}
        self._inside = {slot.path: slot for slot in self._read_body(body)}

    def _read_body(self, body: SlotsOf) -> list[Slot]:
        """The places in the body; a body that is not what it should be is one place."""
        try:
            slots = body(self.head, self._body)
            for slot in slots:
                CODECS[slot.codec][0](self._body[slot.start : slot.end])
        except PEER_FAULTS:
            return plain_body(self.head, self._body)
        return slots

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HttpMessage) and other._raw == self._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return f"HttpMessage({self.kind}, {self._raw!r})"

    def encode(self) -> bytes:
        return self._raw

    def fields(self) -> dict[str, Json]:
        tree: dict[str, Json] = {}
        for path in (*self._outside, *self._inside):
            _plant(tree, split_path(path), self._value(path))
        return tree

    def _value(self, path: str) -> Json:
        slot = self._inside.get(path)
        data = self._raw if slot is None else self._body
        slot = slot or self._outside[path]
        return CODECS[slot.codec][0](data[slot.start : slot.end])

    def get(self, path: str) -> Any:
        if path in self._outside or path in self._inside:
            return self._value(path)
        node: Any = self.fields()
        try:
            for step in split_path(path):
                node = node[step]
        except (LookupError, TypeError):
            raise self._unknown(path) from None
        return node

    def _unknown(self, path: str) -> FieldError:
        return FieldError(self.kind, path, (*self._outside, *self._inside))

    def set(self, path: str, value: Any) -> Self:
        slot = self._inside.get(path)
        if slot is not None:
            written = CODECS[slot.codec][1](value)
            return self._again(self._around([(slot, written)]))
        slot = self._outside.get(path)
        if slot is None:
            return self._add_header(path, value)
        written = CODECS[slot.codec][1](value)
        return self._again(self._raw[: slot.start] + written + self._raw[slot.end :])

    def set_all(self, values: Mapping[str, Any]) -> Self:
        """At once: after each change the body is read anew, and a list of servers is long."""
        edits = [
            (slot, CODECS[slot.codec][1](value))
            for path, value in values.items()
            if (slot := self._inside.get(path)) is not None
        ]
        edits.sort(key=lambda edit: edit[0].start)
        if any(one.end > after.start for (one, _), (after, _) in pairwise(edits)):
            return super().set_all(values)
        changed = self._again(self._around(edits)) if edits else self
        for path, value in values.items():
            if path not in self._inside:
                changed = changed.set(path, value)
        return changed

    def _add_header(self, path: str, value: Any) -> Self:
        group, _, name = path.partition(".")
        if group != "headers" or not TOKEN.fullmatch(name):
            raise self._unknown(path)
        end = self.head.end
        line = f"{name}: {value}\r\n".encode("latin-1")
        return self._again(self._raw[:end] + line + self._raw[end:])

    def delete(self, path: str) -> Self:
        slot = self._outside.get(path)
        if slot is None or not path.startswith("headers."):
            raise self._unknown(path)
        start = self._raw.rfind(b"\n", 0, slot.start) + 1
        return self._again(self._raw[:start] + self._raw[self._raw.find(b"\n", slot.end) + 1 :])

    def _again(self, raw: bytes) -> Self:
        try:
            return type(self)(raw, *self._ways, self._asked)
        except PEER_FAULTS as error:
            raise ValueError(f"{self.kind}: that value breaks the message: {error}") from error

    def _around(self, edits: Sequence[tuple[Slot, bytes]]) -> bytes:
        """The whole message around a body in which places are written anew, in order."""
        parts, done = [], 0
        for slot, written in edits:
            parts += [self._body[done : slot.start], written]
            done = slot.end
        body = b"".join(parts) + self._body[done:]
        head = self._raw[: self.head.size]
        if self.head.chunked:
            return head + b"%x\r\n%b" % (len(body), body) + self._raw[self._chunks[-1][1] :]
        for path, place in self._outside.items():
            if path.lower() == "headers.content-length":
                head = head[: place.start] + b"%d" % len(body) + head[place.end :]
        return head + body

    def spans(self) -> list[Span]:
        spans = [Span(path, slot.start, slot.end) for path, slot in self._outside.items()]
        for path, slot in self._inside.items():
            passed = 0
            for first, last in self._chunks:
                by = first - passed
                passed += last - first
                if slot.start + by >= first and slot.end + by <= last:
                    spans.append(Span(path, slot.start + by, slot.end + by))
                    break  # what is spread over several chunks has no span
        return spans


def _plant(tree: dict[str, Json], steps: tuple[str | int, ...], value: Json) -> None:
    """Put a value into nested dicts and lists; indices come in order."""
    node: Any = tree
    for step, after in zip(steps, (*steps[1:], None), strict=True):
        fresh: Json = value if after is None else [] if isinstance(after, int) else {}
        if isinstance(node, list):
            node += [fresh] * (len(node) == step)
        elif step not in node:
            node[step] = fresh
        node = node[step]
