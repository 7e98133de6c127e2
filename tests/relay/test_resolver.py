"""Names of upstream servers."""

from __future__ import annotations

import asyncio

import pytest

from proxy.relay.resolver import FRESH, Resolver, refuse_ourselves
from recordings.errors import UserError


class Book:
    def __init__(self, **names: list[str]) -> None:
        self.names = names
        self.asked: list[str] = []

    async def lookup_ip(self, host: str) -> list[str]:
        self.asked.append(host)
        try:
            return self.names[host.replace(".", "_")]
        except KeyError:
            raise OSError("no such host") from None


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::1", "::1"),
        ("localhost", "127.0.0.1"),
        ("LocalHost.", "127.0.0.1"),
    ],
)
def test_nobody_is_asked_for_a_number(host: str, address: str) -> None:
    book = Book()
    for offline in (False, True):
        resolver = Resolver(lookup=book, offline=offline)
        assert resolver.known(host) == address
        assert asyncio.run(resolver.resolve(host)) == address
    assert book.asked == []


def test_a_name_is_asked_once_and_ipv4_comes_first() -> None:
    book = Book(master_example_com=["2001:db8::1", "203.0.113.9", "203.0.113.10"])
    resolver = Resolver(lookup=book)
    assert resolver.known("master.example.com") is None
    for name in ("Master.Example.com", "master.example.com."):
        assert asyncio.run(resolver.resolve(name)) == "203.0.113.9"
    assert resolver.known("MASTER.example.com") == "203.0.113.9"
    assert book.asked == ["master.example.com"]


class Time:
    """A clock that the test drives."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_server_that_moves_is_found_again_and_one_that_stays_is_kept() -> None:
    book, clock, name = Book(a_example=["203.0.113.1", "203.0.113.2"]), Time(), "a.example"
    resolver = Resolver(lookup=book, clock=clock)
    assert asyncio.run(resolver.resolve(name)) == "203.0.113.1"
    clock.now += FRESH - 1
    assert resolver.fresh(name) == "203.0.113.1"
    clock.now += 1
    assert resolver.fresh(name) is None
    assert resolver.known(name) == "203.0.113.1"
    book.names["a_example"] = ["203.0.113.2", "203.0.113.1"]  # in turns, as name servers do
    assert asyncio.run(resolver.resolve(name)) == "203.0.113.1"
    resolver.doubt(name)  # but nobody answers there
    assert resolver.fresh(name) is None
    assert asyncio.run(resolver.resolve(name)) == "203.0.113.2"
    clock.now += FRESH
    book.names["a_example"] = ["203.0.113.3"]
    assert asyncio.run(resolver.resolve(name)) == "203.0.113.3"
    resolver.doubt(name)
    assert asyncio.run(resolver.resolve(name)) == "203.0.113.3", "there is no other"


def test_where_it_was_last_counts_while_no_name_server_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent(Book):
        async def lookup_ip(self, host: str) -> list[str]:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    monkeypatch.setattr("proxy.relay.resolver.PATIENCE", 0.01)
    clock, name = Time(), "a.example"
    for silent in (Book(), Book(a_example=[]), Silent()):
        resolver = Resolver(lookup=Book(a_example=["203.0.113.1"]), clock=clock)
        assert asyncio.run(resolver.resolve(name)) == "203.0.113.1"
        clock.now += FRESH
        resolver._lookup = silent
        assert asyncio.run(resolver.resolve(name)) == "203.0.113.1"
        assert resolver.fresh(name) == "203.0.113.1", "nobody is asked again at once"


@pytest.mark.parametrize("book", [Book(), Book(gone_example_com=[])])
def test_a_name_that_does_not_resolve_is_said_with_the_cure(book: Book) -> None:
    with pytest.raises(UserError, match=r"gone\.example\.com .*--resolver"):
        asyncio.run(Resolver(lookup=book).resolve("gone.example.com"))


def test_offline_nobody_is_asked() -> None:
    book = Book(master_example_com=["203.0.113.9"])
    with pytest.raises(UserError, match="offline"):
        asyncio.run(Resolver(lookup=book, offline=True).resolve("master.example.com"))
    assert book.asked == []


def test_a_name_server_must_be_an_address() -> None:
    with pytest.raises(UserError, match="--resolver"):
        Resolver(["dns.example.com"])


def test_mitmproxys_own_resolver_can_be_made() -> None:
    resolver = Resolver(["192.0.2.53"])
    assert callable(resolver._asked().lookup_ip)


@pytest.mark.parametrize(
    ("server", "listening", "refused"),
    [
        (("127.0.0.1", 5000), ("127.0.0.1", 5000), True),
        (("127.0.0.1", 5001), ("127.0.0.1", 5000), False),
        (("192.0.2.1", 5000), ("127.0.0.1", 5000), False),
        (("127.0.0.1", 5000), ("0.0.0.0", 5000), True),
        (("192.0.2.1", 5000), ("0.0.0.0", 5000), False),
    ],
)
def test_our_own_address_is_no_upstream(
    server: tuple[str, int], listening: tuple[str, int], refused: bool
) -> None:
    if not refused:
        refuse_ourselves(server, [listening])
        return
    with pytest.raises(UserError, match=f"{server[0]}:{server[1]} is this proxy itself"):
        refuse_ourselves(server, [listening])


def test_of_names_that_the_user_gave_nobody_is_asked() -> None:
    for offline in (True, False):
        resolver = Resolver(offline=offline, hosts={"Game.Example.": "203.0.113.9"})
        assert resolver.known("game.example") == "203.0.113.9"
        assert asyncio.run(resolver.resolve("GAME.example.")) == "203.0.113.9"
