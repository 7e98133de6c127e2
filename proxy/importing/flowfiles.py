"""Flows that mitmproxy saved (`mitmdump -w`), as conversations in order of time.

TCP and UDP flows hold the very bytes. Of HTTP, mitmproxy keeps no bytes but parts: request and
response are put together again, and an event says so.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.importing.importer import Importer
from proxy.importing.tnetstrings import head, loads
from recordings.captures.compressed import Damaged, Source
from recordings.captures.conversation import Conversation, Endpoint
from recordings.model import Transport

LARGEST = 256 << 20
"""Bytes of the largest flow that is read."""
TOGETHER = 256 << 20
"""Bytes of flows that are put in order of time together."""
STEP = 1 << 20
LATEST = 1 << 40
"""Seconds; no time of a flow is later."""

_Event = tuple[int, int, bytes]
"""When, which side (or OVER), its bytes."""
OVER = 2
MADE_UP = "mitmproxy keeps HTTP in parts: the bytes are put together from them"


@dataclass(slots=True)
class _Flow:
    conversation: Conversation
    events: list[_Event]
    made_up: bool


def read_flows(path: Path, importer: Importer, step: Callable[[int], None]) -> list[str]:
    """Tell an importer what a file holds; returns what could not be read."""
    doubts: list[str] = []
    batch: list[_Flow] = []
    size = number = 0
    for data in _elements(path, doubts, step):
        number += 1
        try:
            flow = _flow(loads(data)[0], number)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            doubts.append(f"flow {number} has the wrong form ({error})")
            continue
        if flow is None:
            doubts.append(f"flow {number} is neither TCP, UDP nor HTTP: it is left out")
            continue
        batch.append(flow)
        size += len(data)
        if size > TOGETHER:
            _tell(batch, importer)
            batch, size = [], 0
    _tell(batch, importer)
    return doubts


def _elements(path: Path, doubts: list[str], step: Callable[[int], None]) -> Iterator[bytes]:
    """The bytes of each flow."""
    buffer, taken = b"", 0
    with Source.open(path) as source:
        try:
            while True:
                found = head(buffer, 0)
                if found is not None and found[1] > LARGEST:
                    raise Damaged(f"a flow says that it has {found[1]:,} bytes")
                if found is None or found[1] >= len(buffer):
                    more = source.read(max(STEP, found[1] - len(buffer) if found else 0))
                    step(source.position - taken)
                    taken = source.position
                    if not more:
                        break
                    buffer += more
                    continue
                yield buffer[: found[1] + 1]
                buffer = buffer[found[1] + 1 :]
        except (ValueError, Damaged) as error:
            doubts.append(f"it cannot be read on: {error}")
            return
    if buffer:
        doubts.append(f"its last flow is cut off, {len(buffer)} bytes in")


def _tell(batch: list[_Flow], importer: Importer) -> None:
    """Everything that the flows said, in order of time."""
    marked = (
        [(at, index, place, side, data) for place, (at, side, data) in enumerate(flow.events)]
        for index, flow in enumerate(batch)
    )
    for at, index, _, side, data in heapq.merge(*marked):
        flow = batch[index]
        conversation = flow.conversation
        if side == OVER:
            importer.closed(conversation, "closed", at)
            continue
        importer.data(conversation.sides[side], data, at)
        if flow.made_up:
            flow.made_up = False
            importer.note(conversation, "reassembled", MADE_UP, at)


def _flow(said: dict[str, Any], number: int) -> _Flow | None:
    """A flow as a conversation; None for a type that has no bytes."""
    kind = said["type"]
    if kind not in _MESSAGES:
        return None
    transport = Transport.UDP if kind == "udp" else Transport.TCP
    messages = sorted(_MESSAGES[kind](said), key=lambda one: one[0])
    client = _end(said["client_conn"].get("peername"), number)
    server = said["server_conn"]
    there = _end(server.get("peername") or server.get("ip_address") or server["address"], number)
    opened = _micros(said["client_conn"].get("timestamp_start") or 0)
    if messages:
        opened = min(opened, messages[0][0]) if opened else messages[0][0]
    conversation = Conversation(transport, (client, there), opened)
    conversation.initiator = 0
    last = messages[-1][0] if messages else opened
    ended = max(last, _micros(said["client_conn"].get("timestamp_end") or 0))
    return _Flow(conversation, [*messages, (ended, OVER, b"")], kind == "http")


def _messages(said: dict[str, Any]) -> list[_Event]:
    return [
        (_micros(at), 0 if from_client else 1, bytes(content))
        for from_client, content, at in said["messages"]
    ]


def _http(said: dict[str, Any]) -> list[_Event]:
    """Request and response as they may have looked."""
    request, response = said["request"], said.get("response")
    line = b" ".join((request["method"], request["path"], request["http_version"]))
    found = [(_micros(request["timestamp_start"]), 0, _message(line, request))]
    if response:
        status = str(int(response["status_code"])).encode()
        line = b" ".join((response["http_version"], status, response["reason"]))
        found.append((_micros(response["timestamp_start"]), 1, _message(line, response)))
    return found


def _message(line: bytes, said: dict[str, Any]) -> bytes:
    body = said.get("content") or b""
    headers = [
        (bytes(name), bytes(value))
        for name, value in said["headers"]
        if name.lower() not in (b"transfer-encoding", b"content-length")
    ]
    if body or line.startswith(b"HTTP"):
        headers.append((b"Content-Length", str(len(body)).encode()))
    return b"\r\n".join((line, *(b": ".join(one) for one in headers), b"", body))


_MESSAGES: dict[str, Callable[[dict[str, Any]], list[_Event]]] = {
    "tcp": _messages,
    "udp": _messages,
    "http": _http,
}


def _micros(seconds: Any) -> int:
    number = float(seconds)
    if not math.isfinite(number) or not 0 <= number < LATEST:
        raise ValueError(f"{seconds!r} is no time")
    return round(number * 1_000_000)


def _end(said: Any, number: int) -> Endpoint:
    """An endpoint; a host that is a name stays one."""
    if said is None:
        return "192.0.2.1", 1 + number % 65_535
    host, port = str(said[0]), int(said[1])
    if not 0 <= port < 65_536 or len(host) > 255:
        raise ValueError(f"{host[:40]}:{port} is no endpoint")
    return host, port
