"""Generated Wireshark dissectors: the values that tshark shows are ours, for every golden frame."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Annotated, ClassVar

import pytest

from proxy import registry
from proxy.dissector import DatagramDissector
from proxy.exporting.lua import FAMILIES, dissector
from proxy.exporting.lua_code import abbreviation, quoted
from proxy.layouts.codec import U16BE, Magic, Struct, Table, Text
from proxy.protocol import Protocol
from recordings.captures.synthetic import Path as Wire
from recordings.captures.tcp import ACK
from recordings.errors import UserError
from recordings.model import Direction, Transport
from tests.exporting.golden import Described, as_on_the_wire, capture, golden, messages
from tests.recordings.captures.making import pcap
from tests.recordings.making import AT

UP = Direction.TO_SERVER
AND = "\x1e"
FIELD = re.compile(r'^F\["([^"]+)"\] = ProtoField\.(\w+)', re.MULTILINE)


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


TABLE = Table()


@TABLE.message("by no tag at all")
class Ping(Struct):
    mark: ClassVar = Magic(b"\x01")
    number: U16BE


@TABLE.message("nor this", Direction.TO_SERVER)
class Bye(Struct):
    mark: ClassVar = Magic(b"\x01\x02")
    why: Annotated[str, Text()]


def test_datagrams_of_one_message_need_nothing_more(tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    registry.replace(
        Protocol(
            name="my-game",
            title="a game of mine",
            transports=(Transport.UDP,),
            ports=(4000,),
            make_dissector=DatagramDissector,
            view_frame=lambda frame: Ping.decode(frame.clear),
            kinds=TABLE.kinds(),
        )
    )
    lua = tmp_path / "my-game.lua"
    lua.write_text(dissector("my-game"), "utf-8")
    ends = ("192.0.2.2", 1024), ("203.0.113.9", 4000)
    said = [(ends, b"\x01\0\x2a"), (ends, b"\x01\x02me\0"), (ends[::-1], b"\x01\x02me\0")]
    path = tmp_path / "game.pcap"
    path.write_bytes(
        pcap([(AT + n, Wire(*way).datagram(data)) for n, (way, data) in enumerate(said)])
    )
    assert list(shown(lua, path, "my-game", ["kind", "ping.number", "bye.why"])) == [
        {"kind": ["Ping"], "ping.number": ["42"]},
        {"kind": ["Bye"], "bye.why": ["me"]},
        {},  # a client is never told that
    ]


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
