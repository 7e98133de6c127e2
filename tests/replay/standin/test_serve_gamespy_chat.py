"""GameSpy's chat by rules, over real sockets, with clients from the reference alone (gamespy 9)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest

from tests.replay import clients
from tests.replay.standin.gamespy_lists import Browser
from tests.replay.standin.peerchat import Chatter, spelled
from tests.replay.standin.test_serve_ea import FILE as AGAIN
from tests.replay.standin.test_serve_ea import unanswered
from tests.replay.standin.test_serve_gamespy import Services
from tests.running import Command, connect, read_all, rows

ROOM = "#GSP!gmtest!MaF4lu9OX"


ACCOUNTS = 'anna = "secret123"\n"ben@b@example.com" = "gptestc"\ntoken42 = "challenge"\n'


class Chat(Services):
    """`understudy serve gamespy`, and players in its chat."""

    def __init__(self, folder: Path) -> None:
        (folder / "accounts.toml").write_text(ACCOUNTS)
        day = ("--rule", "gamespy-chat.motd=Hello|Be nice")
        rooms = ("--rule", "gamespy-browser2.rooms=East,West")
        super().__init__(folder, "--accounts", "accounts.toml", *day, *rooms)
        self.players: list[Chatter] = []

    def comes(self, nick: str = "", *, game: str | None = "gmtest", pid: int = 42) -> Chatter:
        one = Chatter(self.ports["chat"], nick, game=game, pid=pid)
        self.players.append(one)
        return one

    def empty(self) -> None:
        """Everybody leaves."""
        for one in self.players:
            one.leaves()
        self.players.clear()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    chat = Chat(tmp_path_factory.mktemp("chat"))
    try:
        yield chat
        assert chat.command.stop() == 0, chat.command.said()
        told = [str(one) for one in unanswered(chat.folder)]
        assert all("--game-key unknown=SECRET" in one for one in told), told
        assert "defect" not in "".join(chat.command.lines)
    finally:
        chat.close()


@pytest.fixture
def chat(house: Chat) -> Iterator[Chat]:
    yield house
    house.empty()


def test_players_meet_in_a_room_under_both_ciphers(chat: Chat) -> None:
    alice, bob = chat.comes("alice", pid=11), chat.comes("bob", pid=12)
    clear = chat.comes("carol", game=None, pid=13)  # plain IRC, no cipher
    days = [one.last for one in alice.all_until("MOTD", "376") if one.command == "372"]
    assert [day.removeprefix("- ") for day in days] == ["Hello", "Be nice"]
    assert alice.joins(ROOM) == ["@alice"]
    assert bob.joins(ROOM.lower()) == ["@alice", "bob"]
    joined = alice.hears("JOIN")
    assert joined.prefix == f"bob!X{spelled('127.0.0.1')}X|12@*"
    assert joined.last == ROOM
    assert clear.joins(ROOM) == ["@alice", "bob", "carol"]
    # keys: of players, of players in the room, of the room
    bob.says(f"SETCKEY {ROOM} bob :\\b_flags\\sr\\secret\\x")
    for one in (alice, clear, bob):
        told = one.hears("702")
        assert told.params[1:] == (ROOM, "bob", "BCAST", "\\b_flags\\sr")
    got = alice.all_until(f"GETCKEY {ROOM} * 007 0 :\\username\\secret\\b_*", "703")
    assert [(one.params[2], one.last) for one in got[:-1]] == [
        ("alice", f"\\X{spelled('127.0.0.1')}X|11\\"),
        ("bob", f"\\X{spelled('127.0.0.1')}X|12\\x\\b_flags\\sr"),
        ("carol", f"\\X{spelled('127.0.0.1')}X|13\\"),
    ]
    assert {one.params[3] for one in got[:-1]} == {got[-1].params[2]} == {"007"}
    his = alice.all_until(f"GETCKEY {ROOM} bob 008 0 :\\b_flags", "703")
    assert [line.last for line in his] == ["\\sr", "End of GETCKEY"]
    assert bob.asks(f"SETCHANKEY {ROOM} :\\b_map\\arena", "482").params[1] == ROOM
    alice.says(f"SETCHANKEY {ROOM} :\\b_map\\arena\\hidden\\1")
    assert bob.hears("704").params[1:] == (ROOM, "BCAST", "\\b_map\\arena")
    assert bob.asks(f"GETCHANKEY {ROOM} 009 0 :\\hidden\\b_map", "704").last == "\\1\\arena"
    assert bob.asks(f"GETCHANKEY {ROOM} 010 0 :*", "704").last == "\\b_map\\arena\\hidden\\1"
    alice.says("SETKEY :\\clan\\red")
    alice.quiet()  # nothing answers that
    assert bob.all_until("GETKEY alice 011 0 :\\clan\\none", "701")[0].params[1:] == (
        *("alice", "011"),
        "\\red\\",
    )
    bob.quiet()
    # words; a game's own messages, as NAT negotiation is called for
    bob.says(f"UTM {ROOM} :NAT/ NATHOST0 1234567 bob", "PRIVMSG alice :psst \xe9\xff")
    assert alice.hears("UTM").params == (ROOM, "NAT/ NATHOST0 1234567 bob")
    assert clear.hears("UTM").nick == "bob"
    assert alice.hears("PRIVMSG").params == ("alice", "psst \xe9\xff")
    assert bob.quiet() == [], "nobody hears himself"
    assert bob.asks("PRIVMSG nobody :x", "401").params[1] == "nobody"
    alice.says("AWAY :back soon")
    assert alice.hears("306")
    assert bob.asks("PRIVMSG alice :there?", "301").last == "back soon"
    assert alice.hears("PRIVMSG").last == "there?"
    bob.says(f"KICK {ROOM} carol :no")
    assert bob.hears("482")
    alice.says(f"KICK {ROOM} carol :bye")
    for one_of in (alice, bob, clear):
        assert one_of.hears("KICK").params == (ROOM, "carol", "bye")
    assert clear.asks(f"PRIVMSG {ROOM} :x", "404"), "no words from outside"
    bob.says("QUIT :gone")
    assert bob.ended()[-1].command == "ERROR"
    left = alice.hears("QUIT")
    assert (left.nick, left.last) == ("bob", "gone")
    clear.close()
    assert alice.asks(f"NAMES {ROOM}", "353").last == "@alice"


def test_modes_and_who_may_come_in(chat: Chat) -> None:
    alice, bob, eve = (chat.comes(name) for name in ("alice", "bob", "eve"))
    alice.joins(ROOM)
    bob.joins(ROOM)
    alice.says(f"MODE {ROOM} +imkl-n sesame 3")
    for one in (alice, bob):
        assert one.hears("MODE", nick="alice").params == (ROOM, "+imkl-n", "sesame", "3")
    assert bob.asks(f"MODE {ROOM}", "324").params[1:] == (ROOM, "+imtkl", "sesame", "3")
    assert eve.asks(f"MODE {ROOM}", "324").params[1:] == (ROOM, "+imtkl", "*", "3")
    assert bob.asks(f"PRIVMSG {ROOM} :x", "404"), "moderated"
    alice.says(f"MODE {ROOM} +v bob")
    assert bob.hears("MODE").params == (ROOM, "+v", "bob")
    bob.says(f"PRIVMSG {ROOM} :now")
    assert alice.hears("PRIVMSG").last == "now"
    assert eve.barred(ROOM, "sesame") == "473"
    alice.says(f"INVITE eve {ROOM}")
    assert alice.hears("341").params[1:] == ("eve", ROOM)
    assert eve.hears("INVITE", nick="alice").params == ("eve", ROOM)
    assert eve.barred(ROOM, "wrong") == "475"
    alice.says(f"MODE {ROOM} +b eve!*@*", f"MODE {ROOM} +b")
    assert alice.hears("367").params[1:] == (ROOM, "eve!*@*")
    assert alice.hears("368")
    alice.says(f"MODE {ROOM} -ikm x")
    assert bob.hears("MODE").params[1] == "+b"
    assert bob.hears("MODE").params[1:] == ("-ikm", "x")
    assert eve.joins(ROOM) == ["@alice", "+bob", "eve"], "an invitation goes before a ban"
    eve.says(f"PART {ROOM}")
    assert eve.hears("PART").params == (ROOM, "")
    assert eve.barred(ROOM) == "474"
    alice.says(f"MODE {ROOM} -bl eve!*@*", f"MODE {ROOM} +l 2", f"MODE {ROOM} +o bob")
    assert bob.hears("MODE", nick="alice").params[1:] == ("-bl", "eve!*@*")
    assert bob.hears("MODE").params[1:] == ("+l", "2")
    assert bob.hears("MODE").params[1:] == ("+o", "bob")
    assert eve.barred(ROOM) == "471"
    bob.says(f"MODE {ROOM} -o alice", f"TOPIC {ROOM} :race at nine")
    assert alice.hears("TOPIC").last == "race at nine"
    assert alice.asks(f"MODE {ROOM} +i", "482")
    assert alice.asks(f"TOPIC {ROOM}", "332").last == "race at nine"
    assert bob.asks(f"MODE {ROOM} +x", "472")
    bob.says(f"MODE {ROOM} +s")
    while bob.hears("MODE").params[1] != "+s":
        pass
    listed = eve.all_until("LIST ", "323")
    assert [one.command for one in listed] == ["321", "323"], "a secret room"
    listed = [one for one in alice.all_until("LIST #gsp!*", "323") if one.command == "322"]
    assert [one.params[1:] for one in listed] == [(ROOM, "2", "race at nine")]
    seen = alice.all_until("WHO bob", "315")
    assert (seen[0].params[1], seen[0].params[5], seen[0].params[6]) == (ROOM, "bob", "H@")
    known = alice.all_until("WHOIS bob", "318")
    assert [one.command for one in known] == ["311", "319", "312", "318"]
    assert known[0].last == "d41d8cd98f00b204e9800998ecf8427e"
    names = eve.all_until("NAMES #nowhere", "366")
    assert len(names) == 1
    eve.says("NICK bob")
    assert eve.hears("433").params[:2] == ("eve", "bob")
    bob.says("NICK robert")
    assert alice.hears("NICK", nick="bob").last == "robert"
    assert bob.hears("NICK").last == "robert"
    bob.says("MODE robert +q")
    assert bob.hears("MODE", nick="robert").params == ("robert", "+q")
    bob.quiet()
    alice.says(f"PART {ROOM} :off")
    alice.hears("PART")
    assert bob.quiet() == []
    bob.says("MODE robert -q")
    assert bob.hears("353").last == "@robert", "the names come when it is quiet no more"


def test_logins_title_and_group_rooms(chat: Chat) -> None:
    def hashed(text: str) -> str:
        return md5(text.encode(), usedforsecurity=False).hexdigest()

    alice = chat.comes()
    assert alice.asks(f"LOGIN 1 anna {hashed('wrong')}", "708")
    assert alice.asks(f"LOGIN 1 eve {hashed('wrong')}", "708")
    pid = int(alice.asks(f"LOGIN 1 anna {hashed('secret123')}", "707").params[2])
    assert pid > 0
    alice.whoami()
    alice.says("NICK *")  # the unique nick
    assert alice.hears("001").params[0] == "anna"
    assert alice.asks("CDKEY 1234-5678", "706").params[1] == "1"
    bob = chat.comes()
    assert bob.asks(f"LOGIN 0 * {hashed('gptestc')} :ben@b@example.com", "707")
    assert bob.asks("LOGINPREAUTH token42 wrong", "708")
    assert int(bob.asks("LOGINPREAUTH token42 challenge", "707").params[2]) != pid
    assert bob.asks("JOIN #GSP!gmtest", "451"), "not in yet"
    bob.nick = "ben"
    bob.come_in()
    for room in ("#GSP!gmtest", "#GPG!1"):
        alice.nick = "anna"
        assert alice.joins(room) == ["anna"], "nobody owns a public room"
        assert bob.joins(room) == ["anna", "ben"]
        assert bob.asks(f"MODE {room} +o ben", "482")
    rooms = Browser(chat.ports["browser2"])
    rooms.asks("\\hostname\\numwaiting\\maxwaiting", "numwaiting > 0", options=32)
    (listed,) = rooms.list()
    rooms.close()
    assert (listed["ip"], listed["hostname"], listed["numwaiting"]) == ("0.0.0.1", "East", "2")
    assert alice.asks("REGISTERNICK 1 ben-wins 0", "707").params[2] == str(pid)
    assert bob.asks("REGISTERNICK 1 ben-wins 0", "711")
    assert bob.asks("GETUDPRELAY #GPG!1", "712")


def test_hostile_players_disturb_nobody(chat: Chat) -> None:
    alice, bob = chat.comes("alice"), chat.comes("bob")
    alice.joins(ROOM)
    bob.joins(ROOM)
    assert chat.comes(game="unknown").ended()[-1].command == "ERROR"
    wrong = Chatter(chat.ports["chat"], secret=b"wrong!")
    wrong.says(*("USRIP" for _ in range(1000)))
    assert read_all(wrong.socket), "an ERROR that it cannot read, and the end"
    wrong.close()
    many = chat.comes("many")
    many.says(*(f"JOIN #room{number}" for number in range(1000)))
    joined = [many.hears("366").params[1] for _ in range(20)]
    refused = [many.hears("405").params[1] for _ in range(980)]
    assert len(set(joined) | set(refused)) == 1000
    odd = chat.comes("odd")
    assert odd.asks("EXPLODE now", "421").params[1] == "EXPLODE"
    assert odd.asks("PRIVMSG alice :" + "x" * 5000, "417")
    odd.says(
        "", "\r", "JOIN", "MODE", "KICK #x", "NICK", "GETCKEY", "SETCKEY #x", "WHOIS", end="\r\n"
    )
    odd.says(f"MODE {ROOM} +{'b*' * 50}", "JOIN #a:b", "JOIN nothash", "JOIN #" + "x" * 300)
    odd.sends(b"NICK \xff\xfe\xe9\r\n")
    assert odd.hears("NICK").last == "\xff\xfe\xe9", "bytes are bytes"
    odd.sends(b"\x01\x02\x03\r\nPRIVMSG " + ROOM.encode() + b" :\rQUIT\r\n")
    assert {one.command for one in odd.quiet()} >= {"461", "476", "404", "421"}
    endless = chat.comes("endless")
    endless.sends(b"PRIVMSG alice :" + b"\r" * 70_000)
    assert endless.ended()[-1].command == "ERROR"
    noise = connect(chat.ports["chat"])
    noise.sendall(bytes(range(256)) * 8 + b"\n")
    assert b"421" in noise.recv(4096)
    noise.close()
    slow = connect(chat.ports["chat"])
    slow.sendall(b"CRYPT des 1 gm")
    alice.says(f"PRIVMSG {ROOM} :all well?")
    assert bob.hears("PRIVMSG").last == "all well?"
    assert [one.command for one in alice.quiet()] == ["JOIN"], "bob's, and nothing of all that"
    slow.close()


def test_players_meet_in_a_recorded_room(tmp_path: Path) -> None:
    taped = clients.chat_room(tmp_path / "tape.understudy.db")
    relay = ("--relay", "gamespy-chat:0", "--game-key", "gmtest=HA6zkS")
    with Command(tmp_path, "serve", str(taped.path), "-w", AGAIN, *relay) as stand_in:
        port = stand_in.ready()["gamespy-chat", "tcp"]
        kate, liam = Chatter(port), Chatter(port)
        for nick, one in (("kate", kate), ("liam", liam)):
            one.nick = nick
            one.whoami()
            one.says(f"PONG :{one.hears('PING').last}", f"NICK {nick}")
            assert one.hears("376").params[0] == nick
            one.says("JOIN #GSP!gmtest")
            assert "buddy" in one.hears("353").last, "the recorded room"
            one.hears("366")
        assert kate.hears("JOIN", nick="liam").last == "#GSP!gmtest"
        assert liam.hears("JOIN", nick="kate"), "the recorded list does not have her"
        liam.says("PRIVMSG #GSP!gmtest :evening all", "PRIVMSG kate :you too")
        assert kate.hears("PRIVMSG", nick="liam").params == ("#GSP!gmtest", "evening all")
        assert kate.hears("PRIVMSG", nick="liam").params == ("kate", "you too")
        assert liam.hears("PRIVMSG", nick="buddy").last.startswith("hello"), "as it was recorded"
        assert kate.asks("WHOIS liam", "311").params[1] == "liam", "by rules"
        for one in (kate, liam):
            one.says("QUIT :bye")
            one.close()
        assert stand_in.stop() == 0, stand_in.said()
    assert unanswered(tmp_path) == []
    keys = {row["key"] for row in rows(tmp_path / AGAIN, "SELECT key FROM keys")}
    before = {row["key"] for row in rows(taped.path, "SELECT key FROM keys")}
    assert len(keys - before) >= 4, "each client has ciphers of its own"
