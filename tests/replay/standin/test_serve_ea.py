"""The EA lobby by rules through the real command: consoles of the reference over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

import understudy
from tests.replay.standin.console import Console, Leg, challenge, frame
from tests.running import ROOT, Command, rows

FILE = "evening.understudy.db"
SERVE = ("--relay", "ea-lobby:0", "--dns-port", "0")


class Lobby:
    """`understudy serve`, and the consoles that come."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.command = Command(folder, "serve", *arguments, *SERVE, "-w", FILE)
        self._stack = ExitStack()
        self._stack.enter_context(self.command)
        self.port = self.command.ready()["ea-lobby", "tcp"]
        self.consoles: list[Console] = []

    def console(self, name: str, *, enter: bool = True) -> Console:
        console = Console(name, self.port)
        self.consoles.append(console)
        if enter:
            console.enter()
        return console

    def end(self) -> None:
        """Everybody leaves, then Ctrl-C."""
        for one in self.consoles:
            one.close()
        assert self.command.stop() == 0, self.command.said()

    def close(self) -> None:
        self._stack.close()

    def unanswered(self) -> list[dict[str, object]]:
        """What `stats --unanswered` lists."""
        return unanswered(self.folder)


def unanswered(folder: Path) -> list[dict[str, object]]:
    words = ["stats", str(folder / FILE), "--unanswered", "--json"]
    result = CliRunner().invoke(understudy.cli, words)
    assert result.exit_code == 0, result.output
    listed: list[dict[str, object]] = json.loads(result.stdout or "[]")
    return listed


@pytest.fixture
def lobby(tmp_path: Path) -> Iterator[Lobby]:
    lobby = Lobby(tmp_path, "nascar-thunder-2004")
    yield lobby
    lobby.close()


def test_two_consoles_race(lobby: Lobby) -> None:
    alice, bob = lobby.console("alice"), lobby.console("bobby")
    alice.move("East")
    who = bob.move("East")
    assert who["RT"] == "2"
    mine, other = bob.sees("bobby"), bob.sees("alice")
    assert "U" in mine["F"]
    assert "U" not in other["F"]
    assert other["T"] == "2"
    assert alice.lobby.next("+usr", lambda one: one.get("N") == "bobby")["T"] == "2"
    one, two = challenge(alice, bob)
    for name in ("SEED", "WHEN", "AUTH", "HOST", "NAME"):
        assert one[name] == two[name]
    assert one["HOST"] == "alice"
    assert (one["SELF"], one["OPPO"]) == ("alice", "bobby")
    assert (two["SELF"], two["OPPO"]) == ("bobby", "alice")
    assert one["ADDR"] == two["ADDR"] == "127.0.0.1"
    lobby.end()
    assert lobby.unanswered() == []
    origins = {row["origin"] for row in rows(lobby.folder / FILE, "SELECT origin FROM sessions")}
    assert origins == {"stand-in"}
    flows = rows(lobby.folder / FILE, "SELECT session_id, count(*) AS n FROM flows GROUP BY 1")
    assert [row["n"] for row in flows] == [3, 3], "each console is one session of three legs"
    passwords = rows(lobby.folder / FILE, "SELECT fields FROM frames WHERE kind = 'auth'")
    assert json.loads(passwords[0]["fields"])["PASS"] == "abcd"


def test_a_declined_challenge_and_one_withdrawn(lobby: Lobby) -> None:
    alice, bob = lobby.console("alice"), lobby.console("bobby")
    for one in (alice, bob):
        one.move("East")
    for answer in ("DECL", "BLOC"):
        alice.says_to("bobby", "w893m_a017l_g")
        assert bob.hears("alice") == "w893m_a017l_g"
        bob.says_to("alice", answer)
        assert alice.hears("bobby") == answer
    alice.says_to("bobby", "w893m_a016o_g")
    alice.says_to("bobby", "DECL")
    assert [bob.hears("alice"), bob.hears("alice")] == ["w893m_a016o_g", "DECL"]
    assert alice.lobby.ask("chal", "PERS=bobby", "HOST=1")["MODE"] == "chal"
    assert alice.lobby.ask("chal", "PERS=*")["MODE"] == "idle"
    assert bob.lobby.ask("chal", "PERS=alice", "HOST=0")["MODE"] == "chal"
    assert bob.lobby.ask("chal", "PERS=nobody", "HOST=0").ident == b"uusr"
    assert "+ses" not in set(bob.lobby.order())
    lobby.end()
    assert lobby.unanswered() == []


def test_rooms_are_made_filled_and_left(lobby: Lobby) -> None:
    alice, bob = lobby.console("alice"), lobby.console("bobby")
    made = alice.lobby.ask("room", "NAME=C.Test", "PASS=", "DESC=None", "MAX=1")
    assert (made["NAME"], made["COUNT"], made["LIMIT"]) == ("C.Test", "1", "1")
    shown = bob.lobby.next("+rom", lambda one: one.get("N") == "C.Test")
    assert shown["I"] == made["IDENT"] != "0"
    assert bob.lobby.ask("peek", "NAME=C.Test")["COUNT"] == "1"
    assert bob.lobby.ask("move", "NAME=C.Test", "PASS=").ident == b"full"
    assert bob.lobby.ask("move", "NAME=nowhere", "PASS=").ident == b"urom"
    assert bob.lobby.ask("room", "NAME=C.Test", "PASS=", "DESC=", "MAX=9").ident == b"dupl"
    alice.lobby.forget()
    left = alice.lobby.ask("move", "NAME=", "PASS=")
    assert left["LIDENT"] == made["IDENT"]
    assert alice.lobby.next("+who")["RI"] == "0"
    gone = bob.lobby.next("+rom", lambda one: one["I"] == made["IDENT"])
    assert gone.get("N") is None, "without a name the client removes it"
    alice.move("East")
    east = bob.lobby.next("+pop", lambda one: one["Z"].endswith("/1"))
    assert not east["Z"].startswith("0")
    bob.move("East")
    alice.sees("bobby")
    bob.lobby.ask("mesg", "TEXT=hello there")
    assert alice.lobby.next("+msg")["T"] == "hello there"
    bob.close()
    gone = alice.lobby.next("+usr", lambda one: one.get("N") is None)
    assert gone["T"] == "1"
    lobby.consoles.remove(bob)
    lobby.end()
    assert lobby.unanswered() == []


def test_friends_see_and_write_to_each_other(lobby: Lobby) -> None:
    alice, bob = lobby.console("alice"), lobby.console("bobby")
    assert alice.buddy
    assert bob.buddy
    added = alice.buddy.ask(
        "RADD", "LRSC=cso", "ID=101", "LIST=B", "PRES=Y", "USER=BOBBY", "GROUP="
    )
    assert (added["ID"], added["FUSR"]) == ("101", "bobby")
    presence = alice.buddy.next("PGET")
    assert presence["USER"] == "bobby"
    assert presence["SHOW"] == "CHAT"
    assert presence["PROD"] == "is online"
    inner = presence["STAT"]
    assert inner.startswith('en="is playing NASCAR Thunder'), "a value within a value"
    bob.buddy.ask("PSET", "SHOW=AWAY", "STAT=", "PROD=")
    assert alice.buddy.next("PGET")["SHOW"] == "AWAY"
    alice.buddy.ask("SEND", "TYPE=C", "USER=bobby", "BODY=hi there", "SECS=259200")
    got = bob.buddy.next("RECV")
    assert (got["USER"], got["BODY"], got["TYPE"]) == ("alice", "hi there", "C")
    assert int(got["TIME"]) > 1_000_000_000
    bob.close()
    assert alice.buddy.next("PGET")["SHOW"] == "DISC"
    alice.buddy.ask("SEND", "TYPE=C", "USER=bobby", "BODY=later", "SECS=259200")
    again = lobby.console("bobby")
    assert again.buddy
    assert again.buddy.next("RECV")["BODY"] == "later"
    assert alice.buddy.ask("RDEL", "ID=102", "LIST=B", "USER=bobby")["ID"] == "102"
    lobby.consoles.remove(bob)
    lobby.end()
    assert lobby.unanswered() == []


def test_news_ranks_and_profiles(lobby: Lobby) -> None:
    alice = lobby.console("alice")
    news = alice.lobby.ask("news", "NAME=1")
    assert news.ident == b"new1"
    assert b"=" not in news.body
    assert alice.lobby.ask("news", "NAME=8").ident == b"new8"
    alice.lobby.forget()
    alice.lobby.send(frame("snap", "INDEX=0", "CHAN=5", "START=0", "RANGE=10"))
    assert alice.lobby.next("snap")["CHAN"] == "5"
    assert alice.lobby.next("+snp")["N"] == "alice"
    assert alice.lobby.ask("onln", "PERS=alice")["N"] == "alice"
    assert alice.lobby.ask("onln", "PERS=nobody").ident == b"imst"
    assert alice.lobby.ask("rank", "REPT=1", "AUTH=x", "WHEN=1").ident == bytes(4)
    lobby.end()
    assert lobby.unanswered() == []


def test_accounts_are_checked_and_made(tmp_path: Path) -> None:
    (tmp_path / "accounts.toml").write_text('alice = "abcd"\n', "utf-8")
    lobby = Lobby(tmp_path, "nascar-thunder-2004", "--accounts", "accounts.toml")
    try:
        lobby.console("alice")
        wrong = Console("alice", lobby.port, password="efgh")
        assert wrong.log_in().ident == b"pass"
        stranger = Console("nobody", lobby.port)
        assert stranger.log_in().ident == b"imst"
        made = stranger.lobby.ask(
            "acct", "NAME=nobody", "PASS=", "MAIL=a@b.example", "BORN=19800101"
        )
        assert made["PERSONAS"] == "nobody"
        assert stranger.lobby.ask("acct", "NAME=alice", "PASS=x").ident == b"dupl"
        assert stranger.lobby.ask("pers", "PERS=nobody").ident == b"imst", "not logged in"
        for kind in ("edit", "pass"):
            assert stranger.lobby.ask(kind, "NAME=alice", "PASS=x").ident == b"imst"
            assert stranger.lobby.ask("auth", "NAME=alice", "PASS=x").ident == b"pass"
        assert stranger.lobby.ask("acct", "NAME=other", "PASS=secret").ident == bytes(4)
        assert stranger.lobby.ask("auth", "NAME=other", "PASS=secrets").ident == b"pass"
        assert stranger.lobby.ask("auth", "NAME=other", "PASS=secret").ident == bytes(4)
        assert stranger.lobby.ask("pers", "PERS=alice").ident == b"imst", "it is another's"
        assert stranger.lobby.ask("edit", "NAME=alice", "PASS=new").ident == bytes(4)
        assert stranger.lobby.ask("auth", "NAME=other", "PASS=new").ident == bytes(4), "its own"
        lobby.consoles += [wrong, stranger]
        lobby.end()
    finally:
        lobby.close()


def test_personas_come_and_go(lobby: Lobby) -> None:
    alice = lobby.console("alice", enter=False)
    assert alice.log_in()["PERSONAS"] == "alice"
    assert alice.lobby.ask("cper", "PERS=second", "ALTS=4")["PERS"] == "second"
    assert alice.lobby.ask("cper", "PERS=second", "ALTS=4").ident == b"dupl"
    assert alice.lobby.ask("dper", "PERS=second")["PERS"] == "second"
    assert alice.lobby.ask("dper", "PERS=second").ident == b"imst"
    lobby.end()
    assert lobby.unanswered() == []


def test_state_survives_a_restart_when_asked(tmp_path: Path) -> None:
    for turn in range(2):
        lobby = Lobby(tmp_path, "nascar-thunder-2004", "--keep-state")
        try:
            alice = lobby.console("alice")
            assert alice.buddy
            if turn == 0:
                alice.buddy.ask("RADD", "LRSC=cso", "ID=101", "LIST=B", "USER=bobby", "GROUP=")
            else:
                size = alice.buddy.ask("RGET", "LRSC=cso", "LIST=B", "PRES=Y", "ID=1")["SIZE"]
                assert size == "1"
                assert alice.lobby.ask("user", "PERS=alice")["PERS"] == "alice"
            lobby.end()
        finally:
            lobby.close()


def test_a_console_that_comes_again_takes_its_own_place(lobby: Lobby) -> None:
    lost = lobby.console("alice")
    lost.move("East")
    back = lobby.console("alice")
    assert lost.lobby.ended()
    assert back.move("East")["RT"] == "1"
    lobby.end()


def test_who_misbehaves_harms_nobody(lobby: Lobby) -> None:
    alice, bob = lobby.console("alice"), lobby.console("bobby")
    where = bob.find()
    for noise in (b"\xff" * 4096, b"GET / HTTP/1.0\r\n\r\n", b"~png\0\0\0\0\0\0\0\x05", b"\0" * 64):
        leg = Leg(*where)
        leg.send(noise)
        leg.close()
    half = Leg(*where)
    half.send(b"auth\0\0\0\0\0\0\x0f\xff" + b"NAME=")
    flood = Leg(*where)
    flood.send(frame("peek", "NAME=East") * 2000)
    alice.move("East")
    bob.move("East")
    alice.says_to("bobby", "still here")
    assert bob.hears("alice") == "still here"
    assert flood.next("peek").ident == bytes(4)
    half.close()
    flood.close()
    lobby.end()


def test_what_nobody_knows_is_told_and_listed(lobby: Lobby) -> None:
    alice = lobby.console("alice")
    alice.lobby.send(frame("xyzz", "WHAT=this"))
    alice.lobby.send(frame("+odd", "WHAT=this"))
    told = lobby.command.until(lambda line: "unanswered: +odd" in line)
    assert "no rule and no recording knows it" in told
    lobby.end()
    assert "2 unanswered" in lobby.command.lines[-1]
    listed = {str(one["why"]).partition(":")[0]: one["times"] for one in lobby.unanswered()}
    assert listed == {"xyzz": 1, "+odd": 1}


def test_the_manual_page_names_what_it_needs() -> None:
    page = (ROOT / "docs/stand-in.md").read_text("utf-8")
    assert "understudy serve nascar-thunder-2004" in page
    assert "ICMP" in page
