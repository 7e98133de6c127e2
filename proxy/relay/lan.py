"""LAN discovery: what a client broadcasts on its network is broadcast on our other networks too.

Each machine that answers gets a port of ours toward that client: the game can join it through us.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
from collections.abc import Callable, Iterable

from proxy.relay.api import Address

_SIZE = 256
_LINUX = sys.platform == "linux"
# SIOCGIFADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK of linux/sockios.h and of BSD's sys/sockio.h
_ADDRESS, _BROADCAST, _NETMASK = (
    (0x8915, 0x8919, 0x891B) if _LINUX else (0xC0206921, 0xC0206923, 0xC0206925)
)
ANYWHERE = "255.255.255.255"
ECHO = 0.1
"""Seconds within which the very same bytes of another sender are our own coming back: two proxies
between the same networks would send them to and fro for ever."""
REMEMBERED = 256


def networks() -> list[tuple[ipaddress.IPv4Network, str]]:
    """The IPv4 networks that this machine is on, with their broadcast addresses."""
    try:
        import fcntl
    except ImportError:  # Windows: the system chooses a network
        return [(ipaddress.IPv4Network("0.0.0.0/32"), ANYWHERE)]
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

        def ask(name: str, request: int) -> str:
            asked = name.encode()[:15].ljust(_SIZE, b"\0")
            return socket.inet_ntoa(fcntl.ioctl(sock.fileno(), request, asked)[20:24])

        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError, ValueError):
                address, mask = ask(name, _ADDRESS), ask(name, _NETMASK)
                network = ipaddress.IPv4Network((address, mask), strict=False)
                if not network.is_loopback and network.prefixlen < 31:
                    found.append((network, ask(name, _BROADCAST)))
    return found


def targets(client: str, port: int, server: Address | None) -> list[Address]:
    """Where a client's broadcast goes: to the networks that it is not on, and to the server."""
    number = ipaddress.ip_address(client)
    found = [(broadcast, port) for network, broadcast in networks() if number not in network]
    if server is not None and server not in found:
        found.append(server)
    return found


class Echoes:
    """Tells broadcasts that are our own coming back from those of clients."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._time = time
        self._sent: dict[bytes, tuple[float, str]] = {}

    def is_one(self, data: bytes, client: str) -> bool:
        """Whether another sender had the very same bytes a moment ago; they are remembered."""
        now = self._time()
        at, sender = self._sent.get(data, (0.0, client))
        if sender != client and now - at < ECHO:
            return True
        self._sent[data] = now, client
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return False


def broadcaster(
    sock: socket.socket, to: Iterable[Address], is_echo: Callable[[bytes], bool]
) -> Callable[[bytes], int]:
    """Sends a datagram to all of these that can be reached."""
    addresses = list(to)

    def send(data: bytes) -> int:
        if not is_echo(data):
            for address in addresses:
                with contextlib.suppress(OSError):
                    sock.sendto(data, address)
        return len(data)

    return send
