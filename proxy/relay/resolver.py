"""Names of upstream servers to addresses, by name servers of our own choice.

The system's hosts file is ignored: a user who points a game at this machine does it there, or in
our own DNS, and the proxy must not follow and connect to itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from proxy.relay.api import Address, show_address
from proxy.relay.sockets import WILDCARDS, is_ours, numeric
from recordings.errors import UserError

LOCAL_NAMES = {"localhost": "127.0.0.1"}
"""Names that mean this machine everywhere (RFC 6761)."""
FRESH = 300.0
"""Seconds after which a name is looked up anew: a server may move while we run."""
DOUBTED = float("-inf")
"""When a name was looked up at whose address nobody answers."""
PATIENCE = 2.0
"""Seconds to wait for that; then the server is taken to be where it was."""


class Lookup(Protocol):
    """What asks the name servers."""

    async def lookup_ip(self, host: str) -> list[str]:
        """Addresses, IPv4 and IPv6; raises OSError."""
        ...


class Resolver:
    """Resolves upstream names, and remembers what it found, in case nobody answers later."""

    def __init__(
        self,
        name_servers: Sequence[str] = (),
        *,
        offline: bool = False,
        hosts: Mapping[str, str] | None = None,
        lookup: Lookup | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hosts` are names whose address the user knows: nobody is asked for them."""
        for server in name_servers:
            if numeric(server) is None:
                raise UserError(f"--resolver {server!r} is no address: give one like 9.9.9.9")
        self._servers = list(name_servers)
        self._lookup = lookup
        self._offline = offline
        self._clock = clock
        self._found = {_plain(name): address for name, address in (hosts or {}).items()}
        self._asked_at: dict[str, float] = {}

    def known(self, host: str) -> str | None:
        """The address when nobody has to be asked: a number, this machine, or found before."""
        name = _plain(host)
        return numeric(host) or LOCAL_NAMES.get(name) or self._found.get(name)

    def fresh(self, host: str) -> str | None:
        """The same, None if it was found so long ago that it may have changed."""
        at = self._asked_at.get(_plain(host))
        if at is not None and self._clock() - at >= FRESH:
            return None
        return self.known(host)

    def doubt(self, host: str) -> None:
        """Nobody answers at the address of this name: look it up for the next one who comes."""
        name = _plain(host)
        if name in self._asked_at:
            self._asked_at[name] = DOUBTED

    async def resolve(self, host: str) -> str:
        """The numeric address of `host`, IPv4 first; UserError with the cure."""
        known = self.fresh(host)
        if known is not None:
            return known
        if self._offline:
            raise UserError(
                f"{host} is not looked up while offline: give its numeric address, or --hosts-file"
            )
        name = _plain(host)
        before, why = self._found.get(name), "no address"
        try:
            async with asyncio.timeout(None if before is None else PATIENCE):
                found = await self._asked().lookup_ip(name)
        except (OSError, RuntimeError, ValueError) as error:
            found, why = [], getattr(error, "strerror", None) or str(error)
        doubted = self._asked_at.get(name) == DOUBTED
        self._asked_at[name] = self._clock()
        if before is None and not found:
            raise UserError(_unknown(host, why))
        if before not in found or doubted:  # else it holds still
            better = [one for one in found if one != before] or [before or ""]
            self._found[name] = min(better, key=lambda one: ":" in one)
        return self._found[name]

    def _asked(self) -> Lookup:
        if self._lookup is None:
            from proxy.relay.compat import make_lookup

            self._lookup = make_lookup(self._servers)
        return self._lookup


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


_PLAINER = {"NXDOMAIN": "there is no such name"}
"""What name servers say, for a person."""


def _unknown(host: str, why: str) -> str:
    return (
        f"the name {host} does not resolve ({_PLAINER.get(why, why)}): "
        "see to its spelling, or give the server's numeric address, "
        "or another name server with --resolver"
    )


def refuse_ourselves(server: Address, listening: Iterable[Address]) -> None:
    """UserError when `server` is where we listen: the proxy would connect to itself."""
    host, port = server
    for at, bound in listening:
        if bound != port:
            continue
        if at == host or (at in WILDCARDS.values() and is_ours(host)):
            raise UserError(
                f"the upstream {show_address(server)} is this proxy itself: give the real "
                "server's numeric address, or --resolver with a name server that knows it"
            )


def system_name_server() -> Address | None:
    """The name server that this machine itself asks, if it names one."""
    from proxy.relay.compat import system_name_servers

    found = [one for one in system_name_servers() if numeric(one)]
    return (found[0], 53) if found else None
