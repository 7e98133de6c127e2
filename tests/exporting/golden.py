"""What a generated dissector should show of the golden frames of a protocol, and their capture."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from proxy import registry
from proxy.exporting.lua_code import abbreviation
from proxy.keys import SessionKeys
from proxy.layouts import jazz2_datagrams
from proxy.layouts.codec import Struct
from proxy.layouts.ircline import IrcLine
from proxy.layouts.keyvalue import KeyValue
from proxy.layouts.values import DecimalAddress
from proxy.protocol import Protocol
from recordings.exporting.capture import CaptureWriter
from recordings.exporting.choice import Choice, Content
from recordings.model import Direction, Frame, Json, Origin, Transport
from recordings.reader import Reader
from recordings.text import flatten
from recordings.writer import Recording
from tests.protocols.harness import Vector
from tests.recordings.making import AT

KEYED = ("Pairs", "Table", "FieldTable")
"""Wire types whose values are shown as `key=value`."""
XORED = {"gamespy-cdkey", "gamespy-stats"}
"""What is enciphered by a constant: Wireshark deciphers it too."""
PLAIN = {"gamespy-browser1", "gamespy-browser2"}
"""What is read in a capture that was exported deciphered."""
CLEAR = {
    ("gamespy-chat", "705"),
    ("gamespy-gt2", "ServerChallenge"),
    ("gamespy-presence", "login"),
}
"""What is clear although other frames came before."""
AFTER = {"gamespy-query", "gamespy-browser2"}
"""What follows from the frames before: they are in the capture too."""
UNTOLD = {"@tic", "?tic", "Address"}
"""Frames that hold keys and no text, or six bytes that nothing tells from enciphered ones."""
KEYED_TOO = tuple(
    f"{kind}.{name}" for kind in ("ServerList.servers", "PushServer") for name in ("keys", "rules")
)
"""What records of servers hold by names of their own."""


class Golden(NamedTuple):
    """A golden frame that Wireshark can read."""

    direction: Direction
    raw: bytes
    plain: bytes | None
    transport: Transport
    kind: str
    fields: Mapping[str, Json]
    before: Sequence[Frame]


def golden(name: str) -> list[Golden]:
    """Frames that need nothing before them, with their kinds and fields."""
    module = importlib.import_module(f"tests.vectors.{name.replace('-', '_')}")
    protocol = registry.protocol(name)
    found = []
    for one in module.VECTORS:
        alone = not (one.before or one.keys or one.plain is not None)
        known = alone or name in XORED | PLAIN | AFTER | {"jazz2-list"} or (name, one.kind) in CLEAR
        if not known or one.protocol is not None or one.kind in {"Opaque", *UNTOLD}:
            continue
        fields = one.fields
        if fields is None:
            message = protocol.view(Frame(one.direction, AT, one.raw, one.plain))
            fields = message.fields() if message.kind == one.kind else None
        clear = one.plain or one.raw
        if fields is None or (clear[:1] == b"\\" and None in fields.values()):
            continue  # sloppy servers leave a value out: Wireshark pairs what follows wrongly
        before = before_of(protocol, one) if name in AFTER else ()
        transport = one.transport or protocol.transports[0]
        found.append(Golden(one.direction, one.raw, one.plain, transport, one.kind, fields, before))
    return found


def before_of(protocol: Protocol, vector: Vector) -> list[Frame]:
    """The frames before a vector's, deciphered."""
    keys = SessionKeys(secrets=dict(vector.secrets))
    for key in vector.keys:
        keys.learn(key)
    dissector = protocol.dissector(keys, vector.transport)
    return [
        Frame(frame.direction, AT, frame.raw, frame.plain)
        for way, raw in vector.before
        for frame in dissector.feed(way, raw, AT)
    ]


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
            for before in one.before:
                recording.append(flow, before)
            recording.append(flow, Frame(one.direction, at + 2, one.raw, one.plain))
            recording.close_flow(flow, at + 3, "closed")
    choice = Choice(content=Content.PLAIN if name in PLAIN else Content.RAW)
    with Reader.open(path) as reader, out.open("wb") as file:
        for block in CaptureWriter(reader, choice, comments=False).blocks():
            file.write(block)
    return out


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
        self._structs = {"ServerList", "PushServer", *(cls.kind for cls in structs)}
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
                deeper = next((p for p in KEYED_TOO if f"{name}.{plain}".startswith(p + ".")), "")
                if deeper:
                    key = f"{name}.{plain}".removeprefix(deeper + ".")
                    self._put(values, deeper, f"{key}={value}")
                    continue
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
                    told = text or self._lines or plain.endswith(".kind") or name == "Unknown"
                    assert told or abbreviation(f"{name}.{plain}") in self._known, (name, plain)
                    self._put(values, f"{name}.{plain}", value)
        return values

    def _put(self, values: dict[str, list[str]], path: str, value: Json) -> None:
        short = abbreviation(path)
        if short in self._known:
            shown_as = str(value).rstrip("\0").replace("\n", r"\n").replace("\t", r"\t")
            values.setdefault(short, []).append(shown_as)


_DECIMAL = DecimalAddress()
