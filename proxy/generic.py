"""Games that nobody described yet: cut a stream, and decipher one, by words on the command line.

    --frame length:OFFSET:SIZE[:big|little][:BIAS]   a length field; BIAS is what it does not count
    --frame end:HEX                                  a mark ends each frame
    --frame size:BYTES                               every frame has the same size
    --cipher rc4 [--key rc4=HEX | --key-from KIND.FIELD] [--from-frame N]

A frame so cut is opaque but for its ciphers: there is no layout to read it by. `--frame` is for
`raw-tcp`; a cipher goes around any protocol, whose frames are then read deciphered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from proxy.ciphers.rc4 import Rc4
from proxy.dissector import Cipher, DatagramDissector, Dissector, StreamDissector
from proxy.keys import SessionKeys
from proxy.message import FieldError
from proxy.protocol import Protocol
from recordings.errors import UserError
from recordings.model import Direction, Frame, Key, Transport

FRAME_FORMS = "length:OFFSET:SIZE[:big|little][:BIAS], end:HEX or size:BYTES"
CIPHERS: Mapping[str, Callable[[bytes], Cipher]] = {"rc4": Rc4}
"""Ciphers that can go around any flow."""

LONGEST_KEY = 256
"""Bytes; RC4 takes no longer one."""

Cutter = Callable[[StreamDissector, Direction, "bytes | bytearray", int], int]


def _length_field(words: list[str]) -> Cutter:
    offset, size, *rest = words
    start, width = int(offset), int(size)
    order = "little" if "little" in rest else "big"
    numbers = [word for word in rest if word not in ("big", "little")]
    bias = int(numbers[0]) if numbers else 0
    if start < 0 or not 1 <= width <= 8 or len(numbers) > 1:
        raise ValueError

    def cut(_: StreamDissector, way: Direction, buffer: bytes | bytearray, at: int) -> int:
        field = buffer[at + start : at + start + width]
        if len(field) < width:
            return 0
        length = int.from_bytes(field, order) + bias  # type: ignore[arg-type]
        if length < start + width:
            raise ValueError(f"a length of {length} bytes does not reach behind its own field")
        return length

    return cut


def _mark(words: list[str]) -> Cutter:
    (mark,) = (bytes.fromhex(word) for word in words)
    if not mark:
        raise ValueError

    def cut(machine: StreamDissector, way: Direction, buffer: bytes | bytearray, at: int) -> int:
        return max(0, machine.find(way, mark, buffer, at) - at)

    return cut


def _fixed(words: list[str]) -> Cutter:
    (size,) = (int(word) for word in words)
    if size < 1:
        raise ValueError
    return lambda machine, way, buffer, at: size


_CUTTERS: Mapping[str, Callable[[list[str]], Cutter]] = {
    "length": _length_field,
    "end": _mark,
    "size": _fixed,
}


def framed(protocol: Protocol, form: str) -> Protocol:
    """`raw-tcp` that cuts its stream as `form` says; raises UserError."""
    name, *words = form.split(":")
    try:
        cutter = _CUTTERS[name](words)
    except (KeyError, ValueError) as error:
        raise UserError(f"--frame {form!r} cannot be read: write {FRAME_FORMS}") from error

    class Cut(StreamDissector):
        """Cuts as the user said."""

        def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
            return cutter(self, direction, buffer, start)

    return replace(protocol, make_dissector=Cut)


@dataclass(frozen=True, slots=True)
class CipherWish:
    """A cipher that the user puts around a flow."""

    cipher: str
    key_from: str | None = None
    """`KIND.FIELD` that holds the key, as hex (with or without `$`) or as text."""
    from_frame: int | None = None
    """First enciphered frame of the flow, counted over both directions; None: from the first on,
    or from behind the frame that gives the key."""

    def check(self) -> None:
        """Raises UserError for what cannot be."""
        if self.cipher not in CIPHERS:
            raise UserError(f"--cipher {self.cipher} is not known: there is {', '.join(CIPHERS)}")
        if self.key_from is not None and "." not in self.key_from:
            raise UserError(f"--key-from {self.key_from!r} names no field: write KIND.FIELD")


def ciphered(protocol: Protocol, wish: CipherWish) -> Protocol:
    """The protocol with a cipher around each of its flows; raises UserError."""
    wish.check()

    def around(transport: Transport) -> Callable[[SessionKeys], Dissector]:
        return lambda keys: Ciphered(keys, protocol, protocol.dissector(keys, transport), wish)

    makers = {transport: around(transport) for transport in protocol.transports}
    return replace(protocol, make_dissector=makers[protocol.transports[0]], make_for=makers)


class Ciphered(Dissector):
    """A dissector with a cipher around it: it is fed the clear bytes, and never knows.

    A stream has one cipher state per direction and side; a datagram is deciphered from the key's
    beginning, each by itself.
    """

    def __init__(
        self, keys: SessionKeys, protocol: Protocol, inner: Dissector, wish: CipherWish
    ) -> None:
        super().__init__(keys)
        self._protocol, self._inner, self._wish = protocol, inner, wish
        self._make = CIPHERS[wish.cipher]
        self._count = 0  # frames of this flow, both directions
        self._begun = wish.key_from is None and (wish.from_frame or 1) <= 1
        self._in: dict[Direction, Cipher] = {}
        self._out: dict[Direction, Cipher] = {}
        self._wire: dict[Direction, bytearray] = {}
        self._told = False
        if isinstance(inner, StreamDissector) and not self._begun:
            inner.observer = self._saw

    def feed(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        if isinstance(self._inner, DatagramDissector):
            return self._datagram(direction, data, at)
        frames: list[Frame] = []
        if not self._begun:
            frames = self._inner.feed(direction, data, at)
            if not self._begun:
                return frames
            data = b""
        return frames + self._explained(self._stream(direction, data, at))

    def _stream(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        """Bytes that may be enciphered, behind what the inner dissector has not used."""
        assert isinstance(self._inner, StreamDissector)
        if direction not in self._wire:
            self._inner.observer = None
            data = self._inner.withdraw(direction) + data
            self._wire[direction] = bytearray()
        cipher = self._state(self._in, direction)
        if cipher is None:
            return self._inner.feed(direction, data, at)
        wire = self._wire[direction]
        wire += data
        frames = self._inner.feed(direction, cipher(data), at)
        for frame in frames:
            size = len(frame.raw or b"")
            self._deciphered(frame, bytes(wire[:size]))
            del wire[:size]
        return frames

    def _datagram(self, direction: Direction, data: bytes, at: int) -> list[Frame]:
        key = self._key(direction) if self._begun else None
        frames = self._inner.feed(direction, data if key is None else self._make(key)(data), at)
        for frame in frames:
            if key is not None:
                self._deciphered(frame, data)
            elif not self._begun:
                self._saw(frame)
        return self._explained(frames) if self._begun else frames

    def _deciphered(self, frame: Frame, raw: bytes) -> None:
        """What the inner dissector took for the wire is the clear frame."""
        frame.plain = frame.clear
        frame.raw = raw
        frame.cipher = ",".join(filter(None, (self._wish.cipher, frame.cipher)))

    def _explained(self, frames: list[Frame]) -> list[Frame]:
        """Say once, at the first frame that should be deciphered, that its key is missing."""
        if frames and not self._told:
            self._told = True
            if self._key(frames[0].direction) is None:
                note = f"unknown: its key is not known, give it with --key {self._wish.cipher}=HEX"
                frames[0].derived = {**(frames[0].derived or {}), "checks": {"cipher": note}}
        return frames

    def _saw(self, frame: Frame) -> bool:
        """Count a complete frame; whether the next one is enciphered."""
        self._count += 1
        known = self._wish.key_from is None or self._takes(frame)
        if known and (self._wish.from_frame is None or self._count + 1 >= self._wish.from_frame):
            self._begun = True
        return self._begun

    def _takes(self, frame: Frame) -> bool:
        """Whether the key is known, from this frame if it is the one that gives it."""
        kind, _, path = (self._wish.key_from or "").partition(".")
        message = self._protocol.view(frame)
        if message.kind == kind:
            with suppress(FieldError):
                key = _bytes(message.get(path))
                if not 1 <= len(key) <= LONGEST_KEY:
                    frame.error = f"{self._wish.key_from} is no key: it has {len(key)} bytes"
                    return False
                self.learn(frame, Key(self._wish.cipher, key, self._wish.cipher, None, "learned"))
        return self._key(frame.direction) is not None

    def _state(self, states: dict[Direction, Cipher], direction: Direction) -> Cipher | None:
        """The state of one direction, made when its first enciphered byte comes or goes."""
        if direction not in states and (key := self._key(direction)) is not None:
            states[direction] = self._make(key)
        return states.get(direction)

    def _key(self, direction: Direction) -> bytes | None:
        key = self.keys.find(self._wish.cipher, direction)
        return None if key is None else key.key

    def finish(self, direction: Direction, at: int) -> list[Frame]:
        frames = self._inner.finish(direction, at)
        for frame in frames:
            if direction in self._in:
                self._deciphered(frame, bytes(self._wire.pop(direction)))
        return frames

    def pending(self, direction: Direction) -> int:
        return self._inner.pending(direction)

    def digest(self, direction: Direction, plain: bytes) -> bytes:
        return self._inner.digest(direction, plain)

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        inside = (cipher or "").removeprefix(self._wish.cipher).lstrip(",") or None
        return self._enciphered(direction, self._inner.seal(direction, plain, inside))

    def forward(self, frame: Frame) -> bytes:
        if frame.plain is None or not self._begun:
            return self._inner.forward(frame)
        return self._enciphered(frame.direction, frame.plain)

    def _enciphered(self, direction: Direction, data: bytes) -> bytes:
        if not self._begun:
            return data
        if isinstance(self._inner, DatagramDissector):
            key = self._key(direction)
            return data if key is None else self._make(key)(data)
        cipher = self._state(self._out, direction)
        return data if cipher is None else cipher(data)


def _bytes(value: object) -> bytes:
    """A key out of a field: `$` and hex as EA writes it, bare hex, else the text itself."""
    if isinstance(value, bytes):
        return value
    text = str(value)
    try:
        return bytes.fromhex(text.removeprefix("$"))
    except ValueError:
        return text.encode("latin-1", "replace")
