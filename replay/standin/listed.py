"""How a stand-in has itself listed by somebody else's list server: what is said there, sans-io.

Only when the user names a list (`--announce`); the rules of a protocol know how its lists are told
(`Rules.announcer`). The sockets are in replay/transport_announcing.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.options import read_endpoint
from proxy.relay.api import show_address
from recordings.errors import UserError


@dataclass(frozen=True, slots=True)
class ListServer:
    """A list server that the user named."""

    host: str
    port: int | None = None
    """None: the usual one of its protocol."""
    path: str = ""
    """Of the page, where the list is told by HTTP; empty: the usual one."""


class Announcer(Protocol):
    """Tells one list about us. Bytes in, bytes out; the transport keeps the time."""

    port: int
    """Where such a list listens, usually."""
    every: float
    """Seconds between two words to the list."""
    lasting: bool
    """One connection for as long as we are listed, not one for each word."""

    def begin(self, host: str) -> bytes:
        """What is said first on a connection; `host` is the list's name."""
        ...

    def go_on(self) -> bytes:
        """What is said next on a lasting connection."""
        ...

    def heard(self, data: bytes) -> str | None:
        """What the list said: all of it, or since the last time. A sentence: why it refuses."""
        ...


def read_list(text: str) -> ListServer:
    """Read `HOST[:PORT][/PATH]`, as it is or behind http://; raises UserError."""
    where, slash, path = text.removeprefix("http://").partition("/")
    found = read_endpoint(where)
    if found is None or found[1] == 0:
        raise UserError(f"--announce {text!r} is no list server: write HOST, HOST:PORT or a page")
    return ListServer(found[0], found[1], slash + path if path else "")


def show_list(one: ListServer, port: int) -> str:
    """`HOST:PORT`, for events."""
    return show_address((one.host, one.port or port))


def check_lists(lists: Sequence[ListServer], protocols: Sequence[str], offline: bool) -> None:
    """Raises UserError where announcing cannot be."""
    if lists and offline:
        raise UserError("--announce contacts a list server, --offline forbids it: leave one out")
    if lists and not protocols:
        raise UserError(
            "--announce goes with a game whose servers are listed: Kaillera or Jazz Jackrabbit 2"
        )
