"""Generated Wireshark dissectors: the values that tshark shows are ours, for every golden frame."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy import registry
from proxy.exporting.lua import FAMILIES, dissector
from proxy.exporting.lua_code import abbreviation, quoted
from proxy.layouts.keyvalue import KeyValue
from recordings.errors import UserError
from recordings.exporting.capture import CaptureWriter
from recordings.exporting.choice import Choice
from recordings.model import Direction, Frame, Json, Origin, Transport
from recordings.reader import Reader
from recordings.text import flatten
from recordings.writer import Recording
from tests.recordings.making import AT

UP = Direction.TO_SERVER
BARE = {"gamespy-presence", "gamespy-search"}
"""Where sloppy servers leave out a command's value: Wireshark pairs what follows wrongly."""
AND = "\x1e"
BINARY = {"@tic", "?tic"}
"""Frames of the EA lobby that hold keys and no text."""
FIELD = re.compile(r'^F\["([^"]+)"\] = ProtoField\.(\w+)', re.MULTILINE)


def golden(name: str) -> list[tuple[Direction, bytes, str, dict[str, Json]]]:
    """Frames that need nothing before them, with their kinds and fields."""
    module = importlib.import_module(f"tests.vectors.{name.replace('-', '_')}")
    protocol = registry.protocol(name)
    found = []
    for one in module.VECTORS:
        if one.before or one.keys or one.plain is not None or one.protocol is not None:
            continue
        message = protocol.view(Frame(one.direction, AT, one.raw))
        bare = name in BARE and None in message.fields().values()
        if message.kind not in {"Opaque", *BINARY} and not bare:
            found.append((one.direction, one.raw, message.kind, message.fields()))
    return found


def capture(name: str, folder: Path) -> Path:
    """The golden frames of a protocol, exported."""
    protocol = registry.protocol(name)
    path, out = folder / "golden.understudy.db", folder / "golden.pcapng"
    transport = protocol.transports[0]
    with Recording.open(path) as recording:
        session = recording.add_session(game=None, client="192.0.2.2", origin=Origin.RECORD)
        flow = recording.add_flow(
            session_id=session,
            protocol=name,
            transport=transport,
            client="192.0.2.2:40000",
            server=f"203.0.113.9:{protocol.ports[0]}",
            opened_at=AT,
        )
        for number, (direction, raw, *_) in enumerate(golden(name), 1):
            recording.append(flow, Frame(direction, AT + number, raw))
    with Reader.open(path) as reader, out.open("wb") as file:
        for block in CaptureWriter(reader, Choice(), comments=False).blocks():
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


def messages(kind: str, fields: dict[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
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
        if isinstance(one, type) and issubclass(one, KeyValue)
    ]
    return frozenset(key for values in undone for key in values)


def described_by(name: str) -> set[tuple[str, str]]:
    """Kinds and keys that a text protocol describes; of a binary one all is described."""
    protocol = registry.protocol(name)
    if name in ("kaillera", "gamespy-natneg"):
        return set()
    return {(kind.name, field.name) for kind in protocol.kinds for field in kind.fields}


def expected(
    kind: str, fields: dict[str, Json], known: set[str], described: set[tuple[str, str]]
) -> dict[str, list[str]]:
    """What tshark should show of the fields that the dissector describes."""
    values: dict[str, list[str]] = {}
    for name, inside in messages(kind, fields):
        for path, value in flatten(inside):
            if described and (name, re.sub(r"\[\d+\]", "", path)) not in described:
                continue
            if path == "ident":  # the header's word, not a key
                continue
            short = abbreviation(f"{name}." + re.sub(r"\[\d+\]", "", path))
            if short in known and value not in ("", None, [], {}):
                shown_as = str(value).replace("\n", r"\n").replace("\t", r"\t")
                values.setdefault(short, []).append(shown_as)
    return values


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
    assert len(frames) > 5
    found = list(shown(lua, capture(name, tmp_path), name, ["kind", *fields]))
    assert len(found) == len(frames)
    compared = 0
    for (_, raw, kind, ours), theirs in zip(frames, found, strict=True):
        said = theirs.pop("kind", [])
        assert said == [one for one, _ in messages(kind, ours) if one != "Unknown"], raw
        hidden = as_on_the_wire(name)
        known = {one for one in fields if one.split(".")[-1] not in hidden}
        wanted = expected(kind, ours, known, described_by(name))
        theirs = {
            field: [v.replace(":", "") if kinds[field] == "bytes" else v for v in values]
            for field, values in theirs.items()
            if field.split(".")[-1] not in hidden
        }
        assert theirs == wanted, raw
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


def test_what_cannot_be_made_is_said() -> None:
    with pytest.raises(UserError, match="there are ea-lobby, gamespy-natneg"):
        dissector("raw-tcp")
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
