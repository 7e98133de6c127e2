"""What a person looks for in a recording: a text, or bytes written as hex.

`alice` is looked for in kinds, in fields and in the clear bytes; `hex:de ad ?? ef` only in the
bytes, `??` standing for any one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from recordings.errors import UserError
from recordings.filters import CLEAR, Where

LONGEST = 1_000
"""Characters of what is looked for."""
HEX = re.compile(r"(?:hex:|0x)\s*(.*)", re.IGNORECASE | re.DOTALL)
_PAIR = re.compile(r"[0-9a-fA-F]{2}|\?\?")
_GAPS = re.compile(r"[\s:,-]+")


@dataclass(frozen=True, slots=True)
class Needle:
    """A text, or a pattern of bytes (None: any byte). Use `Needle.parse`."""

    text: str
    pattern: tuple[int | None, ...] | None = None

    @classmethod
    def parse(cls, said: str) -> Needle:
        """Read what the user wrote; raises UserError."""
        if not said.strip():
            raise UserError("there is nothing to look for: write a text, or hex:DE AD BE EF")
        if len(said) > LONGEST:
            raise UserError(f"{len(said)} characters are too many to look for: {LONGEST} at most")
        found = HEX.fullmatch(said.strip())
        if found is None:
            return cls(said)
        digits = _GAPS.sub("", found[1])
        pairs = _PAIR.findall(digits)
        if not pairs or "".join(pairs) != digits:
            raise UserError(
                f"{said[:60]!r} is no pattern of bytes: write two digits for each byte and ?? for "
                "any, hex:DE AD ?? EF"
            )
        return cls(said, tuple(None if pair == "??" else int(pair, 16) for pair in pairs))

    @property
    def where(self) -> Where:
        """The frames that hold it, for a search of all of them."""
        if self.pattern is not None:
            if None not in self.pattern:
                data = bytes(byte for byte in self.pattern if byte is not None)
                return Where(f"instr({CLEAR}, ?)", [data])
            return Where(f"{CLEAR} REGEXP ?", [self.regex])
        like = "%" + re.sub(r"([%_\\])", r"\\\1", self.text) + "%"
        sql = (
            f"(IFNULL(frames.kind LIKE ? ESCAPE '\\', 0) OR "
            f"IFNULL(frames.fields LIKE ? ESCAPE '\\', 0) OR IFNULL(instr({CLEAR}, ?), 0))"
        )
        data = self.text.encode("utf-8", "surrogateescape")
        return Where(sql, [like, like, data])

    @property
    def regex(self) -> str:
        """The pattern of bytes as a regular expression that minds the case of letters."""
        bytes_ = ("." if b is None else f"\\x{b:02x}" for b in self.pattern or ())
        return f"(?s-i:{''.join(bytes_)})"

    def inside(self, data: bytes) -> int:
        """Where bytes hold it, -1 when they do not."""
        if self.pattern is None:
            return data.lower().find(self.text.encode("utf-8", "surrogateescape").lower())
        expression = b"".join(b"." if b is None else re.escape(bytes([b])) for b in self.pattern)
        found = re.search(expression, data, re.DOTALL)
        return found.start() if found else -1
