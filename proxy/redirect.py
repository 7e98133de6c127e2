"""Follow the redirect: a message that announces an endpoint makes us open a relay for it first.

The announcement is rewritten so that the client comes to us: to the address at which this client
reaches us, and the port that the new relay got. What announces is declared by the protocol
(`Protocol.announces`); here is no protocol.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from proxy import registry
from proxy.addresses import number, private, usable
from proxy.flow import Flow
from proxy.legs import LEGS_PER_CLIENT, Leg, Redirects
from proxy.message import FieldError, Message
from proxy.protocol import Announce
from proxy.relay.api import Address, Listen, show_address
from proxy.rules import Verdict
from recordings.errors import UserError
from recordings.model import Direction, Frame

Say = Callable[[str, str], None]
"""Takes the kind and the detail of an event."""


class Unchanged(Exception):
    """An announced endpoint passes unchanged; the text says why, none: as it should."""

    def __init__(self, why: str, once: str = "") -> None:
        super().__init__(why)
        self.once = once
        """What is said once for all endpoints that it befalls."""


@dataclass(slots=True)
class _Target:
    """An announced endpoint, read out of a message."""

    host: str
    port: int
    host_path: str | None
    port_path: str | None


class Redirect:
    """The rule of one flow (see `proxy.rules.Rule`)."""

    def __init__(self, flow: Flow, redirects: Redirects, say: Say) -> None:
        self._flow = flow
        self._all = redirects
        self._say = say
        self._said: set[str] = set()
        self._opened: list[Leg] = []
        self._announces: dict[tuple[Direction, str], list[Announce]] = {}
        for announce in flow.protocol.announces:
            if announce.peer and not redirects.relay_peers:
                continue
            key = announce.direction, announce.kind
            self._announces.setdefault(key, []).append(announce)
        self._refers: dict[tuple[Direction, str], list[Announce]] = {}
        for refer in flow.protocol.refers:
            self._refers.setdefault((refer.direction, refer.kind), []).append(refer)
        self._looked_at = self._announces.keys() | self._refers.keys()
        self.kinds = frozenset(kind for _, kind in self._looked_at)
        """See `Choosy`."""

    def holds(self, direction: Direction) -> bool:
        """See `Rule.holds`."""
        return any(way is direction for way, _ in self._looked_at)

    def judge(self, frame: Frame, message: Message) -> Verdict:
        """See `Rule.judge`."""
        key = frame.direction, message.kind
        if key not in self._looked_at:
            return message
        done: dict[str, str] = {}
        for refer in self._refers.get(key, ()):
            self._put_back(refer, message, done)
        announces = self._announces.get(key, [])
        for announce in announces:
            if announce.when is None or announce.when(message):
                self._follow(announce, message, frame.at, done)
        return self._rewritten(announces, message, done)

    def _put_back(self, refer: Announce, message: Message, done: dict[str, str]) -> None:
        """Where a client names a relay of ours, name the server that it stands for."""
        for target in self._targets(refer, message):
            listen = self._all.own.get((refer.transport, target.port))
            if target.host == self._flow.local[0] and listen is not None and listen.upstream:
                done.update(_become(target, listen.upstream))

    def recorded(self, frame: Frame) -> None:
        """See `Rule.recorded`."""
        for leg in self._opened:
            leg.parent = frame.id
        self._opened.clear()

    def _follow(self, announce: Announce, message: Message, at: int, done: dict[str, str]) -> None:
        """Put into `done` what each field of one announcement becomes.

        Two announcements may share a field (`BUDDY_URL` and `BUDDY_SERVER` one port): the first
        one is the one that counts.
        """
        for target in self._targets(announce, message):
            if any(path in done for path in (target.host_path, target.port_path)):
                if target.host_path is not None and target.host_path != target.port_path:
                    done.setdefault(target.host_path, self._flow.local[0])
                continue
            try:
                done.update(_become(target, self._relayed(announce, target, at)))
            except Unchanged as unchanged:
                self._passes(target, unchanged)

    def _rewritten(
        self, announces: list[Announce], message: Message, done: dict[str, str]
    ) -> Message:
        if not done:
            return message
        try:
            rewritten = message.set_all(done)
        except (FieldError, ValueError, TypeError) as error:
            self._say("redirect-unchanged", f"{message.kind} cannot hold our address: {error}")
            return message
        for path in (path for announce in announces for path in announce.drop):
            with contextlib.suppress(FieldError):  # it was not there
                rewritten = rewritten.delete(path)
        return rewritten

    def _targets(self, announce: Announce, message: Message) -> Iterator[_Target]:
        prefixes = [""]
        if announce.each is not None:
            try:
                count = len(message.get(announce.each))
            except (FieldError, TypeError):
                return
            prefixes = [f"{announce.each}[{place}]." for place in range(count)]
        up = announce.direction is Direction.TO_SERVER
        speaker = (self._flow.client if up else self._flow.server) or ("", 0)
        for prefix in prefixes:
            host_path = None if announce.host is None else prefix + announce.host
            port_path = None if announce.port is None else prefix + announce.port
            try:
                host = speaker[0] if host_path is None else str(message.get(host_path))
                port = speaker[1] if port_path is None else str(message.get(port_path))
            except FieldError:
                continue
            yield self._target(host, str(port), host_path, port_path)

    def _target(
        self, host: str, port: str, host_path: str | None, port_path: str | None
    ) -> _Target:
        if host_path == port_path and host_path is not None:
            host, _, port = host.rpartition(":")
        plain = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
        return _Target(host.strip("[]"), plain, host_path, port_path)

    def _relayed(self, announce: Announce, target: _Target, at: int) -> Address:
        """Our address for an announced endpoint; raises Unchanged."""
        flow = self._flow
        if announce.direction is Direction.TO_SERVER:
            return self._invited(announce, target)
        if target.port_path is None and flow.listen.transport is not announce.transport:
            return self._at_fixed_ports(announce, target, at)
        if not 0 < target.port < 65536 or not usable(target.host):
            raise Unchanged("it is no endpoint that can be reached")
        same = flow.listen.transport is announce.transport and (target.host, target.port)
        if same and same == flow.server:
            return flow.local
        host, why = self._reachable(target.host)
        if host == flow.local[0] and (announce.transport, target.port) in self._all.own:
            raise Unchanged("it is our own address already")
        wanted = Listen(
            protocol=announce.protocol,
            transport=announce.transport,
            host=flow.local[0],
            port=0 if target.port_path is not None else flow.local[1],
            upstream=(host, target.port),
            client=flow.client[0],
            role=announce.role,
            hostname=None if number(host) else host,
        )
        if flow.local == flow.server:  # a transparent mode: what it is told leads to us anyway
            self._opened.append(self._all.expect(flow, wanted, at))
            raise Unchanged("")
        return self._leg(wanted, target, why, at)

    def _at_fixed_ports(self, announce: Announce, target: _Target, at: int) -> Address:
        """Our address for an endpoint whose port is no part of the message but of the game."""
        if not announce.ports:
            raise Unchanged("its port is not known")
        if not usable(target.host):
            raise Unchanged("it is no endpoint that can be reached")
        flow = self._flow
        host, why = self._reachable(target.host)
        if host == flow.local[0]:
            raise Unchanged("it is our own address already")
        for port in announce.ports:
            wanted = Listen(
                protocol=announce.protocol,
                transport=announce.transport,
                host=flow.local[0],
                port=port,
                upstream=(host, port),
                client=flow.client[0],
                role=announce.role,
            )
            if flow.local == flow.server:
                self._opened.append(self._all.expect(flow, wanted, at))
            else:
                self._leg(wanted, _Target(target.host, port, None, None), why, at)
        if flow.local == flow.server:
            raise Unchanged("")
        return flow.local

    def _invited(self, announce: Announce, target: _Target) -> Address:
        """Where the server reaches an endpoint of the client: what our UDP listener has for it."""
        flow = self._flow
        if not 0 < target.port < 65536:
            raise Unchanged("it is no endpoint that can be reached")
        for listen in self._all.own.values():
            ours = listen.protocol, listen.transport, listen.upstream
            if ours == (announce.protocol, announce.transport, flow.listen.upstream):
                client = flow.client[0], target.port
                address = self._all.opener.invite(listen, client, flow.local[0])
                if address is not None:
                    self._say("redirect", f"{show_address(client)} is {show_address(address)}")
                    return address
        raise Unchanged(f"nothing here relays {announce.protocol} over {announce.transport}")

    def _leg(self, wanted: Listen, target: _Target, why: str, at: int) -> Address:
        known = wanted in self._all.legs
        try:
            leg = self._all.leg(self._flow, wanted, at)
        except (UserError, OSError) as error:
            raise Unchanged(f"no relay for it can be opened: {error}") from error
        if leg is None:
            raise Unchanged(f"this client has {self._all.limit} relays already", once="limit")
        self._opened.append(leg)
        if not known:
            self._twins(leg, at)
            shown = show_address((target.host, target.port))
            role = f"{wanted.role} " if wanted.role else ""
            self._say("redirect", f"{role}{shown} is relayed at {show_address(leg.address)}{why}")
        return leg.address

    def _twins(self, leg: Leg, at: int) -> None:
        """A protocol that speaks over two transports has both on one number."""
        spoken = registry.protocols().get(leg.listen.protocol)
        for transport in spoken.transports if spoken else ():
            if transport is not leg.listen.transport:
                twin = replace(leg.listen, transport=transport, port=leg.address[1])
                try:
                    opened = self._all.leg(self._flow, twin, at)
                except (UserError, OSError) as error:
                    self._say("redirect-unchanged", f"no {transport} beside it: {error}")
                    continue
                self._opened += [opened] if opened else []

    def _reachable(self, host: str) -> tuple[str, str]:
        """Where to connect for an announced host, and what to say of it.

        A server behind NAT announces the address that it sees itself at.
        """
        server = self._flow.server
        announced, upstream = number(host), number(server[0]) if server else None
        if server and announced and upstream and private(announced) and not private(upstream):
            return server[0], f", reached at {server[0]} since {host} is a private address"
        return host, ""

    def _passes(self, target: _Target, unchanged: Unchanged) -> None:
        """Say that an endpoint passes unchanged, each endpoint or reason once a flow."""
        shown = show_address((target.host, target.port))
        what = unchanged.once or shown
        if str(unchanged) and what not in self._said and len(self._said) < LEGS_PER_CLIENT:
            self._said.add(what)
            self._say("redirect-unchanged", f"{shown} passes unchanged: {unchanged}")


def _become(target: _Target, address: Address) -> dict[str, str]:
    """What the fields of a target are to say: path -> value."""
    if target.host_path is not None and target.host_path == target.port_path:
        return {target.host_path: show_address(address)}
    values = {target.host_path: address[0], target.port_path: str(address[1])}
    return {path: value for path, value in values.items() if path is not None}
