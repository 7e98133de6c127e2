"""From a game and the user's options to the listeners of one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from proxy import registry
from proxy.catalog import Game, Service
from proxy.options import Relay
from proxy.relay.api import Address, Listen, show_address
from recordings.errors import UserError
from recordings.model import Transport


@dataclass(frozen=True, slots=True)
class Planned:
    """One listener to open."""

    listen: Listen
    optional: bool = False
    """Whether the run goes on when it cannot be had."""
    usual: int = 0
    """The port at which a client looks for it by itself; 0: none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run listens on, and which names lead to it."""

    listeners: tuple[Planned, ...]
    names: tuple[str, ...] = ()

    def route(self, transport: Transport, server: Address) -> Listen | None:
        """What speaks at a destination of a transparent mode, told by its port; None: raw."""
        for one in self.listeners:
            listen = one.listen
            ports = one.usual, listen.upstream[1] if listen.upstream else 0
            if listen.transport is transport and server[1] in ports:
                return replace(listen, host=server[0], port=server[1], upstream=server)
        return None


def plan(
    game: Game | None,
    relays: Sequence[Relay],
    *,
    upstream: tuple[str, int | None] | None,
    listen_host: str,
    game_name: str | None = None,
    modes: Sequence[str] = (),
) -> Plan:
    """The listeners of a run; raises UserError when nothing would come by."""
    replaced = _replaced(game, relays) if game else {}
    planned: list[Planned] = []
    if game is not None:
        planned += _of_game(game, replaced, upstream, listen_host, game_name)
    elif upstream is not None:
        raise UserError("--upstream goes with a GAME: name one, or use --relay")
    for relay in [one for one in relays if one not in replaced.values()]:
        planned += _of_relay(relay, listen_host, game)
    if not planned and not modes:
        raise UserError(
            "there is nothing to listen on: name a GAME (see `understudy games`) "
            "or give --relay PROTOCOL:PORT=HOST:PORT"
        )
    names = game.names(game_name) if game else []
    return Plan(tuple(planned), tuple(names))


def _of_game(
    game: Game,
    replaced: dict[Service, Relay],
    upstream: tuple[str, int | None] | None,
    listen_host: str,
    game_name: str | None,
) -> Iterator[Planned]:
    if upstream and upstream[1] and len(game.relayed) > 1:
        raise UserError(
            f"{game.name} has {len(game.relayed)} services on ports of their own: "
            "give --upstream only the host, or each one a --relay"
        )
    for service in game.relayed:
        relay = replaced.get(service)
        server = relay.upstream if relay and relay.upstream else None
        if server is None and upstream:
            server = upstream[0], upstream[1] or service.port
        names = service.names(game_name)
        known = [name for name in names if "*" not in name]
        if server is None and known:
            server = known[0], service.port
        if server is None:
            if names:
                continue  # its hosts are known only with --game-name
            raise UserError(f"{game.name} has no server of its own: give one with --upstream HOST")
        listen = Listen(
            protocol=service.protocol,
            transport=service.transport,
            host=(relay and relay.host) or listen_host,
            port=relay.port if relay else service.port,
            upstream=server,
            role=service.role,
            hostname=names[0] if len(names) == 1 else None,
        )
        yield Planned(listen, service.optional and relay is None, service.port)


def _replaced(game: Game, relays: Sequence[Relay]) -> dict[Service, Relay]:
    """Which service each relay of one of the game's protocols replaces.

    Two services of one transport cannot stand on one port: then the first one is meant.
    """
    found: dict[Service, Relay] = {}
    for relay in {one.protocol: one for one in reversed(relays)}.values():
        transports = set()
        for service in game.relayed:
            if service.protocol != relay.protocol:
                continue
            if relay.port == 0 or service.transport not in transports:
                found[service] = relay
            transports.add(service.transport)
    return found


def _of_relay(relay: Relay, listen_host: str, game: Game | None) -> Iterator[Planned]:
    protocol = registry.protocol(relay.protocol)
    if relay.upstream is None:
        if game is not None:
            spoken = ", ".join(sorted({one.protocol for one in game.relayed}))
            raise UserError(f"{game.name} does not speak {relay.protocol}: it speaks {spoken}")
        raise UserError(
            f"--relay {relay.protocol}:{relay.port} names no server: add =HOST:PORT behind it"
        )
    for transport in protocol.transports:
        yield Planned(
            Listen(
                protocol=protocol.name,
                transport=transport,
                host=relay.host or listen_host,
                port=relay.port,
                upstream=relay.upstream,
            )
        )


def listening(listen: Listen, address: Address) -> str:
    """`listening kaillera udp 127.0.0.1:27888 -> 203.0.113.9:27888`."""
    server = f" -> {show_address(listen.upstream)}" if listen.upstream else ""
    return f"listening {listen.protocol} {listen.transport} {show_address(address)}{server}"
