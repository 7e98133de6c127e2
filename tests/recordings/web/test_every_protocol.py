"""The frame page of every golden vector of every protocol: all fields and bytes find each other."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from proxy import registry
from proxy.viewer import VIEWER
from recordings.model import Frame
from recordings.reader import Reader
from recordings.web.bytes_view import PAGE
from recordings.web.frame_page import frame_page
from recordings.writer import Recording
from tests.recordings.making import AT, flow, session

FOLDER = Path(__file__).parent.parent.parent / "vectors"
FILES = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if path.stem.replace("_", "-") in registry.protocols()  # others hold more of another's vectors
)
RAW = {"raw-tcp", "raw-udp"}
"""Those whose frames have no fields."""
LINKED = re.compile(r' href="#(\w+)"')
IDS = re.compile(r' id="(\w+)"')


def test_every_protocol_but_the_raw_ones_has_a_file() -> None:
    assert set(registry.protocols()) - {name.replace("_", "-") for name in FILES} == RAW


@pytest.mark.parametrize("name", FILES)
def test_every_field_leads_to_its_bytes_and_back(tmp_path: Path, name: str) -> None:
    vectors = getattr(importlib.import_module(f"tests.vectors.{name}"), "VECTORS", ())
    protocol = name.replace("_", "-")
    path = tmp_path / "vectors.db"
    with Recording.open(path) as recording:
        flow(recording, session(recording), protocol=protocol)
        for vector in vectors:
            frame = Frame(vector.direction, AT, vector.raw)
            shown = VIEWER.view(protocol, frame)
            frame.kind, frame.fields = shown.kind, json.dumps(shown.fields)
            recording.append(1, frame)
    with Reader.open(path) as reader:
        for number, vector in enumerate(vectors, 1):
            found = reader.frame(number)
            assert found is not None
            spans = VIEWER.view(protocol, found).spans
            text = frame_page(reader, VIEWER, number, 0).body.decode()
            ids = IDS.findall(text)
            assert len(ids) == len(set(ids))
            assert set(LINKED.findall(text)) <= set(ids)
            held = {span.path for span in spans if span.end > span.start}
            assert text.count('<a href="#raw') == len(held)
            assert dumped(text) == vector.raw[:PAGE]


def dumped(page: str) -> bytes:
    """The bytes that the hexdump of a page shows."""
    lines = page.split('class="line">')[1:]
    pairs = [line.split('class="hex">')[1].split('class="text"')[0] for line in lines]
    return bytes.fromhex("".join(re.sub(r"<[^>]*>?", "", pair) for pair in pairs))
