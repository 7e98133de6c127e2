"""Where each flow goes this time: as the user says, or as the live server announces."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.message import FieldError
from proxy.protocol import Announce, Protocol
from proxy.relay.api import Address
from recordings.model import Direction
from replay.adaptive.lines import Line
from replay.adaptive.memory import Memory
from replay.playback.hearing import LiveFlow
from replay.playback.steps import Role, Script
from replay.playback.wishes import Places

_HOST_FAULTS = (FieldError, ValueError, LookupError, TypeError)


class Endpoints:
    """Endpoints of one live session."""

    def __init__(self, script: Script, places: Places, memory: Memory) -> None:
        self._places = places
        self._memory = memory
        self._roles = {role.row.id: role for role in script.roles}
        self._first = script.steps[0].flow
        self._told: dict[int, Address] = {}
        self.parents: dict[int, int] = {}
        """Flow of the recording -> the live frame that announced it."""

    def find(self, role: Role) -> Address | None:
        """Where a flow goes: as the user says, else as announced, else where the rest is."""
        named = self._places.find(role, self._first, named_only=True)
        if named is not None:
            return named
        if role.row.id in self._told:
            return self._told[role.row.id]
        recorded = address_of(role.row.server)
        if recorded is not None and recorded in self._memory.endpoints:
            return self._memory.endpoints[recorded]
        if recorded is not None and role.parent is not None and self._by_us(role.parent):
            hosts = [live for was, live in self._memory.endpoints.items() if was[0] == recorded[0]]
            if hosts:  # we told the server where we are; it speaks from where it is
                return hosts[-1][0], recorded[1]
        return self._places.find(role, self._first)

    def unknown(self, role: Role) -> str:
        """What to say when nothing tells where a flow goes."""
        server = role.row.server or "a server"
        return f"nothing says where {server} is now: give --to HOST or --map {server}=HOST:PORT"

    @staticmethod
    def _by_us(parent: Line) -> bool:
        return parent.direction is Direction.TO_SERVER

    def opened(self, role: Role, server: Address, local: Address) -> None:
        """A flow stands: its ends are what the recording's are now."""
        for recorded, live in ((role.row.server, server), (role.row.client, local)):
            was = address_of(recorded)
            if was is not None:
                self._memory.endpoints[was] = live
                if was[0] != live[0]:
                    self._memory.learn("host", was[0], live[0])
        own = address_of(role.row.client)
        if own is not None:  # announced by its port alone
            self._memory.endpoints["", own[1]] = local

    def announced(self, flow: LiveFlow, recorded: Line, live: Line) -> None:
        """A live message stands for the recorded one that announced flows."""
        protocol = recorded.protocol or flow.role.protocol
        for flow_id in recorded.opens:
            role = self._roles[flow_id]
            was = address_of(role.row.server)
            self.parents[flow_id] = live.frame.id
            for old, new in zip(
                endpoints_of(protocol, recorded, address_of(flow.role.row.server)),
                endpoints_of(protocol, live, flow.server),
                strict=False,
            ):
                if old[1] == (was or old)[1] or flow_id not in self._told:
                    self._told[flow_id] = new


def address_of(text: str | None) -> Address | None:
    """`host:port` as an address."""
    host, _, port = (text or "").rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else None


def endpoints_of(protocol: Protocol, line: Line, own: Address | None) -> Iterator[Address]:
    """The endpoints that a message announces, in the order of the protocol's declarations."""
    for announce in protocol.announces:
        if announce.kind != line.kind or announce.direction is not line.direction:
            continue
        try:
            if announce.when is not None and not announce.when(line.message):
                continue
            for item in _items(announce, line):
                yield _endpoint(announce, line, item, own)
        except _HOST_FAULTS:
            continue  # the endpoint stands in other fields, of another announcement


def _items(announce: Announce, line: Line) -> list[str]:
    if announce.each is None:
        return [""]
    listed = line.message.fields().get(announce.each)
    return [f"{announce.each}[{n}]." for n in range(len(listed) if isinstance(listed, list) else 0)]


def _endpoint(announce: Announce, line: Line, item: str, own: Address | None) -> Address:
    message = line.message
    host, port = own or ("", 0)
    if announce.host is not None:
        host = str(message.get(item + announce.host))
    if announce.port is not None:
        text = str(message.get(item + announce.port))
        if announce.host == announce.port:
            host, _, text = host.rpartition(":")
        port = int(text)
    return host, port
