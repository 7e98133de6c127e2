"""Three hosts in network namespaces of the test's own: a client, the proxy, a server.

    client 10.77.1.2 -- 10.77.1.1 proxy 10.77.2.1 -- 10.77.2.2 server

The proxy forwards between them, as a home router does. Making namespaces needs root on Linux.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

CLIENT, PROXY, PROXY_OUT, SERVER = "10.77.1.2", "10.77.1.1", "10.77.2.1", "10.77.2.2"
CLONE_NEWNET = 0x40000000
PATIENCE = 10.0
T = TypeVar("T")


def _ip(*words: str, netns: str | None = None) -> str:
    inside = ["-n", netns] if netns else []
    done = subprocess.run(
        ["ip", *inside, *words], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


@functools.cache
def lacking(*tools: str) -> str | None:
    """Why namespaces cannot be made here, None when they can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    for tool in ("ip", *tools):
        if shutil.which(tool) is None:
            return f"the program {tool} is not installed"
    name = f"understudy{os.getpid()}t"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except (RuntimeError, subprocess.SubprocessError) as error:
        return f"no network namespace can be made: {error}"
    return None


def needs_netns(*tools: str) -> pytest.MarkDecorator:
    """Skips, saying why, where namespaces or these programs are missing."""
    why = lacking(*tools)
    return pytest.mark.skipif(why is not None, reason=why or "")


class Host:
    """One namespace."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._sockets: list[socket.socket] = []

    def close(self) -> None:
        """Close every socket that was made here; who waits for one is woken."""
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _keep(self, sock: socket.socket) -> socket.socket:
        self._sockets.append(sock)
        return sock

    @property
    def under(self) -> tuple[str, ...]:
        """What runs a program in it."""
        return ("ip", "netns", "exec", self.name)

    def run(self, *words: str, check: bool = True, input: str | None = None) -> str:
        """What a program says in it."""
        done = subprocess.run(
            [*self.under, *words],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            input=input,
        )
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def inside(self, call: Callable[..., T], *arguments: Any) -> T:
        """What a call gives in a thread that is in the namespace; its sockets stay there."""
        result: list[T] = []
        errors: list[BaseException] = []

        def enter() -> None:
            try:
                with Path(f"/run/netns/{self.name}").open("rb") as file:
                    libc = ctypes.CDLL(None, use_errno=True)
                    if libc.setns(file.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                result.append(call(*arguments))
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(PATIENCE)
        if errors:
            raise errors[0]
        return result[0]

    def udp(self, host: str = "0.0.0.0", port: int = 0) -> socket.socket:
        """A UDP socket in it, with a deadline."""

        def make() -> socket.socket:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((host, port))
            sock.settimeout(PATIENCE)
            return sock

        return self._keep(self.inside(make))

    def connect(self, host: str, port: int) -> socket.socket:
        """A TCP connection from it."""
        return self._keep(self.inside(socket.create_connection, (host, port), PATIENCE))

    def listen(self, host: str, port: int) -> socket.socket:
        """A listening TCP socket in it."""
        sock = self.inside(socket.create_server, (host, port))
        sock.settimeout(PATIENCE)
        return self._keep(sock)

    def packets(self, device: str) -> int:
        """How many packets it has sent by a device."""
        shown = json.loads(_ip("-s", "-j", "link", "show", "dev", device, netns=self.name))
        return int(shown[0]["stats64"]["tx"]["packets"])


class Net:
    """The three hosts."""

    def __init__(self, name: str) -> None:
        self.client, self.proxy, self.server = (Host(name + end) for end in "cps")

    def hosts(self) -> list[Host]:
        return [self.client, self.proxy, self.server]


def _joined(one: Host, other: Host, devices: tuple[str, str], addresses: tuple[str, str]) -> None:
    draft = f"{one.name[-6:]}x", f"{other.name[-6:]}y"
    _ip("link", "add", draft[0], "type", "veth", "peer", "name", draft[1])
    for host, made, device, address in zip((one, other), draft, devices, addresses, strict=True):
        _ip("link", "set", made, "netns", host.name, "name", device)
        _ip("addr", "add", f"{address}/24", "brd", "+", "dev", device, netns=host.name)
        _ip("link", "set", device, "up", netns=host.name)


@contextlib.contextmanager
def three_hosts() -> Iterator[Net]:
    """The hosts, gone at the end."""
    net = Net(f"us{os.getpid()}")
    try:
        for host in net.hosts():
            _ip("netns", "add", host.name)
            _ip("link", "set", "lo", "up", netns=host.name)
            host.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", check=False)
        _joined(net.client, net.proxy, ("game", "inside"), (CLIENT, PROXY))
        _joined(net.proxy, net.server, ("outside", "net"), (PROXY_OUT, SERVER))
        _ip("route", "add", "default", "via", PROXY, netns=net.client.name)
        _ip("route", "add", "default", "via", SERVER, netns=net.proxy.name)
        _ip("route", "add", "default", "via", PROXY_OUT, netns=net.server.name)
        net.proxy.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        yield net
    finally:
        for host in net.hosts():
            host.close()
            with contextlib.suppress(RuntimeError):
                _ip("netns", "del", host.name)


def echo(sock: socket.socket) -> None:
    """Answer datagrams or connections in capitals, until the socket is closed."""

    def datagrams() -> None:
        while True:
            data, peer = sock.recvfrom(65536)
            sock.sendto(data.upper(), peer)

    def connections() -> None:
        while True:
            connection, _ = sock.accept()
            with connection:
                while data := connection.recv(65536):
                    connection.sendall(data.upper())

    def run() -> None:
        with contextlib.suppress(OSError):
            (datagrams if sock.type == socket.SOCK_DGRAM else connections)()

    threading.Thread(target=run, daemon=True).start()
