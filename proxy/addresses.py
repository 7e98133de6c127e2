"""What kind of address an announced host is: a number, private, or nobody's."""

from __future__ import annotations

import ipaddress
from typing import TypeAlias

Number: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_PRIVATE = tuple(
    ipaddress.ip_network(net)
    for net in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
        *("127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fe80::/10", "fc00::/7"),
    )
)


def number(host: str) -> Number | None:
    """The address when the host is a number, else None."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def private(address: Number) -> bool:
    """Whether an address is one of a network of somebody's own."""
    return any(address in net for net in _PRIVATE)


def usable(host: str) -> bool:
    """Whether a host can be connected to: a number that is somebody's, or a name."""
    address = number(host)
    if address is not None:
        return not (address.is_unspecified or address.is_multicast)
    return bool(host) and host[0].isalnum() and all(c.isalnum() or c in ".-_" for c in host)
