"""GameSpy's master and server browser by rules through the real command, over real sockets."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from replay.servers._gs_filter import FilterError, read_filter
from tests.replay.standin.gamespy_lists import SECRET, Browser, GameServer, datagrams
from tests.replay.standin.test_serve_gamespy import Services
from tests.running import read_all


class Lists(Services):
    """The services, with game servers and browsers."""

    def server(self, **facts: object) -> GameServer:
        one = GameServer(self.ports["query"], **facts)  # type: ignore[arg-type]
        self.games.append(one)  # type: ignore[arg-type]
        one.register()
        one.hears(0x0A)
        return one

    def browser(self) -> Browser:
        one = Browser(self.ports["browser2"])
        self.games.append(one)  # type: ignore[arg-type]
        return one


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Lists]:
    services = Lists(tmp_path)
    yield services
    services.close()


def test_the_services_are_available(services: Lists) -> None:
    with datagrams() as asker:
        asker.sendto(b"\x09\0\0\0\0gmtest\0", ("127.0.0.1", services.ports["query"]))
        assert asker.recv(64) == b"\xfe\xfd\x09\0\0\0\0"
    services.end()


def test_a_server_registers_is_listed_and_leaves(services: Lists) -> None:
    one = services.server(hostname="First", numplayers=3)
    services.server(hostname="Second", numplayers=0)
    watcher = services.browser()
    watcher.asks("\\hostname\\numplayers\\mapname", options=4)
    listed = watcher.list()
    assert [row["hostname"] for row in listed] == ["First", "Second"]
    assert listed[0]["port"] == one.port
    assert (listed[0]["private"], listed[0]["private_port"]) == ("127.0.0.1", one.port)
    assert listed[0]["flags"] & 4, "it needs NatNeg"
    assert "arena" in watcher.popular
    assert watcher.pushed()[0] == 1, "the keys of what is pushed"
    one.facts["numplayers"] = 9
    one.heartbeat(1)
    kind, row = watcher.pushed()
    assert (kind, row["hostname"], row["numplayers"]) == (2, "First", "9")
    one.socket.sendto(b"\x08" + one.key, one.master)
    assert one.hears(8) == b""
    one.socket.sendto(b"\x02" + one.key + b"data", one.master)
    one.heartbeat(2)
    place = bytes((127, 0, 0, 1)) + struct.pack(">H", one.port)
    assert watcher.pushed() == (4, place)
    services.end()


def test_filters_limits_and_other_options(services: Lists) -> None:
    for number in range(5):
        services.server(hostname=f"Host {number}", numplayers=number, key=bytes((number + 1,)) * 4)
    asks = [
        ("numplayers > 2", 0, 0, ["Host 3", "Host 4"]),
        ("(numplayers=1 or numplayers=4) and hostname like 'host%'", 0, 0, ["Host 1", "Host 4"]),
        ("1=1; drop table hosts", 0, 0, [f"Host {n}" for n in range(5)]),
        ("", 128, 2, ["Host 0", "Host 1"]),
    ]
    for where, options, limit, expected in asks:
        browser = services.browser()
        browser.asks("\\hostname", where, options, limit=limit)
        assert [row["hostname"] for row in browser.list()] == expected, where
    only = services.browser()
    only.asks("", options=2)
    assert only.head()[0] == "127.0.0.1"
    services.end()


def test_server_info_and_the_cookie_for_natneg(services: Lists) -> None:
    odd = {"sv.rate": 25, "Map Name": "the arena"}
    one = services.server(hostname="Info", password=0, **odd)
    browser = services.browser()
    browser.asks("\\sv.rate\\Map Name", "sv.rate = 25")
    (row,) = browser.list()
    assert (row["sv.rate"], row["Map Name"]) == ("25", "the arena")
    browser.asks("\\hostname")
    browser.list()
    browser.about(1, one.port)
    kind, row = browser.pushed()
    assert (kind, row["hostname"], row["password"]) == (2, "Info", "0")
    browser.about(1, 9)
    assert browser.pushed()[0] == 4
    cookie = b"\xfd\xfc\x1e\x66\x6a\xb2" + struct.pack(">I", 0xC0FFEE)
    browser.about(2, one.port, cookie)
    heard = one.hears(6)
    assert heard[4:] == cookie
    one.socket.sendto(b"\x07" + one.key + heard[:4], one.master)
    browser.about(2, one.port, b"meet at the arena")  # a game's own message, without a length
    heard = one.hears(6)
    assert heard[4:] == b"meet at the arena"
    one.socket.sendto(b"\x07" + one.key + heard[:4], one.master)
    browser.asks("\\hostname")
    assert browser.list()[0]["hostname"] == "Info", "a second list on the same stream"
    services.end()


def test_wrong_proofs_and_unknown_games_are_refused(services: Lists) -> None:
    liar = GameServer(services.ports["query"])
    services.games.append(liar)  # type: ignore[arg-type]
    liar.register(b"wrong!")
    assert liar.hears(4)[:1] != b"\0"
    browser = services.browser()
    browser.asks("\\hostname")
    assert browser.list() == []
    text = liar.register()
    liar.hears(0x0A)
    liar.socket.sendto(b"\1" + liar.key + b"x\0", liar.master)
    liar.hears(0x0A)  # the proof was given: what comes late changes nothing
    assert text
    other = services.browser()
    other.asks("\\hostname", game="unknowngame")
    assert read_all(other.socket).startswith(b"Query Error")
    for one in services.games:
        one.close()
    assert services.command.stop() == 0, services.command.said()


def test_a_list_of_many_servers(services: Lists) -> None:
    many = [services.server(hostname=f"Host {n}", numplayers=n % 7) for n in range(60)]
    browser = services.browser()
    browser.asks("\\hostname\\numplayers\\mapname", "numplayers>=0")
    assert len(browser.list()) == len(many)
    services.end()


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("numplayers>1", True),
        ("numplayers > 10", False),
        ("not (numplayers = 2)", False),
        ("mapname like '%REN%' and password is null", True),
        ("mapname not like 'x%'", True),
        ("mapname <> 'arena'", False),
        ("hostname = 'it''s'", True),
    ],
)
def test_what_a_filter_means(text: str, fits: bool) -> None:
    facts = {"numplayers": "2", "mapname": "arena", "hostname": "it's"}
    assert read_filter(text)(facts) is fits


@pytest.mark.parametrize("text", ["(", "a=", "a b c", "a='x", "(" * 100, "x" * 5000, "not", "a=1)"])
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(FilterError):
        read_filter(text)


assert SECRET
