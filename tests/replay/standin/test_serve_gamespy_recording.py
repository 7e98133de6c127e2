"""GameSpy's services from a recording, side by side in one process, for players with other names.

What differs at every run is made anew: challenges, proofs, session and instance keys, cookies,
ciphers. A recorded list comes enciphered for who asks now, with the servers of now behind it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from tests.replay.standin.gamespy import Presence, find, records
from tests.replay.standin.gamespy_lists import Browser, GameServer, datagrams
from tests.replay.standin.test_serve_gamespy import OFF, RELAYS, befriend
from tests.replay.standin.test_serve_gamespy_browser1 import Qr1Server, ask
from tests.replay.standin.test_serve_gamespy_datagrams import (
    Datagrams,
    Player,
    response,
    xored,
)
from tests.replay.standin.test_serve_gamespy_stats import Game
from tests.running import Command, read_all, rows

FIRST, AGAIN = "first.understudy.db", "again.understudy.db"
SECRET = ("--game-key", "gmtest=HA6zkS")
COOKIE = b"\xfd\xfc\x1e\x66\x6a\xb2"


class Evening(Datagrams):
    """The services from a source, and one evening at all of them."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.games = []
        self.command = Command(folder, "serve", *arguments, *RELAYS, *OFF)
        self.command.__enter__()
        ports = self.command.ready()
        self.ports = {name.removeprefix("gamespy-"): port for (name, _), port in ports.items()}

    def close(self) -> None:
        for one in self.games:
            one.close()
        self.command.__exit__(None, None, None)

    def keep(self, one: Any) -> Any:
        self.games.append(one)
        return one

    def friends(self, first: str, second: str) -> tuple[Presence, Presence]:
        """Two players of both generations, who become buddies and talk."""
        one, two = self.player(first), self.player(second, 63)
        befriend(one, two, "autoSync", "true")
        assert find(one.next("bm"), "bm") == "4"
        one.mine("status", 2, "statstring", "Away", "locstring", "x")
        info = two.next("bsi")
        assert (find(info, "profile"), find(info, "state")) == (one.pid, "2")
        one.mine("bm", 1, "t", two.pid, "msg", "hello")
        said = two.next("bm")
        assert (find(said, "f"), find(said, "msg")) == (one.pid, "hello")
        one.mine("getprofile", "", "profileid", two.pid, "id", 2)
        assert find(one.next("pi"), "nick") == second
        asker = ("sesskey", one.sesskey, "profileid", one.pid, "namespaceid", 1)
        found = self.search("search", "", *asker, "nick", first)
        (row,) = records(found, "bsrdone", "more")
        assert (row["bsr"], row["email"]) == (one.pid, f"{first}@example.com")
        return one, two

    def host(self, key: bytes, **facts: object) -> GameServer:
        """A game server that registers, under its own instance key."""
        with datagrams() as asker:
            asker.sendto(b"\x09\0\0\0\0gmtest\0", ("127.0.0.1", self.ports["query"]))
            assert asker.recv(64) == b"\xfe\xfd\x09\0\0\0\0"
        one: GameServer = self.keep(GameServer(self.ports["query"], key, **facts))
        one.register()
        one.hears(0x0A)
        one.again = True
        one.socket.sendto(b"\x08" + one.key, one.master)
        assert one.hears(8) == b""
        return one

    def browser(self, challenge: bytes) -> Browser:
        """Somebody who asks for the list with a challenge of his own."""
        one: Browser = self.keep(Browser(self.ports["browser2"]))
        one.CHALLENGE = challenge
        one.asks("\\hostname\\numplayers\\mapname", options=4)
        return one

    def join(self, browser: Browser, host: GameServer, cookie: int) -> None:
        """Ask about one server, and have a cookie brought to it."""
        browser.about(1, host.port)
        kind, row = browser.pushed()
        assert (kind, row["hostname"]) == (2, host.facts["hostname"])
        data = COOKIE + struct.pack(">I", cookie)
        browser.about(2, host.port, data)
        assert host.hears(6)[4:] == data

    def meet(self, cookie: int) -> None:
        one, two = Player(self, cookie, 0), Player(self, cookie, 1)
        one.init()
        two.init()
        assert one.connected() == two.at()
        assert two.connected() == one.at()
        one.report()

    def cdkey(self, key: bytes, skey: bytes) -> None:
        one = self.socket()
        asked = b"\\auth\\\\pid\\10469\\ch\\abcdefgh\\resp\\" + response(key, b"abcdefgh", 99)
        asked += b"\\ip\\16777343\\skey\\" + skey + b"\\reqproof\\1\\"
        one.sendto(xored(asked), ("127.0.0.1", self.ports["cdkey"]))
        hashed = md5(key, usedforsecurity=False).hexdigest().encode()
        said = xored(one.recv(512))
        assert said.startswith(b"\\uok\\\\cd\\%b\\skey\\%b" % (hashed, skey))

    def stats(self, pid: str, password: str, wins: int) -> None:
        game = Game(self)
        asked = (pid.encode(), game.proof(password.encode()))
        good = game.asks(b"\\authp\\\\pid\\%b\\resp\\%b\\lid\\3" % asked)
        assert (find(good, "pauthr"), find(good, "lid")) == (pid, "3")
        place = b"\\pid\\%b\\ptype\\3\\dindex\\1" % pid.encode()
        data = b"\\wins\\%d\0" % wins
        told = b"\\setpd\\%b\\kv\\0\\lid\\2\\length\\%d\\data\\%b" % (place, len(data), data)
        assert find(game.asks(told), "setpdr") == "1"
        got = game.asks(b"\\getpd\\%b\\keys\\\\lid\\4" % place)
        assert got.endswith(b"\\data\\" + data)

    def ends(self) -> None:
        for one in self.games:
            one.close()
        assert self.command.stop() == 0, self.command.said()


def trouble(file: Path) -> list[str]:
    """What was not answered, or not as it should be."""
    kinds = "('unanswered', 'guessed', 'not-adapted', 'defect')"
    found = rows(file, f"SELECT kind, detail FROM events WHERE kind IN {kinds}")
    return [f"{row['kind']}: {row['detail']}" for row in found]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of one evening at all services."""
    folder = tmp_path_factory.mktemp("gamespy")
    evening = Evening(folder, "gamespy", "--game-name", "gmtest", *SECRET, "-w", FIRST)
    try:
        one, _ = evening.friends("alice", "bobby")
        host = evening.host(b"\x11\x22\x33\x44", hostname="Recorded")
        browser = evening.browser(b'!x"y#z$w')
        assert [row["hostname"] for row in browser.list()] == ["Recorded"]
        assert browser.pushed()[0] == 1
        evening.join(browser, host, 0xC0FFEE)
        Qr1Server(evening, hostname="Recorded too", numplayers=1)
        assert b"Recorded too" in ask(evening, 2, "info2")
        evening.meet(666)
        evening.cdkey(b"AAAA-BBBB", b"4711")
        evening.stats(one.pid, "passalice", 1)
        evening.ends()
    finally:
        evening.close()
    assert trouble(folder / FIRST) == []
    return folder / FIRST


@pytest.fixture
def again(recorded: Path, tmp_path: Path) -> Iterator[Evening]:
    evening = Evening(tmp_path, str(recorded), *SECRET, "-w", AGAIN)
    yield evening
    evening.close()


def test_everything_from_one_recording_for_others(recorded: Path, again: Evening) -> None:
    one, _ = again.friends("caroline", "davidson")
    old = again.browser(b"%x>q2565").list()
    assert [row["hostname"] for row in old] == ["Recorded"], "under this client's challenge"
    for enctype in (0, 1, 2):  # it was recorded under the second
        assert b"Recorded too" in ask(again, enctype, "info2"), enctype
    host = again.host(b"\x77\x66\x55\x44", hostname="Live", numplayers=7)
    browser = again.browser(b"AHl='lhI")
    live = browser.list()
    assert [row["hostname"] for row in live] == ["Recorded", "Live"]
    assert (live[1]["port"], live[1]["numplayers"]) == (host.port, "7")
    assert browser.pushed()[0] == 1
    host.facts["numplayers"] = 8
    host.heartbeat(1)
    kind, row = browser.pushed()
    assert (kind, row["hostname"], row["numplayers"]) == (2, "Live", "8")
    again.join(browser, host, 0xBEEF01)
    assert ask(again, 1, "info2").count(b"\\Live\\") == 1
    again.meet(98765)
    again.cdkey(b"CCCC-DDDD", b"8822")
    again.stats(one.pid, "passcaroline", 5)
    again.ends()
    assert trouble(again.folder / AGAIN) == []
    sql = "SELECT key FROM keys WHERE name = ?"
    names = ("gp.challenge.server", "gp.sesskey", "gp.lt", "enctypex.client", "enctypex.server",
             "sbv1.secure", "gstats.challenge", "gstats.sesskey")  # fmt: skip
    for name in names:
        was, now = ({row["key"] for row in rows(file, sql, name)}
                    for file in (recorded, again.folder / AGAIN))  # fmt: skip
        assert was, name
        assert now, name
        assert was.isdisjoint(now), name


def test_who_comes_back_and_who_proves_nothing(again: Evening) -> None:
    """An account of the recording; wrong passwords and secrets; a game without a secret."""
    back = again.presence()
    back.login("uniquenick", "alice", "passalice")
    for user in ("alice", "bobby"):
        game = again.presence()
        assert find(game.login("uniquenick", user, "wrong", reply="error"), "err") == str(0x104)
        game.ended()
    back.mine("newprofile", "", "nick", "alice2", "id", 8)  # by rules: it was never recorded
    assert find(back.next("npr"), "id") == "8"
    assert ask(again, 1, "info2", secret=b"wrong!").startswith(b"\\fatal\\1\\error\\")
    assert Game(again, b"wrong!").reply.startswith(b"\\error\\")
    other: Browser = again.keep(Browser(again.ports["browser2"]))
    other.asks("\\hostname", game="unknowngame")
    assert read_all(other.socket).startswith(b"Query Error")
    asker = ("sesskey", back.sesskey, "profileid", back.pid, "namespaceid", 1)
    (row,) = records(again.search("search", "", *asker, "nick", "alice"), "bsrdone", "more")
    assert row["uniquenick"] == "alice"
    again.ends()
