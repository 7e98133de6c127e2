"""Every announcement of every protocol, by its golden bytes: followed, rewritten, viewed again.

The server's announcements lead to listeners of ours, the client's to our ports upstream; those of
other players only when asked. The rewritten message must be one that its protocol reads.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator

import pytest

import tests.vectors
from proxy import registry
from proxy.flow import Flow
from proxy.keys import SessionKeys
from proxy.legs import Redirects
from proxy.message import Message
from proxy.protocol import Protocol
from proxy.redirect import Redirect
from proxy.relay.api import Listen
from recordings.model import Direction, Frame
from tests.protocols.harness import AT, Vector
from tests.toy import MemoryOpener

SERVER, CLIENT, LOCAL = ("8.8.4.4", 9000), ("198.51.100.5", 999), ("192.0.2.1", 7)

FOLLOWED = {
    ("ea-lobby", "@dir"),
    ("ea-lobby", "news"),
    ("ea-lobby", "addr"),
    ("ea-lobby", "+ses"),
    ("gamespy-browser1", "cmp"),
    ("gamespy-browser2", "PushServer"),
    ("gamespy-query", "Heartbeat"),
    ("gamespy-query", "heartbeat"),
    ("jazz2-list", "ServerLine"),
    ("gamespy-browser2", "ServerList"),
    ("gamespy-presence", "bm"),
    ("gamespy-presence", "bsi"),
    ("gamespy-natneg", "CONNECT"),
    ("gamespy-natneg", "INIT"),
    ("jazz2", "JoinRequest"),
    ("jazz2-list", "Server"),
    ("kaillera", "HELLOD00D"),
    ("kaillera-list", "Servers"),
}
"""What must be among them, so that this test cannot pass by following nothing."""


def _vectors() -> Iterator[tuple[Protocol, Vector]]:
    for info in pkgutil.iter_modules(tests.vectors.__path__):
        module = importlib.import_module(f"tests.vectors.{info.name}")
        found = [
            one
            for value in vars(module).values()
            if isinstance(value, tuple)
            for one in value
            if isinstance(one, Vector)
        ]
        name = info.name.replace("_pushes", "").replace("_", "-")
        family = [p for p in registry.protocols().values() if p.name.startswith(name)]
        for vector in {one.name: one for one in found}.values():
            for protocol in family:
                kinds = {(a.kind, a.direction) for a in protocol.announces}
                if (vector.kind, vector.direction) in kinds:
                    yield protocol, vector


ANNOUNCING = list(_vectors())
IDS = [f"{protocol.name}: {vector.name}" for protocol, vector in ANNOUNCING]


class Followed:
    """A vector's frame, run through the rule of a flow."""

    def __init__(self, protocol: Protocol, vector: Vector, *, peers: bool) -> None:
        transport = vector.transport or protocol.transports[0]
        machine = protocol.dissector(SessionKeys(vector.keys, vector.secrets), transport)
        for direction, data in vector.before:
            machine.feed(direction, data, AT)
        (self.frame,) = machine.feed(vector.direction, vector.raw, AT)
        listen = Listen(protocol.name, transport, *LOCAL, upstream=SERVER)
        self.protocol = registry.protocol(self.frame.protocol or protocol.name)
        self.was = self.protocol.view(self.frame)
        self.opener = MemoryOpener()
        self.said: list[tuple[str, str]] = []
        redirects = Redirects(self.opener, relay_peers=peers)
        for one in registry.protocols().values():
            for way in one.transports:
                own = Listen(one.name, way, *LOCAL, upstream=SERVER)
                redirects.own[way, len(redirects.own) + 1] = own
        flow = Flow(1, 1, protocol, listen, CLIENT, SERVER, LOCAL)
        rule = Redirect(flow, redirects, lambda *what: self.said.append(what))
        verdict = rule.judge(self.frame, self.was)
        assert isinstance(verdict, Message)
        self.now = verdict

    @property
    def led(self) -> bool:
        """Whether something was opened for it."""
        return bool(self.opener.opened or self.opener.invited)

    def again(self) -> Message:
        """The rewritten message, read by its protocol from its bytes."""
        clear = self.now.encode()
        frame = Frame(self.frame.direction, AT, clear, protocol=self.frame.protocol)
        frame.cipher, frame.derived = self.frame.cipher, self.frame.derived
        if self.frame.plain is not None:
            frame.raw, frame.plain = self.frame.raw, clear
        return self.protocol.view(frame)


def _told(message: Message) -> str:
    return json.dumps(message.fields(), default=str)


@pytest.mark.parametrize(("protocol", "vector"), ANNOUNCING, ids=IDS)
def test_what_is_announced_leads_to_us_and_stays_readable(
    protocol: Protocol, vector: Vector
) -> None:
    followed = Followed(protocol, vector, peers=True)
    if followed.now is followed.was:
        assert not followed.led or followed.said or vector.direction is Direction.TO_SERVER
        return
    again = followed.again()
    assert again.kind == vector.kind, getattr(again, "error", None)
    assert again.fields() == followed.now.fields()
    assert again.fields() != followed.was.fields()
    ours = [LOCAL[0], "192.0.2.200", "50000", "40001"]
    assert any(one in _told(again) for one in ours)
    for opened in followed.opener.opened:
        assert opened.client == CLIENT[0]
        assert opened.upstream is not None


def test_none_of_them_is_forgotten() -> None:
    found: set[tuple[str, str]] = set()
    for protocol, vector in ANNOUNCING:
        followed = Followed(protocol, vector, peers=True)
        if followed.now is not followed.was:
            found.add((protocol.name, vector.kind))
    assert FOLLOWED - found == set(), f"followed: {sorted(found)}"


@pytest.mark.parametrize(("protocol", "vector"), ANNOUNCING, ids=IDS)
def test_other_players_are_left_alone_unless_asked(protocol: Protocol, vector: Vector) -> None:
    announces = [a for a in protocol.announces if a.kind == vector.kind]
    followed = Followed(protocol, vector, peers=False)
    if all(announce.peer for announce in announces):
        assert followed.now is followed.was
        assert not followed.led
