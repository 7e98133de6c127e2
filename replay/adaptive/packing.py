"""Putting numbered messages into datagrams that repeat the last ones (kaillera 2).

The numbers are this session's own, and so are the repetitions: a message that a datagram lost comes
with the next one. Input that has been sent before in a game is named by its place in the cache, as
the recorded side did (kaillera 5); some clients never do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from proxy.dissector import Dissector
from proxy.layouts.bundle import Bundle, Numbered
from proxy.layouts.structs import Struct
from proxy.message import Message
from proxy.protocols.kaillera import CachedData, GameData, KailleraDissector
from recordings.model import Direction
from replay.adaptive.lines import Line

REPEATED = 3
"""Messages in a datagram, new ones included, as the original client sends (kaillera 2)."""
MOST = 255


class Packer:
    """Numbers what one side says."""

    def __init__(self) -> None:
        self._next = 0
        self._last: deque[Numbered] = deque(maxlen=MOST)

    def pack(self, messages: Sequence[Message], repeated: int = REPEATED) -> Bundle:
        """A datagram of new messages, from old to new, and some of the last ones."""
        for message in messages:
            assert isinstance(message, Struct)
            self._last.appendleft(Numbered(self._next, message))
            self._next = self._next + 1 & 0xFFFF
        count = min(max(len(messages), repeated), len(self._last), MOST)
        return Bundle(tuple(self._last[index] for index in range(count)))

    def again(self) -> Bundle | None:
        """The newest messages once more, None before there are any."""
        return self.pack(()) if self._last else None


class Shortener:
    """Puts a place in the cache for input, once the recorded side has done so."""

    def __init__(self) -> None:
        self._caches = False

    def short(
        self, line: Line, message: Message, dissector: Dissector, plays: Direction
    ) -> Message:
        """What is said for a recorded line; `dissector` has seen all that was sent."""
        self._caches = self._caches or line.cached
        if not self._caches or not isinstance(message, GameData):
            return message
        slot = None
        if isinstance(dissector, KailleraDissector):
            slot = dissector.slot(plays, message.data)
        return message if slot is None else CachedData(message.username, slot)
