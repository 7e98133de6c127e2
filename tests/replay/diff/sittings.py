"""Sessions made in memory, of the golden bytes of every protocol or of a few lines."""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import tests.vectors
from proxy import registry
from proxy.keys import SessionKeys
from proxy.message import OPAQUE, split_path
from proxy.protocol import Protocol
from recordings.model import Direction, Frame, Json
from recordings.rows import FlowRow
from replay.diff.compare import compare
from replay.diff.report import Report
from replay.diff.said import Marks, Sitting, listen
from tests.protocols.harness import Vector

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def flow(id: int = 1, protocol: str = "ea-lobby", **values: Any) -> FlowRow:
    known: dict[str, Any] = {
        "session_id": 1, "parent_frame_id": None, "transport": "tcp", "hostname": None,
        "client": "192.0.2.5:4000", "server": "203.0.113.9:10600", "opened_at": id,
        "closed_at": None, "close_reason": None, "frames": 0, "bytes_up": 0, "bytes_down": 0,
        "first_at": None, "last_at": None,
    }  # fmt: skip
    return FlowRow(id=id, protocol=protocol, **{**known, **values})


def frames(text: str, flow_id: int = 1) -> list[Frame]:
    """Frames of lines `> auth NAME=alice` (c>s) and `< auth`; ids count from 1."""
    made: list[Frame] = []
    for line in text.strip().splitlines():
        way, kind, *pairs = line.split()
        fields = dict(pair.split("=", 1) for pair in pairs)
        direction = UP if way == ">" else DOWN
        frame = Frame(direction, len(made), line.encode(), kind=kind, fields=json.dumps(fields))
        frame.flow_id, frame.id = flow_id, len(made) + 1
        made.append(frame)
    return made


def sitting(
    given: str | Iterable[Frame], marks: Marks, flows: Iterable[FlowRow] = (), name: str = "x"
) -> Sitting:
    made = frames(given) if isinstance(given, str) else list(given)
    return listen(list(flows) or [flow()], made, marks, name=name)


def compared(one: str, other: str, *masks: str, protocol: str = "ea-lobby") -> Report:
    """The comparison of two sessions of one flow, given as lines."""
    marks = Marks(masks)
    flows = [flow(protocol=protocol)]
    return compare(sitting(one, marks, flows, "one"), sitting(other, marks, flows, "other"), marks)


# -- golden bytes ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spoken:
    """A protocol, and a session that holds every message of its golden bytes."""

    protocol: Protocol
    frames: tuple[Frame, ...]

    @property
    def flows(self) -> list[FlowRow]:
        return [flow(protocol=self.protocol.name, transport=str(self.protocol.transports[0]))]

    def sitting(self, made: Iterable[Frame], marks: Marks, name: str = "x") -> Sitting:
        return listen(self.flows, made, marks, name=name)


def spoken() -> Iterator[Spoken]:
    """Every protocol that has golden bytes."""
    vectors: dict[str, list[Vector]] = {}
    for info in pkgutil.iter_modules(tests.vectors.__path__):
        module = importlib.import_module(f"tests.vectors.{info.name}")
        for value in vars(module).values():
            if isinstance(value, tuple) and value and isinstance(value[0], Vector):
                name = _protocol_of(info.name)
                known = vectors.setdefault(name, [])
                known += [one for one in value if one not in known]
    for name, found in vectors.items():
        protocol = registry.protocol(name)
        yield Spoken(protocol, tuple(_frames(protocol, found)))


def _protocol_of(module: str) -> str:
    names = registry.protocols()
    while module.replace("_", "-") not in names:
        module = module.rpartition("_")[0]
    return module.replace("_", "-")


def _frames(protocol: Protocol, vectors: Iterable[Vector]) -> Iterator[Frame]:
    number = 0
    for vector in vectors:
        machine = protocol.dissector(SessionKeys(vector.keys, vector.secrets), vector.transport)
        for direction, data in vector.before:
            machine.feed(direction, data, 0)
        (frame,) = machine.feed(vector.direction, vector.raw, 0)
        own = registry.protocol(frame.protocol) if frame.protocol else protocol
        message = own.view(frame)
        if message.kind == OPAQUE:
            continue
        number += 1
        frame.kind, frame.fields = message.kind, json.dumps(message.fields())
        frame.flow_id, frame.id, frame.at = 1, number, number
        yield frame


# -- changed values --------------------------------------------------------------------------------


def other(value: Json, step: int = 1) -> Json:
    """Another value of the same type; the same for the same value and step."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return value + step if value < 200 else value - step
    if isinstance(value, float):
        return value + step
    if isinstance(value, str):
        if value.isascii() and value.isdigit():
            return str(int(value) + step).zfill(len(value))
        new = "".join(chr(ord(char) ^ step) if char.isalnum() else char for char in value)
        return new if new != value else f"{value}{step}"
    return ["x"]


def changed(frame: Frame, path: str, value: Json) -> Frame:
    """The frame with one value of its fields changed."""
    document = copy.deepcopy(json.loads(frame.fields or "{}"))
    place, last = document, None
    for step in steps(document, path):
        place, last = (place if last is None else place[last]), step
    place[last] = value
    return replace(frame, fields=json.dumps(document))


def steps(document: Json, path: str) -> list[str | int]:
    """A path as steps that exist: names may hold dots and brackets themselves."""
    if path in document:
        return [path]
    for name in sorted(document, key=len, reverse=True):
        if path.startswith((f"{name}.", f"{name}[")):
            rest = path[len(name) :].removeprefix(".")
            return [name, *_inner(document[name], rest)]
    raise KeyError(path)


def _inner(value: Json, path: str) -> list[str | int]:
    if not path:
        return []
    if isinstance(value, dict):
        return steps(value, path)
    index, _, rest = path[1:].partition("]")
    return [int(index), *_inner(value[int(index)], rest.removeprefix("."))]


__all__ = ["DOWN", "UP", "split_path"]
