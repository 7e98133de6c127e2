"""Wire types of QR2: groups of key ids, lists of texts, the parts of a challenge (gamespy 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from proxy.layouts.layout import Misfit, Steps, Wire
from proxy.layouts.qr2_keys import LEAF, nul_text
from recordings.model import Json

_NAMES = (
    "hostname gamename gamever hostport mapname gametype gamevariant numplayers numteams "
    "maxplayers gamemode teamplay fraglimit teamfraglimit timeelapsed timelimit roundtime "
    "roundelapsed password groupid player_ score_ skill_ ping_ team_ deaths_ pid_ team_t score_t "
    "nn_groupid country region"
)
KEY_NAMES = tuple(_NAMES.split())
"""Names of the key ids 1 to 32; 50 to 253 are the game's own."""
KEY_IDS = {name: number for number, name in enumerate(KEY_NAMES, 1)}
ALL = 0xFF
"""In the place of a count: all keys."""


def key_name(number: int) -> str:
    """The name of a key id; `key50` for one of the game's own."""
    return KEY_NAMES[number - 1] if 0 < number <= len(KEY_NAMES) else f"key{number}"


class Ids(Wire):
    """A count and as many key ids, or FF for all. The value is a tuple of numbers, None: all."""

    name = "u8 count, key ids; FF: all"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        if offset >= end:
            raise Misfit("", offset, "needs 1 bytes, 0 left")
        count, start = data[offset], offset + 1
        if count == ALL:
            return None, start
        if end - start < count:
            raise Misfit("", start, f"needs {count} bytes, {end - start} left")
        return tuple(data[start : start + count]), start + count

    def write(self, value: Any) -> bytes:
        return b"\xff" if value is None else bytes((len(value), *value))

    def show(self, value: Any) -> Json:
        return "all" if value is None else [key_name(number) for number in value]

    def parse(self, value: Any) -> Any:
        if value is None or value == "all":
            return None
        if isinstance(value, str):
            value = msgspec.json.decode(value)
        return tuple(_key_id(one) for one in value)

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        if value is None or not isinstance(step, int):
            raise LookupError(step)
        return LEAF, key_name(value[step])

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if not steps:
            return super().put(value, steps, new)
        at = steps[0]
        if len(steps) > 1 or value is None or not isinstance(at, int) or at >= len(value):
            raise LookupError(at)
        return (*value[:at], _key_id(new), *value[at + 1 :])

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        if value is None:
            yield path, start, start + 1
        for at, _ in enumerate(value or ()):
            yield f"{path}[{at}]", start + 1 + at, start + 2 + at


def _key_id(value: Any) -> int:
    text = str(value)
    number = KEY_IDS.get(text) or int(text.removeprefix("key"), 0)
    if not 0 <= number < 255:
        raise ValueError(f"{value!r} is no key: use its name, or a number from 1 to 254")
    return number


class Texts(Wire):
    """Texts to the end, each ended by a NUL (the last one perhaps not)."""

    name = "list of text, NUL"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return tuple(data[offset:end].decode("latin-1").split("\0")), end

    def write(self, value: Any) -> bytes:
        return b"\0".join(nul_text(text)[:-1] for text in value)

    def show(self, value: Any) -> Json:
        return list(value)

    def parse(self, value: Any) -> Any:
        return tuple(map(str, msgspec.json.decode(value) if isinstance(value, str) else value))

    def child(self, value: Any, step: str | int) -> tuple[Wire, Any]:
        if not isinstance(step, int):
            raise LookupError(step)
        return LEAF, value[step]

    def put(self, value: Any, steps: Steps, new: Any) -> Any:
        if not steps:
            return super().put(value, steps, new)
        at = steps[0]
        if len(steps) > 1 or not isinstance(at, int) or at >= len(value):
            raise LookupError(at)
        nul_text(new)
        return (*value[:at], str(new), *value[at + 1 :])

    def parts(self, value: Any, path: str, start: int) -> Iterator[tuple[str, int, int]]:
        for number, text in enumerate(value):
            yield f"{path}[{number}]", start, start + len(text)
            start += len(text) + 1


class Before(Wire):
    """Text up to `distance` bytes before the next NUL."""

    def __init__(self, distance: int) -> None:
        self.distance, self.name = distance, f"text up to {distance} bytes before the NUL"

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        stop = data.find(0, offset, end) - self.distance
        if stop < offset:
            raise Misfit("", offset, f"fewer than {self.distance} bytes and a NUL")
        return data[offset:stop].decode("latin-1"), stop

    def write(self, value: Any) -> bytes:
        return nul_text(value)[:-1]

    def parse(self, value: Any) -> Any:
        return str(value)


class HexAddress(Wire):
    """An IPv4 address as eight upper-case hex digits."""

    name, code, loads = "IPv4 address in 8 hex digits", "8s", True

    def load(self, value: Any) -> Any:
        return ".".join(map(str, bytes.fromhex(value.decode("latin-1"))))

    def dump(self, value: Any) -> Any:
        parts = value.split(".")
        if len(parts) != 4:
            raise ValueError(f"{value!r} is no IPv4 address")
        return bytes(map(int, parts)).hex().upper().encode()

    def parse(self, value: Any) -> Any:
        return str(value).strip()


class HexNumber(Wire):
    """A number as upper-case hex digits."""

    loads = True

    def __init__(self, digits: int) -> None:
        self.digits, self.code, self.name = digits, f"{digits}s", f"number in {digits} hex digits"

    def load(self, value: Any) -> Any:
        return int(value, 16)

    def dump(self, value: Any) -> Any:
        written = b"%0*X" % (self.digits, value)
        if value < 0 or len(written) > self.digits:
            raise ValueError(f"{value} does not fit in {self.digits} hex digits")
        return written

    def parse(self, value: Any) -> Any:
        return int(str(value), 0)
