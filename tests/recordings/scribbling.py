"""An annotator for the tests of the scribe: a frame says its kind before a colon."""

from __future__ import annotations

from recordings.model import Frame


def annotate(protocol: str, frame: Frame) -> None:
    """`kind:text`; anything else cannot be read, and `boom` is a defect."""
    if frame.clear == b"boom":
        raise RuntimeError("a defect")
    kind, colon, text = frame.clear.decode("latin-1").partition(":")
    if colon:
        frame.kind, frame.fields = kind, f'{{"{protocol}":"{text}"}}'
    else:
        frame.kind, frame.error = "Opaque", frame.error or f"{kind} has no colon"
