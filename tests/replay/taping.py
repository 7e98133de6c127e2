"""Recordings for playback: scripted clients talk to our own servers, without any socket.

Everything is recorded as a relay would record it, at invented addresses and times.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from proxy import registry
from proxy.flow import Flow
from proxy.keys import SessionKeys
from proxy.message import Message
from proxy.relay.api import Listen, show_address
from proxy.tap import Tap
from recordings.model import Direction, Frame, Key, Origin, Transport
from recordings.writer import Recording
from tests.replay.servers.stage import Datagrams, Service

SERVER = "198.51.100.7"
CLIENT = "192.0.2.50"
SECRETS = {"gmtest": "HA6zkS", "oval": "HA6zkS"}
START = 1_700_000_000_000_000
UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


class Taping:
    """One session that is being recorded."""

    def __init__(self, path: Path, *, game: str = "gmtest", keys: tuple[Key, ...] = ()) -> None:
        self.recording = Recording.open(path)
        self.session = self.recording.add_session(game=game, client=CLIENT, origin=Origin.RECORD)
        self.keys = SessionKeys(keys, SECRETS)
        self.at = START
        self._ports = 50_000
        self.flows: list[TapedFlow] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for flow in self.flows:
            self.recording.close_flow(flow.id, self.now(), "the client closed")
        self.recording.end_session(self.session)
        self.recording.close()

    def now(self) -> int:
        self.at += 1_000
        return self.at

    def flow(
        self,
        protocol: str,
        transport: Transport,
        port: int,
        *,
        parent: int | None = None,
        client_port: int | None = None,
    ) -> TapedFlow:
        self._ports += 1
        client = (CLIENT, client_port or self._ports)
        number = self.recording.add_flow(
            session_id=self.session,
            protocol=protocol,
            transport=transport,
            client=show_address(client),
            server=f"{SERVER}:{port}",
            parent_frame_id=parent,
            opened_at=self.now(),
        )
        listen = Listen(protocol, transport, "127.0.0.1", port)
        facts = Flow(
            number,
            self.session,
            registry.protocol(protocol),
            listen,
            client,
            (SERVER, port),
            ("127.0.0.1", port),
        )
        flow = TapedFlow(self, facts)
        self.flows.append(flow)
        return flow

    def tcp(self, protocol: str, port: int, service: Service, parent: int | None = None) -> Tcp:
        return Tcp(self.flow(protocol, Transport.TCP, port, parent=parent), service)

    def udp(self, protocol: str, port: int, service: Datagrams, parent: int | None = None) -> Udp:
        return Udp(self.flow(protocol, Transport.UDP, port, parent=parent), service)


class TapedFlow:
    """Bytes of one flow go by here; see `proxy.flow.Watch`."""

    def __init__(self, taping: Taping, flow: Flow) -> None:
        self.id = flow.id
        self.client = flow.client
        self.last = 0
        """Id of the newest frame."""
        self._tap = Tap(flow, taping.keys, taping.recording, now=taping.now, watch=self)

    def frame(self, flow: Flow, frame: Frame, message: Message | None) -> None:
        self.last = frame.id

    def event(self, flow: Flow | None, kind: str, detail: str) -> None:
        pass

    def passes(self, direction: Direction, data: bytes) -> None:
        self._tap.seen(direction, data)


class Tcp:
    """A scripted client on one connection."""

    def __init__(self, flow: TapedFlow, service: Service) -> None:
        self.flow, self._service = flow, service
        self.heard = b""
        self._take(b"".join(service.opened()))

    def _take(self, data: bytes) -> bytes:
        if data:
            self.flow.passes(DOWN, data)
        self.heard += data
        return data

    def say(self, data: bytes) -> bytes:
        """Send, and get what the server answers."""
        self.flow.passes(UP, data)
        return self._take(b"".join(self._service.received(data)))


class Udp:
    """A scripted client on one pair of endpoints."""

    def __init__(self, flow: TapedFlow, service: Datagrams) -> None:
        self.flow, self._service = flow, service

    def say(self, data: bytes) -> list[bytes]:
        self.flow.passes(UP, data)
        answers = list(self._service.received(data, self.flow.client))
        for answer in answers:
            self.flow.passes(DOWN, answer)
        return answers
