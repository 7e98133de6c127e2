"""Where the fields of an HTTP message lie in its bytes, and how each is read and written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus

from proxy.layouts import soap
from proxy.message import WireError
from recordings.model import Json


def _to_int(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _text(data: bytes) -> str:
    return data.decode("utf-8")


def _hex_bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray) else bytes.fromhex(str(value))


def _fixed(width: int) -> Callable[[Any], bytes]:
    def write(value: Any) -> bytes:
        number = int(str(value), 0)
        if not 0 <= number < 1 << 8 * width:
            raise ValueError(f"{value!r} does not fit in {width} bytes")
        return number.to_bytes(width, "big")

    return write


def _number(value: Any) -> bytes:
    return str(int(str(value), 0)).encode()


CODECS: dict[str, tuple[Callable[[bytes], Json], Callable[[Any], bytes]]] = {
    "latin": (lambda data: data.decode("latin-1"), lambda value: str(value).encode("latin-1")),
    "text": (_text, lambda value: str(value).encode("utf-8")),
    "percent": (lambda d: unquote_plus(d.decode("latin-1")), lambda v: quote_plus(str(v)).encode()),
    "xml": (soap.unescape, lambda value: soap.escape(str(value))),
    "hex": (lambda data: data.hex(), _hex_bytes),
    "number": (lambda data: int(data), _number),
    "u16": (_to_int, _fixed(2)),
    "u32": (_to_int, _fixed(4)),
}
"""How a place is read and written."""


class Slot(NamedTuple):
    """Bytes `start` to `end` hold the field `path`, read and written by the codec of that name."""

    path: str
    start: int
    end: int
    codec: str = "latin"


@dataclass(frozen=True, slots=True)
class Head:
    """Start line and headers of a message."""

    method: str
    """Of a request; empty for a response."""
    target: str
    """Of a request; of a response what was asked, empty when that was not seen."""
    status: int
    """Of a response; 0 for a request."""
    headers: tuple[tuple[str, str], ...]
    end: int
    """Bytes up to the empty line."""
    size: int
    """Bytes up to the body."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return self.header("Transfer-Encoding").strip().lower() == "chunked"

    def header(self, name: str) -> str:
        """The first header of that name, in any case; empty when there is none."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), "")


_LINE = re.compile(rb"([^\r\n]*)\r?\n")
_REQUEST = re.compile(rb"(?P<method>\S+) (?P<path>[^\s?]+)(?:\?(?P<query>\S*))? (?P<version>\S+)$")
_RESPONSE = re.compile(rb"(?P<version>\S+) (?P<status>\d{3})(?: (?P<reason>.*))?$")
_NAME = re.compile(r"[\w\-]+", re.ASCII)
TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-z|~]+")


def read_head(raw: bytes, asked: str) -> tuple[list[Slot], Head]:
    """Places in start line and headers, and what they say; `asked` is what a response answers.

    Raises WireError.
    """
    first = _LINE.match(raw)
    if first is None:
        raise WireError("HTTP, byte 0: no whole line")
    slots = _start_line(first[1])
    found = {slot.path: raw[slot.start : slot.end].decode("latin-1") for slot in slots}
    headers: list[tuple[str, int, int]] = []
    place = first.end()
    while (line := _LINE.match(raw, place)) is not None and line[1]:
        name, colon, value = line[1].partition(b":")
        if colon and name and not set(name) & set(b" \t"):
            start = place + len(line[1]) - len(value.lstrip(b" \t"))
            end = max(start, place + len(line[1].rstrip(b" \t")))
            headers.append((name.decode("latin-1"), start, end))
        elif headers and line[1][:1] in b" \t":
            headers[-1] = (*headers[-1][:2], line.end(1))  # a value that goes on
        else:
            raise WireError(f"HTTP.headers, byte {place}: a line without a name")
        place = line.end()
    if line is None:
        raise WireError(f"HTTP.headers, byte {place}: no empty line behind them")
    indices = _indices([name for name, _, _ in headers])
    for (name, start, end), index in zip(headers, indices, strict=True):
        if TOKEN.fullmatch(name) and "." not in name:
            slots.append(Slot(f"headers.{name}{index}", start, end))
    pairs = tuple((name, raw[a:b].decode("latin-1")) for name, a, b in headers)
    target = first[1].split()[1].decode("latin-1") if "method" in found else asked
    status = int(found.get("status", 0))
    return slots, Head(found.get("method", ""), target, status, pairs, place, line.end())


def _indices(names: list[str]) -> list[str]:
    """`[1]` for the second of several equal names, nothing for a single one."""
    often, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        found.append(f"[{seen[name]}]" if often[name] > 1 else "")
        seen[name] += 1
    return found


def _start_line(line: bytes) -> list[Slot]:
    match = _RESPONSE.match(line) if line[:5] == b"HTTP/" else _REQUEST.match(line)
    if match is None:
        raise WireError("HTTP, byte 0: no request line and no status line")
    slots: list[Slot] = []
    for name, value in match.groupdict().items():
        start, end = match.span(name)
        if name == "query" and value:
            slots += _query(value.decode("latin-1"), start)
        elif value is not None:
            slots.append(Slot(name, start, end, "number" if name == "status" else "latin"))
    return slots


def _query(text: str, start: int) -> list[Slot]:
    """One place per parameter, or one for the whole where that has no such form."""
    parts = [part.partition("=") for part in text.split("&")]
    names = [name for name, _, _ in parts]
    if not all(equals and _NAME.fullmatch(name) for name, equals, _ in parts):
        return [Slot("query", start, start + len(text))]
    slots = []
    for (name, _, value), index in zip(parts, _indices(names), strict=True):
        start += len(name) + 1
        slots.append(Slot(f"query.{name}{index}", start, start + len(value), "percent"))
        start += len(value) + 1
    return slots


def body_chunks(raw: bytes, head: Head) -> list[tuple[int, int]]:
    """Where the bytes of the body lie; raises WireError for chunks that do not add up."""
    if not head.chunked:
        return [(head.size, len(raw))]
    found: list[tuple[int, int]] = []
    place = head.size
    while True:
        line = _LINE.match(raw, place)
        if line is None:
            raise WireError(f"HTTP.body, byte {place}: no chunk size")
        size = int(line[1].partition(b";")[0], 16)
        start, end = line.end(), line.end() + size
        if size <= 0:
            return found or [(place, place)]
        if end > len(raw):
            raise WireError(f"HTTP.body, byte {start}: needs {size} bytes, {len(raw) - start} left")
        found.append((start, end))
        ending = _LINE.match(raw, end)
        place = end if ending is None else ending.end()
