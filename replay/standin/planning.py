"""What a stand-in listens on: the services of a game, or what a recording's clients looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proxy import catalog, registry
from proxy.catalog import Game, Service
from proxy.options import Relay, read_endpoint
from proxy.plan import Plan, Planned
from proxy.relay.api import Address, Listen
from recordings.errors import UserError
from recordings.model import Transport
from replay.standin.pool import Pool, Take
from replay.standin.rules import rules_of

Upstream = tuple[str, int | None]


def plan_game(
    game: Game,
    relays: Sequence[Relay],
    listen_host: str,
    game_name: str | None = None,
    upstream: Upstream | None = None,
) -> Plan:
    """The services of a game that have rules; raises UserError when none has."""
    services = [one for one in game.services if rules_of(one.protocol)]
    if not services:
        spoken = ", ".join(sorted({one.protocol for one in game.services}))
        raise UserError(
            f"there are no rules for {spoken} yet: record {game.name} while its server lives, "
            "and serve the recording"
        )
    planned = _services(services, relays, listen_host, upstream)
    planned += _relays(relays, [one.protocol for one in services], listen_host)
    return Plan(tuple(planned), tuple(game.names(game_name)))


def plan_pool(
    pool: Pool,
    relays: Sequence[Relay],
    listen_host: str,
    game_name: str | None = None,
    upstream: Upstream | None = None,
) -> Plan:
    """What the recorded clients looked for by themselves; raises UserError if that was nothing."""
    names = {one.game for one in pool.sessions if one.game in catalog.names()}
    known = [catalog.game(str(name)) for name in sorted(map(str, names))]
    services = [
        one
        for game in known
        for one in game.services
        if rules_of(one.protocol) or pool.speaks(one.protocol, one.transport)
    ]
    planned = _services(services, relays, listen_host, upstream)
    spoken = {(one.protocol, one.transport) for one in services}
    for take in pool.takes:
        key = take.protocol.name, Transport(take.row.transport)
        if take.row.parent_frame_id is None and not take.role and key not in spoken:
            spoken.add(key)
            planned.append(_take(take, relays, listen_host, upstream))
    planned += _relays(relays, [protocol for protocol, _ in spoken], listen_host)
    if not planned:
        raise UserError("the recording has no flow that a client opens by itself: serve another")
    return Plan(tuple(planned), tuple(n for game in known for n in game.names(game_name)))


def _services(
    services: Sequence[Service],
    relays: Sequence[Relay],
    listen_host: str,
    upstream: Upstream | None,
) -> list[Planned]:
    planned = []
    taken: set[tuple[str, Transport]] = set()
    for service in services:
        relay = next((one for one in relays if one.protocol == service.protocol), None)
        key = service.protocol, service.transport
        if relay and relay.port and key in taken:
            relay = None  # two services cannot stand on one port
        taken.add(key)
        server: Address | None = relay.upstream if relay else None
        if server is None and upstream is not None:
            server = upstream[0], upstream[1] or service.port
        names = service.names()
        listen = Listen(
            protocol=service.protocol,
            transport=service.transport,
            host=(relay and relay.host) or listen_host,
            port=relay.port if relay else service.port,
            upstream=server,
            role=service.role,
            hostname=names[0] if len(names) == 1 and "*" not in names[0] else None,
        )
        planned.append(Planned(listen, service.optional and relay is None, service.port))
    return planned


def _take(
    take: Take, relays: Sequence[Relay], listen_host: str, upstream: Upstream | None
) -> Planned:
    protocol = take.protocol.name
    relay = next((one for one in relays if one.protocol == protocol), None)
    server = read_endpoint(take.row.server) if take.row.server else None
    usual = (server and server[1]) or next(iter(take.protocol.ports), 0)
    target = relay.upstream if relay else None
    if target is None and upstream is not None:
        target = upstream[0], upstream[1] or usual
    listen = Listen(
        protocol=protocol,
        transport=Transport(take.row.transport),
        host=(relay and relay.host) or listen_host,
        port=relay.port if relay else usual,
        upstream=target,
        hostname=take.row.hostname,
    )
    return Planned(listen, usual=usual)


def _relays(relays: Sequence[Relay], spoken: Sequence[str], host: str) -> Iterator[Planned]:
    """Further listeners that the user asked for."""
    for relay in relays:
        if relay.protocol in spoken:
            continue
        for transport in registry.protocol(relay.protocol).transports:
            listen = Listen(
                protocol=relay.protocol,
                transport=transport,
                host=relay.host or host,
                port=relay.port,
                upstream=relay.upstream,
            )
            yield Planned(listen, usual=relay.port)
