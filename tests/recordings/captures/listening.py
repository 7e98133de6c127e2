"""A handler that writes down what it hears, and short ways to make it hear something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from recordings.captures.conversation import Conversation, Side
from recordings.captures.flows import Flows
from recordings.captures.packet import Packet
from tests.recordings.captures.making import AT


@dataclass
class Heard:
    """See `recordings.captures.conversation.Handler`."""

    said: list[tuple[str, ...]] = field(default_factory=list)
    """`data`, `gap`, `ended`, `closed`, `trouble`, and what about."""
    streams: dict[tuple[int, int], bytearray] = field(default_factory=dict)
    """Conversation in order of its first words, side."""
    times: list[int] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)

    def _which(self, side: Side) -> int:
        if side.conversation not in self.conversations:
            self.conversations.append(side.conversation)
        return self.conversations.index(side.conversation)

    def data(self, side: Side, data: bytes, at: int) -> None:
        which = self._which(side)
        self.said.append(("data", f"{which}.{side.index}", data.decode("latin-1")))
        self.streams.setdefault((which, side.index), bytearray()).extend(data)
        self.times.append(at)

    def gap(self, side: Side, size: int, at: int) -> None:
        self.said.append(("gap", f"{self._which(side)}.{side.index}", str(size)))

    def ended(self, side: Side, at: int) -> None:
        self.said.append(("ended", f"{self._which(side)}.{side.index}"))

    def closed(self, conversation: Conversation, reason: str, at: int) -> None:
        which = (
            str(self.conversations.index(conversation))
            if conversation in self.conversations
            else "-"
        )
        self.said.append(("closed", which, reason))

    def trouble(self, fact: str, number: int, side: Side | None, at: int) -> None:
        self.said.append(("trouble", str(number), fact))

    def of(self, kind: str) -> list[tuple[str, ...]]:
        return [one[1:] for one in self.said if one[0] == kind]


def hear(
    packets: Iterable[bytes | tuple[int, bytes]], *, link: int = 101, finish: bool = True
) -> Heard:
    """What flows make of packets, a millisecond apart unless they have times of their own."""
    heard = Heard()
    flows = Flows(heard)
    for number, one in enumerate(packets, 1):
        at, data = one if isinstance(one, tuple) else (AT + number * 1000, one)
        flows.feed(Packet(number, at, link, data, len(data)))
    if finish:
        flows.finish()
    return heard
