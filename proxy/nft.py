"""The commands that lead a client's traffic here on Linux, and those that undo them.

TCP by nftables' REDIRECT, UDP by TPROXY, which takes a routing rule of its own
(Documentation/networking/tproxy.rst of the kernel). Text only: nothing is run here.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

TABLE = "understudy"
MARK = 0x75
"""Of packets that TPROXY leads here, and the number of the routing table for them."""


@dataclass(frozen=True, slots=True)
class Way:
    """Which traffic is led where."""

    interface: str
    """By which the clients' packets come in."""
    port: int = 8080
    """Of `--mode transparent`."""
    client: str | None = None
    """Only this one's; None: everybody's."""
    ports: Sequence[int] = ()
    """Only to these ports of servers; empty: to all."""


def _match(way: Way, transport: str) -> str:
    parts = [f'iifname "{way.interface}"']
    if way.client:
        parts.append(f"ip saddr {way.client}")
    parts.append("fib daddr type != { local, broadcast, multicast }")
    if way.ports:
        parts.append(f"{transport} dport {{ {', '.join(map(str, sorted(set(way.ports))))} }}")
    else:
        parts.append(f"meta l4proto {transport}")
    return " ".join(parts)


def apply(way: Way) -> list[list[str]]:
    """The commands, each as its words; to be run as root, in order."""
    chains = (
        ("redirect_tcp", "type nat hook prerouting priority dstnat;"),
        ("tproxy_udp", "type filter hook prerouting priority mangle;"),
    )
    table = ["nft", "add", "table", "ip", TABLE]
    commands = [["sysctl", "-w", "net.ipv4.ip_forward=1"], table]
    commands += [["nft", f"add chain ip {TABLE} {name} {{ {hook} }}"] for name, hook in chains]
    commands += [
        ["nft", f"add rule ip {TABLE} redirect_tcp {_match(way, 'tcp')} redirect to :{way.port}"],
        [
            "nft",
            f"add rule ip {TABLE} tproxy_udp {_match(way, 'udp')} "
            f"tproxy to :{way.port} meta mark set {MARK:#x} accept",
        ],
        ["ip", "rule", "add", "fwmark", f"{MARK:#x}", "lookup", str(MARK)],
        ["ip", "route", "add", "local", "default", "dev", "lo", "table", str(MARK)],
    ]
    return commands


def undo() -> list[list[str]]:
    """The commands that take it all back; forwarding is left as it is."""
    return [
        ["nft", "delete", "table", "ip", TABLE],
        ["ip", "rule", "del", "fwmark", f"{MARK:#x}", "lookup", str(MARK)],
        ["ip", "route", "flush", "table", str(MARK)],
    ]


def shown(commands: Sequence[Sequence[str]]) -> str:
    """As lines that can be pasted into a root shell."""
    return "\n".join(shlex.join(words) for words in commands)
