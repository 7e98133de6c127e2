"""What the ways by which traffic comes in need besides a mode of mitmproxy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from proxy.plan import Plan
from proxy.relay.engine import Engine
from proxy.relay.resolver import Resolver
from proxy.relay.sockets import route_to
from recordings.errors import UserError

CLIENT_FILE = "wireguard-client.conf"
ANYWHERE = ("0.0.0.0:", "[::]:", ":::")


def write_tunnel(text: str, folder: Path) -> str:
    """Write what a WireGuard client is to be told into a file that can be carried to it."""
    here = route_to("192.0.2.1") or "127.0.0.1"
    for wildcard in ANYWHERE:
        text = text.replace(f"Endpoint = {wildcard}", f"Endpoint = {here}:")
    path = folder / CLIENT_FILE
    try:
        path.write_text(text + "\n", "utf-8")
        path.chmod(0o600)  # there is a key in it
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error
    return f"wireguard settings for the phone or PC: {path}"


def open_way(engine: Engine, mode: str) -> str | None:
    """Open what a mode needs besides mitmproxy's own; why something of it is left out, if it is."""
    kind, _, at = mode.partition("@")
    if kind == "transparent":
        host, _, port = at.rpartition(":")
        try:
            engine.open_transparent(host, int(port))
        except UserError as error:
            return f"UDP is left out of {mode}: {error}"
    return None


def tunnel_names(
    names: Mapping[str, str | None], plan: Plan, resolver: Resolver
) -> dict[str, str | None]:
    """The names that a WireGuard client is told our answer to: the address of the real server.

    Everything comes by us anyway; a name that we know no server of is left to the name server.
    """
    servers: dict[str | None, str] = {}
    for planned in plan.listeners:
        address = planned.listen.upstream and resolver.known(planned.listen.upstream[0])
        if address:
            servers[planned.listen.hostname] = address
    only = next(iter(servers.values())) if len(set(servers.values())) == 1 else None
    found = {name: address or servers.get(name) or only for name, address in names.items()}
    return {name: address for name, address in found.items() if address}
