"""The fuzz target behind scripts/fuzz: any bytes, in any chunks, through one dissector.

What must hold: no exception escapes, every byte comes back in the frames' raw, a view encodes back
to the frame's clear bytes, and fields are JSON. The first byte of the input says how to cut it.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path

import atheris

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

with atheris.instrument_imports(include=["proxy"]):
    from proxy import registry
    from proxy.keys import SessionKeys
    from recordings.model import Direction, Frame, Transport

    PROTOCOL = registry.protocol(sys.argv.pop(1))  # imported now, so that it is instrumented

WAYS = list(Direction)


def look(frame: Frame) -> None:
    """View a frame as the recorder does."""
    known = registry.protocol(frame.protocol) if frame.protocol else PROTOCOL
    message = known.view(frame)
    assert message.encode() == frame.clear
    json.dumps(message.fields())
    for span in message.spans():
        assert 0 <= span.start <= span.end <= len(frame.clear), span


def one_input(data: bytes) -> None:
    """Feed one input, a chunk of each direction in turn."""
    if not data:
        return
    size = data[0] % 64 + 1
    transport = PROTOCOL.transports[data[0] // 64 % len(PROTOCOL.transports)]
    machine = PROTOCOL.dissector(SessionKeys(), transport)
    said: dict[Direction, bytearray] = {way: bytearray() for way in WAYS}
    raw: dict[Direction, bytearray] = {way: bytearray() for way in WAYS}
    body = data[1:]
    for number, start in enumerate(range(0, len(body), size)):
        way = WAYS[number // 3 % 2]
        chunk = body[start : start + size]
        said[way] += chunk
        for frame in machine.feed(way, chunk, number):
            raw[frame.direction] += frame.raw or b""
            look(frame)
    if transport is Transport.TCP:
        for way in WAYS:
            for frame in machine.finish(way, 0):
                raw[way] += frame.raw or b""
                look(frame)
    assert raw == said, "bytes were lost"


def corpus(folder: Path) -> None:
    """The golden bytes of the protocol, to begin with: whole, and with what came before them."""
    stem = PROTOCOL.name.replace("-", "_")
    if not (HOME / f"tests/vectors/{stem}.py").exists():
        return
    module = importlib.import_module(f"tests.vectors.{stem}")
    for number, vector in enumerate(module.VECTORS):
        data = b"".join(line for _, line in vector.before) + vector.raw
        (folder / str(number)).write_bytes(b"\x3f" + data)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as seeds:
        corpus(Path(seeds))
        atheris.Setup([*sys.argv, seeds], one_input)
        atheris.Fuzz()
