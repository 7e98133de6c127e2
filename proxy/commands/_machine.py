"""What `understudy doctor` looks at: each look gives findings, `ok` or what to do."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from proxy.relay.api import show_address
from proxy.relay.sockets import bind, local_addresses, route_to
from recordings.errors import UserError
from recordings.model import Transport

ROOM = 2 << 30
"""Bytes of disk that an evening of recording should have."""
NOT_BEFORE = 2025
"""A clock that shows an earlier year is wrong."""
ASK = 1.0
"""Seconds for an answer of our DNS."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    about: str
    text: str
    todo: str | None = None
    """What to do; None: nothing is known to be wrong."""
    known: bool = True
    """Whether it could be looked at."""

    @property
    def mark(self) -> str:
        """`ok`, `todo`, or `?` for what nobody could look at."""
        return "todo" if self.todo else "ok" if self.known else "?"


def versions() -> Iterator[Finding]:
    """Python and the libraries that matter."""
    python = platform.python_version()
    old = sys.version_info < (3, 11)
    yield Finding("python", python, "install Python 3.11 or newer" if old else None)
    for name in ("understudy", "mitmproxy"):
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "not installed", "install it with: pipx install understudy")
    yield Finding("system", f"{platform.system()} {platform.release()}")


def privileges(ports: Sequence[int]) -> Iterator[Finding]:
    """Whether low ports and transparent sockets may be had."""
    low = sorted({port for port in ports if 0 < port < _first_free_port()})
    names = ", ".join(map(str, low))
    if low:
        cure = None if _may_bind(low[0]) else "run as administrator (sudo), or choose other ports"
        yield Finding("privileges", f"ports below {_first_free_port()}: {names}", cure)
    else:
        yield Finding("privileges", "no port needs administrator rights")
    if sys.platform == "linux":
        root = _may_be_transparent()
        yield Finding(
            "transparent",
            "UDP for others may be taken" if root else "UDP for others needs root (CAP_NET_ADMIN)",
            None if root else "for --mode transparent run as root; else take wireguard or DNS",
        )


def _first_free_port() -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text("ascii"))
    return 1024 if sys.platform not in ("win32", "darwin") else 0


def _may_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except PermissionError:
            return False
        except OSError:
            return True  # taken, which is another matter
    return True


def _may_be_transparent() -> bool:
    from proxy.relay.tproxy import IP_TRANSPARENT

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
        except OSError:
            return False
    return True


def port(transport: Transport, host: str, number: int, what: str) -> Finding:
    """Whether a port is free, or who has it."""
    about = f"port {number}/{transport}"
    try:
        bind(transport, host, number).close()
    except UserError as error:
        owner = holder(transport, number)
        who = f"{what}: taken by {owner}" if owner else f"{what}: {error}"
        if owner is None and isinstance(error.__cause__, PermissionError):
            return Finding(about, who, "start Understudy with administrator rights (sudo)")
        yours = "it is Understudy that runs already, or " if owner and "python" in owner else ""
        return Finding(about, who, f"{yours}end that program, or give {what} another port")
    return Finding(about, f"free, for {what}")


def holder(transport: Transport, number: int) -> str | None:
    """The program that has a port, as `name (process 123)`; Linux only."""
    wanted: set[str] = set()
    for name in (transport.value, f"{transport.value}6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{name}").read_text("utf-8").splitlines()[1:]:
                words = line.split()
                if words[1].endswith(f":{number:04X}") and words[3] in ("0A", "07"):
                    wanted.add(f"socket:[{words[9]}]")
    for folder in Path("/proc").glob("[0-9]*") if wanted else ():
        with contextlib.suppress(OSError):
            for file in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(file.readlink()) in wanted:
                        name = (folder / "comm").read_text("utf-8", "replace").strip()
                        return f"{name} (process {folder.name})"
    return "a program of another user" if wanted else None


def firewall() -> Finding:
    """Whether something is likely to keep clients away."""
    if sys.platform != "linux":
        where = {"win32": "Windows Defender Firewall", "darwin": "System Settings > Firewall"}
        program = where.get(sys.platform, "the firewall")
        return Finding(
            "firewall", f"not looked at: allow Python in {program} when it asks", known=False
        )
    rules = _said("nft", "list", "ruleset") if shutil.which("nft") else None
    if rules is None:
        return Finding("firewall", "not looked at (nft is missing, or needs root)", known=False)
    closed = [
        line.strip()
        for line in rules.splitlines()
        if "hook input" in line and "policy drop" in line
    ]
    if closed:
        allow = "nft insert rule inet filter input udp dport { 53 } accept, and so on for each port"
        return Finding("firewall", "what comes in is dropped unless allowed", f"allow it: {allow}")
    return Finding("firewall", "nothing drops all that comes in")


def _said(*words: str) -> str | None:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def echo() -> Finding:
    """Whether this machine answers ping: EA's clients ask before they connect."""
    quiet = "it does not answer ping, which EA's games need"
    with contextlib.suppress(OSError, ValueError):
        if int(Path("/proc/sys/net/ipv4/icmp_echo_ignore_all").read_text("ascii")):
            return Finding("ping", quiet, "sysctl -w net.ipv4.icmp_echo_ignore_all=0")
    if sys.platform == "win32":
        cure = 'netsh advfirewall firewall add rule name="ping" protocol=icmpv4:8,any dir=in '
        return Finding("ping", "not looked at; EA's games need it", f"{cure}action=allow")
    return Finding("ping", "this machine answers it (EA's games need that)")


def clock() -> Finding:
    """Whether the clock can be right."""
    now = datetime.now(UTC)
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if now.year < NOT_BEFORE:
        return Finding("clock", shown, "set the clock: recordings carry its time")
    synchronized = _said("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    if synchronized and synchronized.strip() == "no":
        return Finding("clock", f"{shown}, not set by the network", "timedatectl set-ntp true")
    return Finding("clock", shown)


def disk(folder: Path) -> Finding:
    """Whether recordings have room."""
    free = shutil.disk_usage(folder).free
    shown = f"{free / (1 << 30):.1f} GiB free in {folder}"
    return Finding(
        "disk", shown, "free some space, or record elsewhere (-w)" if free < ROOM else None
    )


def addresses() -> list[str]:
    """The IPv4 addresses by which others can reach this machine, the likeliest first."""
    likely = route_to("192.0.2.1")
    found = [one for one in local_addresses(False) if not one.startswith("127.")]
    return sorted(found, key=lambda one: (one != likely, one))


def answer(name: str, server: str, number: int) -> str | None:
    """What a DNS at that address tells a client about a name; None: it does not answer."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = os.urandom(2) + struct.pack("!5H", 0x0100, 1, 0, 0, 0) + labels
    query += b"\0" + struct.pack("!2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(ASK)
        try:
            sock.connect((server, number))
            sock.send(query)
            data = sock.recv(4096)
        except OSError:
            return None
    if len(data) < 12 or data[:2] != query[:2]:
        return None
    if data[3] & 0xF or not int.from_bytes(data[6:8], "big"):
        return "no address"
    return socket.inet_ntoa(data[-4:]) if len(data) >= 16 else "no address"


def dns(name: str, server: str, number: int) -> Finding:
    """Whether our DNS leads a name to us."""
    told = answer(name, server, number)
    where = show_address((server, number))
    if told is None:
        text = f"nobody answers at {where}: `understudy record` does not run yet"
        return Finding("dns", text, known=False)
    if told in local_addresses(False):
        return Finding("dns", f"{where} says that {name} is {told}, this machine")
    return Finding("dns", f"{where} says of {name}: {told}", "let Understudy's DNS have that port")
