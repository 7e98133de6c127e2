"""The values that a recording is made of: the vocabulary of the whole house, as types.

This is the lowest layer. It knows no protocol, no socket and no SQL, so that the dissectors above
and the tables beside it can speak of the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""What `json` can write: None, bool, int, float, str, list and dict of these."""


class Direction(StrEnum):
    """Which way bytes travel. The value is what the database holds."""

    TO_SERVER = "c>s"
    TO_CLIENT = "s>c"

    @property
    def other(self) -> Direction:
        """The opposite direction."""
        return Direction.TO_CLIENT if self is Direction.TO_SERVER else Direction.TO_SERVER

    @classmethod
    def parse(cls, text: str) -> Direction:
        """Read `c>s`, `s>c`, `up` or `down`; raises ValueError for anything else."""
        try:
            return _DIRECTION_WORDS[text.strip().lower()]
        except KeyError:
            raise ValueError(f"{text!r} is no direction: use up (c>s) or down (s>c)") from None


_DIRECTION_WORDS = {
    "c>s": Direction.TO_SERVER,
    "up": Direction.TO_SERVER,
    "s>c": Direction.TO_CLIENT,
    "down": Direction.TO_CLIENT,
}


class Transport(StrEnum):
    """What carries a flow."""

    TCP = "tcp"
    UDP = "udp"


class Origin(StrEnum):
    """How a session came into the recording."""

    RECORD = "record"
    IMPORT = "import"
    PLAYBACK = "playback"
    STAND_IN = "stand-in"


class Action(StrEnum):
    """What was done to a frame on its way; no action is None."""

    CHANGED = "changed"
    DROPPED = "dropped"
    INSERTED = "inserted"
    DUPLICATED = "duplicated"
    DELAYED = "delayed"


@dataclass(slots=True, frozen=True)
class Key:
    """A secret or nonce that a cipher, hash or challenge of a session depends on."""

    name: str
    """`skey`, `mask`, `enctypex.server`: what the protocol calls it."""
    key: bytes
    cipher: str | None = None
    """What it keys (`ssc2`, `rc4+md5-v2`), None for a bare nonce."""
    direction: Direction | None = None
    """The direction that it keys, None for both."""
    source: str = "seen"
    """`seen` on the wire, `given` by the user, `learned` from several frames."""


@dataclass(slots=True)
class Frame:
    """One unit cut from a flow: a datagram, or one length- or mark-delimited record.

    A dissector fills the first block, the relay and the store the second.
    """

    direction: Direction
    at: int
    """Unix time in microseconds at which the chunk that completed the frame arrived."""
    raw: bytes | None
    """The exact bytes on the wire; None for a frame that we inserted."""
    plain: bytes | None = None
    """The same after deciphering; None when that is `raw` itself."""
    cipher: str | None = None
    """What made `plain` out of `raw`."""
    error: str | None = None
    """Why the frame cannot be viewed, or what is wrong with it."""
    protocol: str | None = None
    """The frame's own protocol when it differs from the flow's."""
    derived: dict[str, Json] | None = None
    """What the dissector knows beyond the bytes: results of checks, resolved cache slots."""
    keys: tuple[Key, ...] = ()
    """Keys that this frame gave away."""

    sent: bytes | None = None
    """What was forwarded when it differs from `raw`."""
    action: Action | None = None
    kind: str | None = None
    fields: str | None = None
    """The view at record time as JSON text."""
    number: int = 0
    """Counts from 1 per flow, both directions."""
    flow_id: int = 0
    id: int = 0

    @property
    def clear(self) -> bytes:
        """The bytes to read: `plain`, else `raw`, else what we inserted."""
        if self.plain is not None:
            return self.plain
        if self.raw is not None:
            return self.raw
        return self.sent or b""


@dataclass(slots=True, frozen=True)
class Span:
    """Bytes `start` to `end` of a frame's clear bytes hold the field `path`."""

    path: str
    start: int
    end: int
