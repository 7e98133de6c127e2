"""Where sockets are made: the listening ones with an error that names the cure, and ours outward.

`Outward` is the promise of `--offline`: nothing of the relay connects or sends to anybody but the
clients except through it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
import sys

from proxy.relay.api import Address, show_address
from proxy.relay.stream import Make, dial
from recordings.errors import UserError
from recordings.model import Transport

WILDCARDS = {"": "0.0.0.0", "*": "0.0.0.0", "0.0.0.0": "0.0.0.0", "::": "::"}  # noqa: S104
RECEIVE_BUFFER = 4 << 20
SEND_BUFFER = 1 << 20
"""A burst is not to be refused, and macOS sends no datagram longer than 9,216 bytes without."""
BACKLOG = 512

_KINDS = {Transport.TCP: socket.SOCK_STREAM, Transport.UDP: socket.SOCK_DGRAM}


def plain_address(address: tuple[str | int, ...]) -> Address:
    """Host and port of what a socket calls its address (IPv6 has two more items)."""
    return str(address[0]), int(address[1])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def numeric(host: str) -> str | None:
    """The address when `host` is one already, brackets removed; None for a name."""
    bare = host.strip("[]")
    try:
        ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return bare


_BIND_CURES: dict[int, str] = {
    errno.EADDRINUSE: "is in use: end the program that listens there, or choose another port",
    errno.EACCES: "needs administrator rights: start it with sudo, or choose a port above 1023",
    errno.EADDRNOTAVAIL: "is no address of this machine: give one that it has, or 127.0.0.1",
    errno.EAFNOSUPPORT: "cannot be used, this machine has no IPv6: give an IPv4 address",
    errno.EMFILE: "cannot be opened, too many files are open: raise the limit with `ulimit -n`",
}
_WINDOWS_ERRORS = {
    10013: errno.EADDRINUSE,  # exclusive use by another program
    10048: errno.EADDRINUSE,
    10049: errno.EADDRNOTAVAIL,
    10047: errno.EAFNOSUPPORT,
}


def _bind_error(error: OSError, transport: Transport, address: Address) -> UserError:
    number = _WINDOWS_ERRORS.get(error.errno or 0, error.errno or 0)
    cure = _BIND_CURES.get(number, f"cannot be opened ({error}): choose another address or port")
    return UserError(f"{transport} {show_address(address)} {cure}")


def bind(transport: Transport, host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A bound, non-blocking socket; listening already if it is TCP. Raises UserError.

    `shared` lets several of our own sockets stand on one port, each for another address.
    """
    at = numeric(WILDCARDS.get(host, host)) or ("127.0.0.1" if host == "localhost" else None)
    if at is None:
        raise UserError(f"{host!r} is no address to listen on: give one like 127.0.0.1")
    if not 0 <= port <= 65535:
        raise UserError(f"{port} is no port: give one from 0 to 65535")
    sock = None
    try:
        sock = socket.socket(_family(at), _KINDS[transport])
        _prepare(sock, transport, shared)
        sock.bind((at, port))
        if transport is Transport.TCP:
            sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise _bind_error(error, transport, (at, port)) from error
    return sock


def _prepare(sock: socket.socket, transport: Transport, shared: bool) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if sys.platform == "win32":
        if not shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    elif transport is Transport.TCP or shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if transport is Transport.UDP:
        _prepare_udp(sock)


def _prepare_udp(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)


def is_ours(host: str) -> bool:
    """Whether this machine has that address: a socket can be bound to it."""
    try:
        with socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def route_to(host: str) -> str | None:
    """The address of ours by which that host reaches us; None when there is no way to it."""
    try:
        with socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))  # sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return None


def local_addresses(ipv6: bool) -> list[str]:
    """The addresses of this machine's interfaces, as far as the system tells."""
    found = {"::1" if ipv6 else "127.0.0.1"}
    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    with contextlib.suppress(OSError):
        for info in socket.getaddrinfo(socket.gethostname(), None, family):
            found.add(str(info[4][0]))
    with contextlib.suppress(OSError, ImportError):
        found.update(_linux_ipv6() if ipv6 else _unix_ipv4())
    return sorted(one for one in found if not one.startswith("fe80") and is_ours(one))


def _unix_ipv4() -> set[str]:
    """The IPv4 address of every interface, by ioctl SIOCGIFADDR."""
    import fcntl

    request = 0x8915 if sys.platform == "linux" else 0xC0206921
    found = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):
                asked = name.encode()[:15].ljust(256, b"\0")
                found.add(socket.inet_ntoa(fcntl.ioctl(sock.fileno(), request, asked)[20:24]))
    return found


def _linux_ipv6() -> set[str]:
    """The IPv6 addresses that Linux lists."""
    with open("/proc/net/if_inet6", encoding="ascii") as lines:
        return {str(ipaddress.IPv6Address(int(line.split()[0], 16))) for line in lines}


def bind_datagrams(host: str, port: int) -> list[socket.socket]:
    """The UDP sockets of a listener: one, or on a wildcard one more for each local address.

    An answer leaves from the address that its socket is bound to, so that a client of a machine
    with several addresses hears from the one that it asked. Raises UserError.
    """
    if host not in WILDCARDS:
        return [bind(Transport.UDP, host, port)]
    # First alone, so that a port which another program holds is found out.
    with bind(Transport.UDP, host, port) as probe:
        port = probe.getsockname()[1]
    sockets = [bind(Transport.UDP, host, port, shared=True)]
    for address in local_addresses(":" in host):
        with contextlib.suppress(UserError):  # gone meanwhile: the wildcard serves it
            sockets.append(bind(Transport.UDP, address, port, shared=True))
    return sockets


TRIES = 20
"""For one free port on both transports."""


def bind_both(host: str, port: int) -> tuple[list[socket.socket], socket.socket]:
    """Sockets on one port for both transports; UserError."""
    for tries in range(TRIES):
        stream = bind(Transport.TCP, host, port)
        try:
            return bind_datagrams(host, stream.getsockname()[1]), stream
        except UserError:
            stream.close()
            if port or tries == TRIES - 1:
                raise
    raise AssertionError("unreachable")


class Offline(UserError):
    """Somebody asked for a connection although the relay is offline."""


class Outward:
    """The only way out: makes the sockets that connect to somebody who is not a client."""

    def __init__(self, *, offline: bool = False) -> None:
        self.offline = offline

    def check(self, what: str) -> None:
        """Raises Offline when nothing may leave."""
        if self.offline:
            raise Offline(f"{what} is not contacted: leave out --offline to allow it")

    async def connect(self, make: Make, server: Address, timeout: float) -> None:
        """A TCP connection to a numeric address; OSError (TimeoutError too) or Offline."""
        self.check(show_address(server))
        async with asyncio.timeout(timeout):
            await dial(make, server)

    async def streams(self, server: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A TCP connection for a short question; OSError or Offline."""
        self.check(show_address(server))
        return await asyncio.open_connection(*server)

    def datagrams(self, server: Address, *, connected: bool = True) -> socket.socket:
        """A non-blocking UDP socket to a numeric address; OSError or Offline.

        Not `connected`, it hears everybody, so that other players reach a client of ours.
        """
        self.check(show_address(server))
        sock = socket.socket(_family(server[0]), socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            _prepare_udp(sock)
            if connected:
                sock.connect(server)
            else:
                sock.bind((WILDCARDS["::" if ":" in server[0] else ""], 0))
        except OSError:
            sock.close()
            raise
        return sock
