"""GameSpy's presence and search by rules through the real command, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.replay.standin.gamespy import Presence, find, hidden, records, search
from tests.replay.standin.test_serve_ea import unanswered
from tests.running import Command

FILE = "evening.understudy.db"
RELAYS = [
    part
    for name in ("presence", "search", "query", "natneg", "browser1", "browser2", "cdkey", "stats")
    for part in ("--relay", f"gamespy-{name}:0")
]
OFF = ["--relay", "gamespy-chat:0", "--relay", "gamespy-web:0", "--dns-port", "0"]
ACCOUNTS = 'alice = "secret123"\n"bob@b@example.com" = "gptestc"\ntoken42 = "partnerchallenge"\n'


class Services:
    """`understudy serve gamespy`, and the games that come."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        game = ("--game-name", "gmtest", "--game-key", "gmtest=HA6zkS")
        self.command = Command(
            folder, "serve", "gamespy", *game, *RELAYS, *OFF, *arguments, "-w", FILE
        )
        self._stack = ExitStack()
        self._stack.enter_context(self.command)
        ports = self.command.ready()
        self.ports = {name.removeprefix("gamespy-"): port for (name, _), port in ports.items()}
        self.games: list[Presence] = []

    def presence(self) -> Presence:
        game = Presence(self.ports["presence"])
        self.games.append(game)
        return game

    def player(self, name: str, revision: int = 11) -> Presence:
        """Somebody who makes an account and logs in on the same connection."""
        game = self.presence()
        assert find(game.newuser(name, "pass" + name), "id") == "1"
        game.login("uniquenick", name, "pass" + name, revision=revision)
        return game

    def search(self, *tokens: object) -> bytes:
        return search(self.ports["search"], *tokens)

    def end(self) -> None:
        """Everybody leaves, then Ctrl-C; everything must have been answered."""
        for one in self.games:
            one.close()
        assert self.command.stop() == 0, self.command.said()
        assert unanswered(self.folder) == []

    def close(self) -> None:
        for one in self.games:
            one.close()
        self._stack.close()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    services = Services(tmp_path)
    yield services
    services.close()


def test_every_way_to_log_in(tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text(ACCOUNTS)
    services = Services(tmp_path, "--accounts", "accounts.toml")
    try:
        first = services.presence()
        answer = first.login("uniquenick", "alice", "secret123")
        assert find(answer, "uniquenick") == "alice"
        by_ticket = services.presence()
        by_ticket.login("lt", str(find(answer, "lt")), "", revision=59)
        assert by_ticket.pid == first.pid
        assert find(first.next("error"), "err") == "6"
        first.ended()
        services.presence().login("user", "bob@b@example.com", "gptestc", partner=11)
        services.presence().login("authtoken", "token42", "partnerchallenge", partner=11)
        for way, user, code in (
            ("uniquenick", "alice", 0x104),
            ("user", "bob@b@example.com", 0x104),
            ("user", "eve@b@example.com", 0x102),
            ("user", "eve@eve@example.com", 0x103),
            ("uniquenick", "nobody", 0x109),
            ("authtoken", "stolen", 0x10A),
            ("lt", "x" * 24, 0x10B),
        ):
            game = services.presence()
            refused = game.login(way, user, "wrong", reply="error")
            assert find(refused, "err") == str(code), (way, user)
            assert find(refused, "fatal") is not None
            assert find(refused, "id") == "1"
            game.ended()
        services.end()
        assert any("--accounts" in line for line in services.command.lines)
    finally:
        services.close()


def test_accounts_are_made_and_profiles_change(services: Services) -> None:
    game = services.player("carol")
    for more, code in (
        ({}, 0x201),
        ({"nick": "second", "passwordenc": hidden("other")}, 0x202),
        ({"email": "x@example.com"}, 0x204),
    ):
        refused = services.presence().newuser("carol", "passcarol", "error", **more)
        assert find(refused, "err") == str(code)
    again = services.presence().newuser("carol", "passcarol", "error")
    assert find(again, "pid") == game.pid
    game.mine("updatepro", "", "firstname", "Carol", "countrycode", "DE", "birthday", "17041352")
    profile = game.asks(
        "getprofile", "", "sesskey", game.sesskey, "profileid", game.pid, "id", 7, reply="pi"
    )
    assert len(str(find(profile, "sig"))) == 32
    for key, expected in {"firstname": "Carol", "birthday": "17041352", "id": "7"}.items():
        assert find(profile, key) == expected
    game.mine("newprofile", "", "nick", "carol2", "id", 8)
    made = game.next("npr")
    assert find(made, "id") == "8"
    assert find(made, "profileid") != game.pid
    game.mine("newprofile", "", "nick", "carol3", "replace", 1, "oldnick", "carol2", "id", 9)
    assert find(game.next("npr"), "profileid") == find(made, "profileid")
    game.mine("registernick", "", "uniquenick", "caroline", "partnerid", 0, "id", 10)
    assert find(game.next("rn"), "id") == "10"
    game.mine("registercdkey", "", "cdkeyenc", hidden("AAAA-BBBB"), "id", 11)
    assert find(game.next("rc"), "id") == "11"
    game.mine("registercdkey", "", "cdkeyenc", hidden("CCCC-DDDD"), "id", 12)
    assert find(game.next("error"), "err") == str(0x1102)
    game.mine("getprofile", "", "profileid", 424242, "id", 13)
    failed = game.next("error")
    assert (find(failed, "err"), find(failed, "id")) == (str(0xA01), "13")
    game.says("getprofile", "", "sesskey", 1, "profileid", game.pid, "id", 14)
    assert find(game.next("error"), "err") == "3"
    game.mine("updateui", "", "passwordenc", hidden("newpass"))
    assert game.asks("ka", "", reply="ka") == b"\\ka\\\\final\\"
    game.mine("logout", "")
    game.ended()
    services.presence().login("uniquenick", "caroline", "newpass")
    last = services.presence()
    last.login("user", "carol3@carol@example.com", "newpass")
    last.mine("delprofile", "", "id", 3)
    assert find(last.next("dpr"), "id") == "3"
    services.end()


def befriend(asker: Presence, other: Presence, *more: object) -> str:
    asker.mine("addbuddy", "", "newprofileid", other.pid, "reason", "let us play\r\n")
    request = other.next("bm")
    assert (find(request, "bm"), find(request, "f")) == ("2", asker.pid)
    reason, mark, signature = str(find(request, "msg")).partition("|signed|")
    assert (reason, mark, len(signature)) == ("let us play\r\n", "|signed|", 32)
    other.mine("authadd", "", "fromprofileid", asker.pid, "sig", signature, *more)
    return signature


def test_buddies_see_each_other_in_both_generations(services: Services) -> None:
    old, new = services.player("olga", 3), services.player("nina", 63)
    new.mine("status", 1, "statstring", "Playing", "locstring", "gmtest://here")
    signature = befriend(old, new, "autoSync", "true")
    agreed = old.next("bm")
    assert (find(agreed, "bm"), find(agreed, "f")) == ("4", new.pid)
    assert str(find(agreed, "msg")).endswith("|signed|" + signature)
    status = old.next("bm")
    assert find(status, "bm") == "100"
    parts = str(find(status, "msg")).split("|")
    facts = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert facts["ss"] == "Playing"
    assert facts["ls"] == "gmtest://here"
    assert facts["ip"] == str(0x7F000001)
    old.mine("status", 2, "statstring", "Away", "locstring", "")
    info = new.next("bsi")
    names = "bsi state profile bip bport hostip hprivip qport hport sessflags rstatus gameType "
    for name in f"{names}gameVnt gameMn product qmodeflags".split():
        assert find(info, name) is not None, name
    assert (find(info, "state"), find(info, "rstatus")) == ("2", "Away")
    assert find(info, "bip") == str(0x7F000001)
    old.mine("addbuddy", "", "newprofileid", new.pid, "reason", "")
    assert find(old.next("error"), "err") == str(0x603)
    old.mine("bm", 1, "t", new.pid, "msg", "hello")
    said = new.next("bm")
    assert (find(said, "bm"), find(said, "f"), find(said, "msg")) == ("1", old.pid, "hello")
    old.mine("pinvite", "", "profileid", new.pid, "productid", 10469, "location", "room")
    assert find(new.next("bm"), "msg") == "|p|10469|l|room"
    new.mine("statusinfo", "", "state", 3, "hostIp", 1, "hprivIp", 2, "qport", 3, "hport", 4,
             "sessflags", 0, "richStatus", "In a game", "gameType", "ctf", "gameVariant", "",
             "gameMapName", "map1")  # fmt: skip
    assert "|s|3|ss|In a game" in str(find(old.next("bm"), "msg"))
    new.mine("logout", "")
    assert "|s|0|" in str(find(old.next("bm"), "msg"))
    old.mine("bm", 1, "t", new.pid, "msg", "for later")
    old.mine("bm", 5, "t", new.pid, "msg", "only now")
    assert find(old.next("error"), "err") == str(0x903)
    back = services.presence()
    back.login("uniquenick", "nina", "passnina", revision=63)
    listed = back.next("bdy")
    assert (find(listed, "bdy"), find(listed, "list")) == ("1", old.pid)
    assert find(back.next("blk"), "list") == ""
    assert find(back.next("bm"), "msg") == "for later"
    services.end()


def test_refusing_revoking_and_blocking(services: Services) -> None:
    one, two = services.player("dave"), services.player("erin")
    one.mine("authadd", "", "fromprofileid", two.pid, "sig", "0" * 32)
    assert find(one.next("error"), "err") == str(0x701)
    one.mine("addbuddy", "", "newprofileid", two.pid, "reason", "please")
    two.next("bm")
    two.mine("authadd", "", "fromprofileid", one.pid, "sig", "0" * 32)
    assert find(two.next("error"), "err") == str(0x702)
    befriend(one, two)
    one.next("bm")
    two.mine("revoke", "", "profileid", one.pid)
    assert find(one.next("bm"), "bm") == "6"
    two.mine("addblock", "", "profileid", one.pid)
    two.mine("getprofile", "", "profileid", one.pid, "id", 2)
    two.next("pi")
    one.mine("addbuddy", "", "newprofileid", two.pid, "reason", "again")
    assert find(one.next("error"), "err") == str(0x604)
    one.mine("bm", 1, "t", two.pid, "msg", "psst")
    assert find(one.next("error"), "err") == str(0x901)
    two.mine("removeblock", "", "profileid", one.pid)
    two.mine("delbuddy", "", "delprofileid", one.pid)
    assert find(two.next("error"), "err") == str(0xB01)
    one.mine("inviteto", "", "products", "10469,1")
    assert find(one.next("bdy"), "bdy") == "0"
    one.mine("addbuddy", "", "newprofileid", 999999, "reason", "")
    assert find(one.next("error"), "err") == str(0x602)
    one.says("status", 1, "statstring", "x\\final\\y")  # there is no escaping: that is the end
    assert find(one.next("error"), "err") == "3"
    assert find(one.next("error"), "fatal") is not None
    one.ended()
    services.end()


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    services = Services(tmp_path, "--keep-state")
    try:
        one, two = services.player("fred"), services.player("gina")
        befriend(one, two)
        one.next("bm")
        pid = one.pid
        one.mine("updatepro", "", "firstname", "Fred")
        assert one.asks("ka", "", reply="ka")
        services.end()
    finally:
        services.close()
    services = Services(tmp_path, "--keep-state")
    try:
        one = services.presence()
        one.login("user", "fred@fred@example.com", "passfred")
        assert one.pid == pid
        assert find(one.next("bdy"), "list") == two.pid
        one.mine("getprofile", "", "profileid", pid, "id", 2)
        assert find(one.next("pi"), "firstname") == "Fred"
        new = services.player("hugo")
        assert new.pid not in (pid, two.pid)
        services.end()
    finally:
        services.close()


def test_every_search(services: Services) -> None:
    one, two = services.player("ivan"), services.player("judy")
    befriend(one, two)
    one.next("bm")
    one.mine("status", 1, "statstring", "Here", "locstring", "")
    one.asks("ka", "", reply="ka")
    asker = ("sesskey", one.sesskey, "profileid", one.pid)
    found = services.search("search", "", *asker, "namespaceid", 1, "nick", "JUDY")
    (row,) = records(found, "bsrdone", "more")
    assert list(row) == ["bsr", "nick", "uniquenick", "namespaceid", "firstname", "lastname",
                         "email"]  # fmt: skip
    assert (row["bsr"], row["email"]) == (two.pid, "judy@example.com")
    assert services.search("search", "", *asker, "namespaceid", 1, "nick", "zoe") == (
        b"\\bsrdone\\\\more\\0\\final\\"
    )
    found = services.search("searchunique", "", *asker, "uniquenick", "ivan", "namespaces", "0,1,2")
    assert records(found, "bsrdone", "more")[0]["bsr"] == one.pid
    for email, answer in (("ivan@example.com", b"1"), ("zoe@example.com", b"0")):
        reply = services.search("valid", "", "email", email, "partnerid", 0)
        assert reply == b"\\vr\\" + answer + b"\\final\\"
    mine = ("email", "ivan@example.com", "partnerid", 0)
    found = services.search("nicks", "", *mine, "passenc", hidden("passivan"))
    assert records(found, "ndone") == [{"nr": "", "nick": "ivan", "uniquenick": "ivan"}]
    assert services.search("nicks", "", *mine, "passenc", hidden("no")) == b"\\ndone\\\\final\\"
    check = ("check", "", "nick", "ivan", *mine)
    good = f"\\cur\\0\\pid\\{one.pid}\\final\\".encode()
    assert services.search(*check, "passenc", hidden("passivan")) == good
    assert services.search(*check, "pass", "passivan") == good
    wrong = b"\\cur\\%d\\final\\"
    assert services.search(*check, "passenc", hidden("no")) == wrong % 0xE03
    nobody = ("check", "", "nick", "zoe", "email", "zoe@example.com", "passenc", hidden("x"))
    assert services.search(*nobody) == wrong % 0xE01
    other = ("check", "", "nick", "zoe", *mine, "passenc", hidden("passivan"))
    assert services.search(*other) == wrong % 0xE02
    user = ("nick", "zoe", "email", "zoe@example.com", "passenc", hidden("zoepass"))
    made = services.search("newuser", "", *user, "productID", 1, "namespaceid", 1, "uniquenick",
                           "zoe", "partnerid", 0)  # fmt: skip
    assert find(made, "nur") == "0"
    zoe = services.presence()
    zoe.login("uniquenick", "zoe", "zoepass")
    assert zoe.pid == find(made, "pid")
    (row,) = records(services.search("pmatch", "", "sesskey", two.sesskey, "profileid", zoe.pid,
                                     "productid", 10469), "psrdone")[:1]  # fmt: skip
    assert row == {"psr": one.pid, "status": "Here", "nick": "ivan", "statuscode": "1"}
    fans = services.search("others", "", "sesskey", 1, "profileid", two.pid, "namespaceid", 1)
    assert fans.startswith(f"\\others\\\\o\\{one.pid}\\nick\\ivan\\uniquenick\\ivan\\".encode())
    assert fans.endswith(b"\\odone\\\\final\\")
    listed = services.search("otherslist", "", *asker, "numopids", 2, "opids",
                             f"{two.pid}|{one.pid}|99", "namespaceid", 1)  # fmt: skip
    assert (
        listed
        == (
            f"\\otherslist\\\\o\\{two.pid}\\uniquenick\\judy\\o\\{one.pid}\\uniquenick\\ivan"
            "\\oldone\\\\final\\"
        ).encode()
    )
    free = services.search("uniquesearch", "", "preferrednick", "ivan", "namespaceid", 1)
    assert free.startswith(b"\\us\\4\\nick\\ivan1\\nick\\")
    assert free.endswith(b"\\usdone\\\\final\\")
    buddies = services.search("profilelist", "", *asker, "searchprofileid", one.pid,
                              "maxresults", 10)  # fmt: skip
    assert buddies == f"\\profilelist\\\\count\\1\\o\\{two.pid}\\pldone\\\\final\\".encode()
    services.end()


def test_a_recording_greets_alone(tmp_path: Path) -> None:
    services = Services(tmp_path)
    try:
        game = services.player("lena")
        assert game.asks("ka", "", reply="ka")
        services.end()
    finally:
        services.close()
    relay = ("--relay", "gamespy-presence:0", "--dns-port", "0")
    with Command(tmp_path, "serve", FILE, *relay, "-w", "again.understudy.db") as command:
        game = Presence(command.ready()["gamespy-presence", "tcp"])
        game.newuser("lena", "passlena")
        game.login("uniquenick", "lena", "passlena")
        assert not [one for one in game.kept if one.startswith(b"\\lc\\1\\")]
        game.close()
        assert command.stop() == 0, command.said()
