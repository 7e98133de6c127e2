"""The records of Server Browser 2 made of the game servers that have registered (gamespy 6.3).

What a server's record holds is packed once for each set of keys and kept with the server until its
facts change; a whole list is kept as long as no server has changed.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from proxy.layouts.given import from_ip
from proxy.layouts.serverlist import HAS_KEYS, HAS_RULES, INLINE, STRING, Layout, Server, Value
from replay.servers._gs_filter import Test
from replay.servers._gs_hosts import Host, Hosts
from replay.standin.world import World

UNSOLICITED, PRIVATE_IP, NEEDS_NATNEG, PORT, PRIVATE_PORT = 1, 2, 4, 0x10, 0x20
MOST_POPULAR = 200
MOST_SETS = 16
"""Sets of keys for which a server's values are kept."""
MOST_LISTS = 32
LONGEST = 255
assert MOST_POPULAR < INLINE

Names = tuple[str, ...]
Listed = tuple[Layout, tuple[Server, ...]]


def layout_of(names: Names, found: Iterable[Host]) -> Layout:
    """The keys, and the values that stand in the list most often."""
    counted: Counter[bytes] = Counter()
    for host in found:
        counted.update(values_of(host, names))
    popular = [text for text, count in counted.most_common(MOST_POPULAR) if count > 1]
    return Layout(tuple((STRING, name.encode("latin-1")) for name in names), tuple(popular))


def values_of(host: Host, names: Names) -> tuple[bytes, ...]:
    """The values of some keys as a list has them."""
    packed = host.packed.get(names)
    if packed is None:
        if len(host.packed) >= MOST_SETS:
            host.packed.clear()
        facts = host.facts
        packed = host.packed[names] = tuple(clean(facts.get(name, "")[:LONGEST]) for name in names)
    return packed


def record(host: Host, names: Names, popular: dict[bytes, int]) -> Server:
    """One server with the values of some keys."""
    flags, parts = _head(host.place[1], host.private, host.facts.get("natneg") == "1")
    if not names:
        return Server(flags, packed_ip(host.place[0]), parts)
    values: tuple[Value, ...] = tuple([popular.get(one, one) for one in values_of(host, names)])
    return Server(flags | HAS_KEYS, packed_ip(host.place[0]), parts, values)


def whole(host: Host) -> Server:
    """One server with everything that it told."""
    flags, parts = _head(host.place[1], host.private, host.facts.get("natneg") == "1")
    rules = tuple((clean(key), clean(text)) for key, text in host.facts.items() if key)
    return Server(flags | HAS_RULES, packed_ip(host.place[0]), parts, (), rules)


@lru_cache(maxsize=32_768)
def _head(
    port: int, private: tuple[str, int] | None, natneg: bool
) -> tuple[int, tuple[bytes, ...]]:
    """Flags, and what stands behind the address."""
    flags = PORT | (NEEDS_NATNEG if natneg else UNSOLICITED)
    public = port.to_bytes(2, "big")
    if private is None:
        return flags, (public,)
    inner = from_ip(private[0]), private[1].to_bytes(2, "big")
    return flags | PRIVATE_IP | PRIVATE_PORT, (public, *inner)


def clean(text: str) -> bytes:
    """A text as records hold it."""
    return text.encode("latin-1", "replace").replace(b"\0", b"")


@lru_cache(maxsize=32_768)
def packed_ip(address: str) -> bytes:
    """The four bytes of an address; of one that is not IPv4: zeros."""
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else found
    return mapped.packed if mapped is not None else bytes(4)


class Lists:
    """The lists that were made last: many players ask for the same one."""

    def __init__(self, world: World) -> None:
        self._hosts = world.shared(Hosts)
        self._version = -1
        self._made: OrderedDict[tuple[object, ...], Listed] = OrderedDict()

    def of(self, game: str, where: str, test: Test, names: Names, most: int | None) -> Listed:
        """Layout and records of a game's servers that fit a filter, `most` at the most."""
        if self._version != self._hosts.version:
            self._version = self._hosts.version
            self._made.clear()
        asked = (game, where, names, most)
        made = self._made.get(asked)
        if made is None:
            made = self._made[asked] = self._make(self.found(game, test, most), names)
            while len(self._made) > MOST_LISTS:
                self._made.popitem(last=False)
        return made

    def found(self, game: str, test: Test, most: int | None) -> list[Host]:
        """A game's servers that fit a filter."""
        return [one for one in self._hosts.of(game) if test(one.facts)][:most]

    @staticmethod
    def _make(found: Sequence[Host], names: Names) -> Listed:
        layout = layout_of(names, found)
        index = {text: at for at, text in enumerate(layout.popular)}
        return layout, tuple(record(one, names, index) for one in found)
