"""A live server behind a stand-in: it sees every message, adapted, and says what is not recorded.

The client's words go upstream under the upstream's own keys, and in the names that the upstream
gave: where the recording told the client one value and the upstream said another in the same place,
the client's next words are translated. What the recording has answered is not passed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.dissector import PEER_FAULTS, Dissector
from proxy.keys import SessionKeys
from proxy.message import Message
from proxy.protocol import Protocol
from recordings.errors import UserError
from recordings.model import Direction, Frame, Json, Transport
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line, LineReader
from replay.adaptive.memory import Memory, like
from replay.standin.role import learn

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
MOST_TURNS = 256
"""Requests whose live answer is awaited at once; the oldest is forgotten first."""


@dataclass(eq=False, slots=True)
class _Asked:
    """A request that went upstream."""

    kinds: tuple[str, ...]
    told: list[Line] = field(default_factory=list)
    """What the recording answered; empty: the upstream answers."""
    swallowed: bool = False


class Upstream:
    """The upstream's side of one flow."""

    def __init__(
        self,
        protocol: Protocol,
        transport: Transport,
        memory: Memory,
        *,
        pushed: Callable[[str], bool],
    ) -> None:
        """`pushed`: whether the recording has pushes of a kind, so that live ones are left out."""
        self._protocol = protocol
        self._masks = Masks(protocol)
        self._memory = memory
        self._dissector: Dissector = protocol.dissector(memory.keys, transport)
        self._reader = LineReader(protocol)
        self._pushed = pushed
        self._asked: list[_Asked] = []

    # up

    def say(self, frame: Frame, message: Message, told: list[Line] | None) -> bytes:
        """The wire bytes of a client's frame for the upstream.

        `told`: what the recording has answered; None: the upstream is to answer.
        """
        kinds = self._protocol.answers.get(message.kind, ())
        if kinds:
            self._asked.append(_Asked(kinds, told or [], told is not None))
            del self._asked[:-MOST_TURNS]
        clear = self._adapted(frame, message)
        try:
            made = self._dissector.digest(UP, clear)
            wire = self._dissector.seal(UP, made, frame.cipher)
        except (*PEER_FAULTS, UserError):
            wire = frame.raw or clear
        self._dissector.feed(UP, wire, frame.at)
        return wire

    def _adapted(self, frame: Frame, message: Message) -> bytes:
        for path, value in Line(message, frame).leaves:
            rule = self._masks.rule(message.kind, path)
            new = self._key(rule.of, value) if rule and rule.how == "key" else value
            if new == value:
                new = self._memory.expect(path, value, volatile=rule is not None)
            if new != value:
                try:
                    message = message.set(path, new)
                except (*PEER_FAULTS, LookupError):
                    continue
        return message.encode()

    def _key(self, name: str, value: Json) -> Json:
        live = self._memory.keys.find(name)
        ours = self._memory.recorded.get(name, set())
        if live is None or str(value).encode("latin-1", "replace") not in ours:
            return value
        return like(value, live.key.decode("latin-1"))

    def tell(self, name: str, key: bytes) -> None:
        """The client was given that key by the recording."""
        self._memory.recorded.setdefault(name, set()).add(key)

    # down

    def heard(self, data: bytes, at: int) -> list[tuple[Frame, Message]]:
        """What of the upstream's words is for the client."""
        passed = []
        for frame in self._dissector.feed(DOWN, data, at):
            message, lines = self._reader.read(frame)
            if not self._swallows(message, lines):
                passed.append((frame, message))
        return passed

    def _swallows(self, message: Message, lines: list[Line]) -> bool:
        for asked in self._asked:
            if message.kind in asked.kinds:
                self._asked.remove(asked)
                for said in asked.told:
                    if lines and said.kind == message.kind:
                        learn(self._memory, self._masks, lines[0], said)
                return asked.swallowed
        return self._pushed(message.kind)


def upstream_memory(secrets: SessionKeys) -> Memory:
    """The memory of an upstream: keys of its own, the secrets of the user."""
    return Memory(SessionKeys([key for key in secrets if key.source == "given"], secrets.secrets))
