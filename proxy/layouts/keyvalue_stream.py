r"""Cutting a stream of `\key\value\...\final\` messages, and noticing what the commands in it say.

Source: gamespy 1: the makers' reader looks for the first `\final\`, so nothing else ends a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, TypeAlias

from proxy.dissector import PEER_FAULTS, StreamDissector
from proxy.keys import SessionKeys
from proxy.layouts.keyvalue import MARK, command
from recordings.model import Direction, Frame, Key

_PADDING = re.compile(rb"[\0\t\r\n ]+")

Notice: TypeAlias = Callable[[Any, Frame], None]
"""A method of the dissector that looks at one frame of a command."""


class KeyValueDissector(StreamDissector):
    """Cuts at `\\final\\`. Padding between messages, and noise without any backslash, are frames.

    Both are unreadable; so is a message that does not begin with a backslash, whose end is
    looked for all the same, so that a stream whose beginning was missed makes sense again.

    A subclass lists in `notices` which commands tell it something. It notices what it seals as it
    does what it is fed, so that whoever speaks through it gets the same state.
    """

    notices: ClassVar[Mapping[tuple[Direction, bytes], Notice]] = {}
    key_limit = 1000
    """Keys learned per flow: a peer that logs in for ever takes no memory for ever."""

    def __init__(self, keys: SessionKeys) -> None:
        super().__init__(keys)
        self._learned = 0

    def frame_length(self, direction: Direction, buffer: bytes | bytearray, start: int) -> int:
        if buffer[start] != 0x5C:
            padding = _PADDING.match(buffer, start)
            if padding:
                return padding.end() - start
            if buffer.find(b"\\", start) < 0:
                return min(len(buffer) - start, self.frame_limit)
        end = self.find(direction, MARK, buffer, start)
        return end and end - start

    def frame(self, frame: Frame) -> None:
        self.noticed(frame)

    def notice(self, frame: Frame) -> None:
        """Look at a deciphered frame, fed or sealed. May raise for what a peer sent."""
        notice = self.notices.get((frame.direction, command(frame.clear)))
        if notice is not None:
            notice(self, frame)

    def seal(self, direction: Direction, plain: bytes, cipher: str | None = None) -> bytes:
        self.noticed(Frame(direction, 0, plain))
        return plain

    def noticed(self, frame: Frame) -> None:
        """`notice`, whatever the bytes are."""
        with suppress(*PEER_FAULTS):
            self.notice(frame)

    def learn_text(
        self, frame: Frame, name: str, key: bytes | None, cipher: str | None = None
    ) -> None:
        """Learn a key that says something, unless the flow has given too many."""
        if key and self._learned < self.key_limit:
            self._learned += 1
            self.learn(frame, Key(name, key, cipher))


def passwords(keys: SessionKeys, name: str) -> list[bytes]:
    """Passwords to try, the likeliest first: the user's alone if there is one, else those seen."""
    given = keys.given("password")
    if given is not None:
        return [given.key]
    seen = [key.key for key in keys if key.name == name]
    return list(dict.fromkeys(reversed(seen)))[:16]
