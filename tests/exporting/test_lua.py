"""Generated Wireshark dissectors: the values that tshark shows are ours, for every golden frame."""

from __future__ import annotations

import importlib
import random
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pytest

from proxy import registry
from proxy.exporting.lua import FAMILIES, dissector
from proxy.exporting.lua_code import abbreviation, quoted
from proxy.exporting.lua_wires import KEYED
from proxy.layouts import jazz2_datagrams
from proxy.layouts.codec import Struct
from proxy.layouts.ircline import IrcLine
from proxy.layouts.keyvalue import KeyValue
from proxy.layouts.values import DecimalAddress
from recordings.captures.synthetic import Path as Wire
from recordings.captures.tcp import ACK
from recordings.errors import UserError
from recordings.exporting.capture import CaptureWriter
from recordings.exporting.choice import Choice, Content
from recordings.model import Direction, Frame, Json, Origin, Transport
from recordings.reader import Reader
from recordings.text import flatten
from recordings.writer import Recording
from tests.recordings.captures.making import pcap
from tests.recordings.making import AT

UP = Direction.TO_SERVER
XORED = {"gamespy-cdkey", "gamespy-stats"}
"""What is enciphered by a constant: Wireshark deciphers it too."""
PLAIN = {"gamespy-browser1"}
"""What is read in a capture that was exported deciphered."""
CLEAR = {
    ("gamespy-browser2", "ServerKey"),
    ("gamespy-browser2", "PlainError"),
    ("gamespy-chat", "705"),
    ("gamespy-gt2", "ServerChallenge"),
    ("gamespy-presence", "login"),
}
"""What is clear although other frames came before."""
AFTER = {"gamespy-query"}
"""What follows from the frames before: they are in the capture too."""
AND = "\x1e"
BINARY = {"@tic", "?tic"}
"""Frames of the EA lobby that hold keys and no text."""
FIELD = re.compile(r'^F\["([^"]+)"\] = ProtoField\.(\w+)', re.MULTILINE)


class Golden(NamedTuple):
    """A golden frame that Wireshark can read."""

    direction: Direction
    raw: bytes
    plain: bytes | None
    transport: Transport
    kind: str
    fields: Mapping[str, Json]
    before: tuple[tuple[Direction, bytes], ...]


def golden(name: str) -> list[Golden]:
    """Frames that need nothing before them, with their kinds and fields."""
    module = importlib.import_module(f"tests.vectors.{name.replace('-', '_')}")
    protocol = registry.protocol(name)
    found = []
    for one in module.VECTORS:
        alone = not (one.before or one.keys or one.plain is not None)
        known = alone or name in XORED | PLAIN | AFTER | {"jazz2-list"} or (name, one.kind) in CLEAR
        if not known or one.protocol is not None or one.kind in {"Opaque", *BINARY}:
            continue
        fields = one.fields
        if fields is None:
            message = protocol.view(Frame(one.direction, AT, one.raw, one.plain))
            fields = message.fields() if message.kind == one.kind else None
        clear = one.plain or one.raw
        if fields is None or (clear[:1] == b"\\" and None in fields.values()):
            continue  # sloppy servers leave a value out: Wireshark pairs what follows wrongly
        before = one.before if name in AFTER else ()
        transport = one.transport or protocol.transports[0]
        found.append(Golden(one.direction, one.raw, one.plain, transport, one.kind, fields, before))
    return found


def capture(name: str, folder: Path) -> Path:
    """The golden frames of a protocol, exported, each in a flow of its own."""
    protocol = registry.protocol(name)
    path, out = folder / "golden.understudy.db", folder / "golden.pcapng"
    with Recording.open(path) as recording:
        session = recording.add_session(game=None, client="192.0.2.2", origin=Origin.RECORD)
        for number, one in enumerate(golden(name), 1):
            at = AT + number * 1000
            flow = recording.add_flow(
                session_id=session,
                protocol=name,
                transport=one.transport,
                client=f"192.0.2.2:{40000 + number}",
                server=f"203.0.113.9:{protocol.ports[0]}",
                opened_at=at,
            )
            for way, raw in one.before:
                recording.append(flow, Frame(way, at + 1, raw))
            recording.append(flow, Frame(one.direction, at + 2, one.raw, one.plain))
            recording.close_flow(flow, at + 3, "closed")
    choice = Choice(content=Content.PLAIN if name in PLAIN else Content.RAW)
    with Reader.open(path) as reader, out.open("wb") as file:
        for block in CaptureWriter(reader, choice, comments=False).blocks():
            file.write(block)
    return out


def shown(lua: Path, capture: Path, name: str, fields: list[str]) -> Iterator[dict[str, list[str]]]:
    """Field -> its values, of every packet with a frame."""
    words = ["tshark", "-X", f"lua_script:{lua}", "-r", str(capture), "-Y", name, "-T", "fields"]
    words += ["-E", "separator=/t", "-E", "occurrence=a", "-E", f"aggregator={AND}"]
    for field in fields:
        words += ["-e", f"{name}.{field}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert "Lua:" not in done.stderr
    for line in done.stdout.strip("\n").split("\n"):
        cells = [cell.split(AND) for cell in line.split("\t")]
        yield {
            field: kept
            for field, cell in zip(fields, cells, strict=True)
            if (kept := [value for value in cell if value])
        }


def messages(kind: str, fields: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """A frame's messages: a bundle holds several."""
    if isinstance(fields.get("messages"), list):
        for one in fields["messages"]:
            yield one["kind"], one["fields"]
    else:
        yield kind, fields


def as_on_the_wire(name: str) -> frozenset[str]:
    """Keys whose values we show undone, and Wireshark as they came."""
    module = importlib.import_module(registry.protocol(name).make_dissector.__module__)
    undone = [
        one.values
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, KeyValue | IrcLine)
    ]
    return frozenset(key.split(".")[-1] for values in undone for key in values)


class Described:
    """What the dissector of a protocol should show of a message's fields."""

    def __init__(self, name: str, known: set[str]) -> None:
        protocol = registry.protocol(name)
        module = importlib.import_module(protocol.make_dissector.__module__)
        structs = {
            one
            for place in (module, jazz2_datagrams)
            for one in vars(place).values()
            if isinstance(one, type) and issubclass(one, Struct)
        }
        self._known = known
        self._structs = {cls.kind for cls in structs}
        self._keyed = {
            f"{cls.kind}.{item.name}"
            for cls in structs
            for item in cls.layout().items.values()
            if type(item.wire).__name__ in KEYED
        }
        self._texts = {(kind.name, field.name) for kind in protocol.kinds for field in kind.fields}
        self._lines = name == "gamespy-chat"  # whose fields are all named

    def expected(self, kind: str, fields: Mapping[str, Json]) -> dict[str, list[str]]:
        """Field -> the values that tshark should show."""
        values: dict[str, list[str]] = {}
        for name, inside in messages(kind, fields):
            for path, value in flatten(inside):
                plain = re.sub(r"\[\d+\]", "", path)
                first, _, key = plain.partition(".")
                if f"{name}.{first}" in self._keyed:
                    if not key:
                        continue  # a table without rows
                    value = _DECIMAL.write(value) if key == "publicip" else value
                    self._put(values, f"{name}.{first}", f"{key}={value}")
                    continue
                text = name not in self._structs and not self._lines
                if path == "ident" or (text and self._texts and (name, plain) not in self._texts):
                    continue  # the header's word, and what the dissector shows as KEY=VALUE
                if value not in ("", None, [], {}):
                    self._put(values, f"{name}.{plain}", value)
        return values

    def _put(self, values: dict[str, list[str]], path: str, value: Json) -> None:
        short = abbreviation(path)
        if short in self._known:
            shown_as = str(value).rstrip("\0").replace("\n", r"\n").replace("\t", r"\t")
            values.setdefault(short, []).append(shown_as)


_DECIMAL = DecimalAddress()


@pytest.mark.parametrize("name", FAMILIES)
def test_tshark_shows_our_values(name: str, tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    text = dissector(name)
    lua = tmp_path / f"{name}.lua"
    lua.write_text(text)
    kinds = dict(FIELD.findall(text))
    fields = [field for field in kinds if field.count(".")]
    frames = golden(name)
    assert len(frames) > 2
    found = list(shown(lua, capture(name, tmp_path), name, ["kind", *fields]))
    places = list(accumulate(len(one.before) + 1 for one in frames))
    assert len(found) == places[-1]
    found = [found[place - 1] for place in places]
    compared = 0
    hidden = as_on_the_wire(name)
    described = Described(name, {one for one in fields if one.split(".")[-1] not in hidden})
    for one, theirs in zip(frames, found, strict=True):
        said = theirs.pop("kind", [])
        inside = messages(one.kind, one.fields)
        assert said == [kind for kind, _ in inside if kind != "Unknown"], one
        theirs = {
            field: [v.replace(":", "") if kinds[field] == "bytes" else v for v in values]
            for field, values in theirs.items()
            if field.split(".")[-1] not in hidden
        }
        assert theirs == described.expected(one.kind, one.fields), one
        compared += len(theirs)
    assert compared > len(frames)


def test_a_field_can_be_filtered_by(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    lua = tmp_path / "kaillera.lua"
    lua.write_text(dissector("kaillera"))
    words = ["tshark", "-X", f"lua_script:{lua}", "-r", str(capture("kaillera", tmp_path))]
    words += ["-Y", 'kaillera.chat.text contains "Hello"', "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip()


def test_spoiled_frames_are_no_errors_of_lua(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    chance, words = random.Random(5), ["tshark", "-q", "-z", "expert"]
    packets: list[tuple[int, bytes]] = []
    for name in FAMILIES:
        lua = tmp_path / f"{name}.lua"
        lua.write_text(dissector(name))
        words += ["-X", f"lua_script:{lua}"]
        for one in golden(name) * 2:
            raw = bytearray(one.raw[: chance.randrange(1, len(one.raw) + 1)])
            for place in chance.choices(range(len(raw)), k=chance.randrange(3)):
                raw[place] = chance.choice((0, 255, chance.randrange(256)))
            number = len(packets)
            ends = ("192.0.2.2", 1024 + number), ("203.0.113.9", registry.protocol(name).ports[0])
            way = Wire(*(ends if one.direction is UP else ends[::-1]))
            stream = one.transport is Transport.TCP
            data = way.segment(1, 1, ACK, bytes(raw)) if stream else way.datagram(bytes(raw))
            packets.append((AT + number, data))
    path = tmp_path / "spoiled.pcap"
    path.write_bytes(pcap(packets))
    done = subprocess.run([*words, "-r", str(path)], capture_output=True, check=True, timeout=60)
    assert b"Malformed" in done.stdout
    assert b"Lua Error" not in done.stdout + done.stderr


def test_what_cannot_be_made_is_said() -> None:
    with pytest.raises(UserError, match="there are ea-lobby, gamespy-browser1"):
        dissector("raw-tcp")
    with pytest.raises(UserError, match="kaillera-list is HTTP, which Wireshark reads by itself"):
        dissector("kaillera-list")
    with pytest.raises(UserError, match="no protocol is named"):
        dissector("nothing")


@pytest.mark.parametrize("name", FAMILIES)
def test_every_field_has_a_name_that_wireshark_takes(name: str) -> None:
    names = [field for field, _ in FIELD.findall(dissector(name))]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9_.-]+", field) for field in names)


def test_lua_text_is_quoted() -> None:
    assert quoted('a"b\\c\n\xff') == '"a\\034b\\092c\\010\\195\\191"'
    assert quoted(b"\xff\0") == '"\\255\\000"'
    assert abbreviation("@dir.PORT") == "at_dir.port"


def test_transports_are_registered() -> None:
    text = dissector("ea-lobby")
    assert f'DissectorTable.get("{Transport.TCP}.port"):add(10600, p)' in text
