"""How the text of one value is shown, where it hides something: obfuscated, or a list in itself.

A value is shown decoded only if that gives back the very text on the wire; else it stays as it is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from recordings.model import Json


class Value:
    """Base: what a value's text means. `read` gives None for a text that means nothing more."""

    def read(self, text: str) -> Json | None:
        """What is shown for the text; a dict is addressed by `KEY.NAME`. May raise ValueError."""
        raise NotImplementedError

    def write(self, shown: Json) -> str:
        """The text on the wire; raises ValueError for what cannot be written."""
        raise NotImplementedError

    def parts(self, text: str) -> list[tuple[str, int, int]]:
        """Name, start and end of each part within the text, where parts keep their text."""
        return []

    def show(self, text: str) -> Json:
        """What is shown: decoded if that is exact, else the text itself."""
        try:
            shown = self.read(text)
            if shown is not None and self.write(shown) == text:
                return shown
        except (ValueError, LookupError, TypeError, OverflowError):
            pass
        return text

    def to_wire(self, value: Json) -> str:
        """The text for a value that somebody sets; text for a value of parts is taken as it is."""
        return self.write(value)


@dataclass(frozen=True)
class Separated(Value):
    """Names and values in turn, each behind a separator: `|s|1|ss|Playing`.

    A bare list of names (no values) is what `getpd` asks by; it stays text.
    """

    separator: str
    start: tuple[str, ...] = ()
    """The text must begin with the separator and one of these names; any, when empty."""
    end: str = ""
    """What must follow the last value."""

    def read(self, text: str) -> Json | None:
        if not text.endswith(self.end):
            return None
        tokens = text[: len(text) - len(self.end)].split(self.separator)
        if tokens[0] or len(tokens) < 3 or not len(tokens) % 2:
            return None
        if self.start and tokens[1] not in self.start:
            return None
        return dict(zip(tokens[1::2], tokens[2::2], strict=True))

    def write(self, shown: Json) -> str:
        if not isinstance(shown, Mapping):
            raise ValueError("needs named parts")
        pairs = (f"{self.separator}{name}{self.separator}{value}" for name, value in shown.items())
        return "".join(pairs) + self.end

    def parts(self, text: str) -> list[tuple[str, int, int]]:
        found, at = [], 0
        tokens = text[: len(text) - len(self.end)].split(self.separator)
        for index, token in enumerate(tokens):
            if index and not index % 2:
                found.append((tokens[index - 1], at, at + len(token)))
            at += len(token) + len(self.separator)
        return found

    def to_wire(self, value: Json) -> str:
        return value if isinstance(value, str) else self.write(value)


@dataclass(frozen=True)
class DecimalAddress(Value):
    """An IPv4 address as a decimal number: 127.0.0.1 is 16777343 read little-endian."""

    order: Literal["little", "big"] = "little"

    def read(self, text: str) -> Json | None:
        if not text.isascii() or not text.isdigit() or len(text) > 10:
            return None
        return str(ipaddress.IPv4Address(int(text).to_bytes(4, self.order)))

    def write(self, shown: Json) -> str:
        return str(int.from_bytes(ipaddress.IPv4Address(shown).packed, self.order))
