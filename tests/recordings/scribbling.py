"""An annotator for the tests of the scribe: a frame says its kind before a colon."""

from __future__ import annotations

from recordings.model import Direction, Frame


class Reader:
    """Of one flow (see `recordings.scribe.Reader`)."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._dissected = 0

    def annotate(self, frame: Frame) -> None:
        """`kind:text`; anything else cannot be read, and `boom` is a defect."""
        if frame.clear == b"boom":
            raise RuntimeError("a defect")
        kind, colon, text = frame.clear.decode("latin-1").partition(":")
        if colon:
            frame.kind, frame.fields = kind, f'{{"{self._protocol}":"{text}"}}'
        else:
            frame.kind, frame.error = "Opaque", frame.error or f"{kind} has no colon"

    def dissect(self, direction: Direction, raw: bytes, at: int) -> Frame:
        """Counts the datagrams of the flow."""
        self._dissected += 1
        return Frame(direction, at, raw, derived={"count": self._dissected})
