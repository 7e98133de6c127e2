"""What of a recording is exported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recordings.model import Frame
from recordings.reader import Reader
from recordings.rows import FlowRow


class Content(StrEnum):
    """Which bytes of a frame are meant."""

    RAW = "raw"
    """As they were received."""
    PLAIN = "plain"
    """After deciphering."""
    SENT = "sent"
    """As they were forwarded: changed, inserted, without what was dropped."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which frames, and which bytes of them."""

    session_id: int | None = None
    where: str = ""
    """SQL of a filter."""
    params: Sequence[Any] = ()
    content: Content = Content.RAW

    def flows(self, reader: Reader) -> list[FlowRow]:
        """The flows of the session, or all."""
        return reader.flows(self.session_id)

    def frames(self, reader: Reader) -> Iterator[Frame]:
        """The frames, in order."""
        return reader.frames(self.where, self.params, session_id=self.session_id)

    def payload(self, frame: Frame) -> bytes | None:
        """The bytes of a frame; None: in this sense there was none."""
        if self.content is Content.RAW:
            return frame.raw
        if self.content is Content.PLAIN:
            return None if frame.raw is None else frame.clear
        if frame.sent is not None:
            return frame.sent
        return None if frame.action == "dropped" else frame.raw
