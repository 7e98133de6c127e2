"""Bad input for GameSpy's services over real sockets: answered, recorded, and nobody else notices.

One process for all of it. A player, a game server and a browser of good faith are there from the
first to the last moment, and everything still works for them behind each attack.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay.standin.gamespy import Presence, find, hexed, text
from tests.replay.standin.gamespy_lists import Browser, GameServer, answer, datagrams
from tests.replay.standin.test_serve_gamespy import FILE
from tests.replay.standin.test_serve_gamespy_browser1 import ask
from tests.replay.standin.test_serve_gamespy_datagrams import (
    CONNECT,
    INITACK,
    Datagrams,
    Player,
    xored,
)
from tests.replay.standin.test_serve_gamespy_stats import Game
from tests.running import connect, read_all, rows

FLOOD = 1500


class House(Datagrams):
    """The services, with people of good faith in them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.left: set[str] = set()
        """Kinds of events that must be in the recording."""
        self.unreadable = 0
        """At least so many frames must be recorded that make no sense."""
        self.honest = self.player("honest")
        self.friend = self.player("friend", 63)
        self.host = GameServer(self.ports["query"], hostname="Honest")
        self.games.append(self.host)  # type: ignore[arg-type]
        self.host.register()
        self.host.hears(0x0A)

    def browser(self, where: str = "", game: str = "gmtest") -> Browser:
        one = Browser(self.ports["browser2"])
        self.games.append(one)  # type: ignore[arg-type]
        one.asks("\\hostname", where, game=game)
        return one

    def all_is_well(self) -> None:
        """Everybody of good faith is served as before."""
        assert self.honest.asks("ka", "", reply="ka")
        mine = ("sesskey", self.honest.sesskey, "profileid", self.friend.pid, "id", 9)
        assert find(self.honest.asks("getprofile", "", *mine, reply="pi"), "nick") == "friend"
        assert "Honest" in [row["hostname"] for row in self.browser().list()]
        self.host.socket.sendto(b"\x08" + self.host.key, self.host.master)
        assert self.host.hears(8) == b""
        assert self.search("valid", "", "email", "honest@example.com") == b"\\vr\\1\\final\\"

    def judged(self) -> None:
        """What the attacks left in the recording: themselves, and no fault of ours."""
        for one in self.games:
            one.close()
        assert self.command.stop() == 0, self.command.said()
        file = self.folder / FILE
        defects = rows(file, "SELECT detail FROM events WHERE kind = 'defect'")
        assert [row["detail"] for row in defects] == []
        found = {row["kind"] for row in rows(file, "SELECT DISTINCT kind FROM events")}
        assert self.left <= found
        (opaque,) = rows(file, "SELECT count(*) AS n FROM frames WHERE error IS NOT NULL")
        assert opaque["n"] >= self.unreadable, "what cannot be read is recorded, too"

    def says(self, service: str, data: bytes) -> bytes:
        """Bytes to a stream, and what comes until the server ends it."""
        with connect(self.ports[service]) as one:
            one.sendall(data)
            return read_all(one)

    def drops(self, service: str, *sent: bytes) -> None:
        """Datagrams that nobody answers; what comes behind them shows that they were read."""
        with datagrams() as one:
            where = "127.0.0.1", self.ports[service]
            for data in sent:
                one.sendto(data, where)
            one.sendto(b"\x09\0\0\0\0gmtest\0", ("127.0.0.1", self.ports["query"]))
            assert one.recv(64)[:3] == b"\xfe\xfd\x09"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("hostile"))
    yield house
    try:
        house.judged()
    finally:
        house.close()


@pytest.fixture(autouse=True)
def everybody_else(house: House) -> Iterator[None]:
    yield
    house.all_is_well()


def test_wrong_proofs_and_proofs_of_yesterday(house: House) -> None:
    """A challenge is good for its own connection: elsewhere its answer proves nothing."""
    house.left |= {"refused"}
    replayed = login(house.presence(), "honest", "passhonest")
    for game, said in ((house.presence(), replayed),
                       (house.presence(), login(house.presence(), "honest", "wrong"))):  # fmt: skip
        game.socket.sendall(said)
        refused = game.next("error")
        assert (find(refused, "err"), find(refused, "fatal")) == (str(0x104), "")
        game.ended()
    for enctype in (0, 1, 2):
        assert ask(house, enctype, "cmp", secret=b"wrong!").startswith(b"\\fatal\\1\\error\\")
    assert Game(house, b"wrong!").reply.startswith(b"\\error\\")
    first, second = Game(house), Game(house)
    pid = house.honest.pid.encode()
    stale = first.proof(b"passhonest")
    told = second.asks(b"\\authp\\\\pid\\%b\\resp\\%b\\lid\\1" % (pid, stale))
    assert find(told, "pauthr") == "-1"
    liar = GameServer(house.ports["query"], b"\x21\x22\x23\x24", hostname="Liar")
    house.games.append(liar)  # type: ignore[arg-type]
    old = liar.register(b"wrong!")
    assert liar.hears(4)[0], "an error"
    liar.heartbeat()
    fresh = liar.hears(1)[:-1]
    assert fresh != old
    liar.socket.sendto(b"\1" + liar.key + answer(b"HA6zkS", old) + b"\0", liar.master)
    assert liar.hears(4)[0], "the answer to an older challenge"
    assert "Liar" not in [row["hostname"] for row in house.browser().list()]
    read = house.browser(game="nosuchgame")
    assert read_all(read.socket).startswith(b"Query Error")


def login(game: Presence, user: str, password: str) -> bytes:
    """A login as it would be said on that connection; it is not said."""
    middle = b" " * 48 + user.encode() + b"c" * 32 + game.server_challenge.encode()
    hashed = hexed(password.encode())
    facts = ("challenge", "c" * 32, "uniquenick", user, "response",
             hexed(hashed + middle + hashed).decode())  # fmt: skip
    return text("login", "", *facts, "namespaceid", 1, "sdkrevision", 11, "id", 1)


def test_oversized_values_and_ends_within_values(house: House) -> None:
    big = "x" * 100_000
    guest = house.player("guest")
    guest.mine("status", 1, "statstring", big, "locstring", big)
    guest.mine("updatepro", "", "firstname", big)
    guest.mine("addbuddy", "", "newprofileid", house.friend.pid, "reason", big)
    request = house.friend.next("bm")
    assert len(request) < 2000, "a part of it is enough for everybody"
    mine = ("sesskey", guest.sesskey, "profileid", guest.pid, "id", 2)
    profile = guest.asks("getprofile", "", *mine, reply="pi")
    assert len(str(find(profile, "firstname"))) == 255
    assert find(guest.newuser("guest", "passguest", "error", nick=big), "err") is not None
    reply = house.search("newuser", "", "nick", big, "email", big, "passenc", big)
    assert reply.startswith(b"\\nur\\")
    guest.says("bm", 1, "sesskey", guest.sesskey, "t", house.friend.pid, "msg", "a\\final\\b")
    assert find(house.friend.next("bm"), "msg") == "a"
    assert find(guest.next("error"), "fatal") is not None, "there is no escaping: that was the end"
    guest.ended()
    house.unreadable += 3
    endless = b"\\status\\" + b"x" * (2 << 20)  # no end in two megabytes
    for service in ("presence", "search", "browser1", "stats"):
        assert b"\\final\\\\final" not in house.says(service, endless)
    game = Game(house)
    pid = house.honest.pid.encode()
    asked = b"\\authp\\\\pid\\%b\\resp\\%b\\lid\\3" % (pid, game.proof(b"passhonest"))
    assert find(game.asks(asked), "pauthr") == house.honest.pid
    data = b"\\final\\" * 40_000  # 280 kB: more than is kept
    setting = b"\\setpd\\\\pid\\%b\\ptype\\3\\dindex\\0\\kv\\0\\lid\\4\\length\\%d\\data\\%b"
    assert find(game.asks(setting % (pid, len(data), data)), "setpdr") == "0"
    lie = game.asks(setting % (pid, 5, b"\\final\\"))  # its length ends within its own end
    assert find(lie, "setpdr") == "1"


@pytest.mark.parametrize(
    "where",
    [
        "1=1; drop table servers --",
        "hostname = (select password from users)",
        "(" * 20_000 + "1=1" + ")" * 20_000,
        "not " * 25_000 + "1=1",
        "hostname like '" + "%a" * 50_000 + "'",
        " or ".join(["numplayers>0"] * 7_000),
        "hostname = 'x",
        "\x01\x02\xff",
        "attach database '/tmp/x' as x",
    ],
)
def test_filters_that_are_none(house: House, where: str) -> None:
    """They are read and never executed: what is no filter filters nothing, and that is noted."""
    house.left |= {"filter"}
    rows_ = house.browser(where).list() if len(where) < 60_000 else None
    if rows_ is not None:
        assert "Honest" in [row["hostname"] for row in rows_]
    assert b"Honest" in ask(house, 0, "info2", where.replace("\\", ""))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_a_flood_from_everywhere(house: House) -> None:
    """Many addresses, many ports, every datagram service; who answered the challenge stays."""
    services = ("query", "natneg", "cdkey")
    beat = b"\3abcdlocalip0\x0010.0.0.1\0gamename\0gmtest\0hostname\0flood\0\0\0\0\0\0\0"
    init = b"\xfd\xfc\x1e\x66\x6a\xb2\3\0%b\0\0\1\n\0\0\1\x19\x64gmtest\0"
    for number in range(FLOOD):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind((f"127.{1 + number % 60}.{number // 60 % 250}.1", 0))
            said = (beat, init % struct.pack(">I", number), xored(b"\\ka\\"))
            for service, data in zip(services, said, strict=True):
                one.sendto(data, ("127.0.0.1", house.ports[service]))
        if number % 500 == 0:
            house.all_is_well()
    house.drops(
        "query", b"", b"\xfe\xfd", b"\\", b"\3", b"\xff" * 1400, b"\\heartbeat\\x\\gamename\\"
    )
    house.drops("natneg", b"", b"\xfd\xfc\x1e\x66\x6a\xb2", b"\xfd\xfc\x1e\x66\x6a\xb2\3\x7f" * 150)
    house.drops("cdkey", b"", b";", xored(b"\\odd\\") * 200, b"\xff" * 1400)
    listed = [row["hostname"] for row in house.browser().list()]
    assert listed.count("Honest") == 1
    assert "flood" not in listed
    house.host.heartbeat(1)
    cookie = b"\xfd\xfc\x1e\x66\x6a\xb2" + struct.pack(">I", 77)
    asker = house.browser()
    asker.list()
    asker.about(2, house.host.port, cookie)
    assert house.host.hears(6)[4:] == cookie, "the master still reaches it"


def test_cookies_that_come_again(house: House) -> None:
    """A cookie in use is no one else's way in; when its pair is over it begins a new one."""
    one, two = Player(house, 4242, 0), Player(house, 4242, 1)
    one.init()
    two.init()
    assert one.connected() == two.at()
    assert two.connected() == one.at()
    third = Player(house, 4242, 0)
    third.init()
    assert one.game.fileno() != third.game.fileno()
    fourth = Player(house, 4242, 1)
    fourth.init()
    assert third.connected() == fourth.at()
    assert fourth.connected() == third.at()
    stranger = Player(house, 99, 7)  # an index that there is not
    body = bytes((0, 7, 1)) + bytes(6) + b"gmtest\0"
    for port_type in (0, 1, 200):
        packet = stranger.packet(0, bytes((port_type,)) + body[1:])
        stranger.game.sendto(packet, stranger.server)
        assert stranger.hears(stranger.game, INITACK)[1] == 7
    stranger.game.sendto(stranger.packet(CONNECT, bytes(8)), stranger.server)  # not its to say
