"""Which names lead to us, and to which of our addresses."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.relay.sockets import numeric, route_to
from recordings.errors import UserError


class Names:
    """Which names are ours: exact ones and `*.example.com`; the longest that fits counts."""

    def __init__(self, names: Mapping[str, str | None]) -> None:
        """`names` gives a fixed address, or None for the one on which the client reaches us."""
        self._exact: dict[str, str | None] = {}
        self._below: dict[str, str | None] = {}
        for name, address in names.items():
            if address is not None and numeric(address) is None:
                raise UserError(f"--dns {name}={address}: give a numeric address after the =")
            plain = name.strip().rstrip(".").lower()
            if plain.startswith("*."):
                self._below[plain[2:]] = address
            elif plain == "*":
                self._below[""] = address
            else:
                self._exact[plain] = address

    def find(self, name: str) -> tuple[bool, str | None]:
        """Whether the name is ours, and its fixed address."""
        if name in self._exact:
            return True, self._exact[name]
        rest = name
        while rest:
            rest = rest.partition(".")[2]
            if rest in self._below:
                return True, self._below[rest]
        return False, None


def pick(query_type: str, fixed: str | None, local: str) -> str | None:
    """The address to answer a query of that type with: of the right family, else none.

    `local` is the address on which the client reached us.
    """
    wanted = {"A": False, "ANY": False, "AAAA": True}.get(query_type)
    address = fixed or local
    if wanted is None:
        return None
    if (":" in address) is wanted:
        return address.partition("%")[0]
    if not wanted and fixed is None:  # an IPv6 client asks for our IPv4 address
        return "127.0.0.1" if local == "::1" else route_to("192.0.2.1")
    return None
