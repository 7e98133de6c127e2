"""Scripted clients, written from the references: each records one session and says how to play it.

They compute what a client computes with the servers' own code, and read what they are told.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from recordings.model import Direction, Key, Transport
from recordings.samples import FOLDER, load_sample
from recordings.writer import Recording
from tests.replay.servers import browser, chat, gamespy, jazz2, kaillera, query
from tests.replay.taping import CLIENT, Taping

GAME_KEY = ("--game-key", "gmtest=HA6zkS")


@dataclass
class Taped:
    """A recording, and what the command line needs besides it."""

    path: Path
    options: list[str] = field(default_factory=list)


def ea_evening(path: Path) -> Taped:
    """The sample that comes with the product."""
    with Recording.open(path) as recording:
        load_sample(FOLDER / "nascar-thunder-2004-evening.jsonl", recording)
    return Taped(path)


@contextlib.contextmanager
def taping(path: Path, tape: Taping | None) -> Iterator[Taping]:
    """A tape of its own, or one that others write on too."""
    if tape is not None:
        yield tape
        return
    with Taping(path) as own:
        yield own


def gamespy_evening(path: Path) -> Taped:
    """Presence with its search, a game server, and the chat, side by side in one session."""
    with Taping(path) as tape:
        presence(path, tape=tape)
        game_server(path, tape=tape)
        chat_room(path, tape=tape)
    return Taped(path, [*GAME_KEY])


def found(pattern: str, text: bytes) -> str:
    match = re.search(pattern.encode(), text)
    assert match, (pattern, text)
    return match[1].decode()


def presence(path: Path, seed: int = 1, tape: Taping | None = None) -> Taped:
    """Makes an account, logs in, searches a friend, talks; presence and search side by side."""
    world = gamespy.World(seed)
    nick, password = "racer", "daytona500"
    with taping(path, tape) as tape:
        flow = tape.tcp("gamespy-presence", 29900, gamespy.Presence(world))
        challenge = found(r"challenge\\(\w+)", flow.heard)
        flow.say(
            gamespy.message(
                *("newuser", "", "email", "racer@example.net", "nick", nick),
                *("passwordenc", gamespy.hidden(password.encode()).decode(), "productid", 1),
                *("gamename", "gmtest", "namespaceid", 1, "uniquenick", nick, "partnerid", 0),
                *("id", 1),
            )
        )
        mine = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF"
        words = (password.encode(), nick.encode(), mine.encode(), challenge.encode())
        answer = flow.say(
            gamespy.message(
                *("login", "", "challenge", mine, "uniquenick", nick, "partnerid", 0),
                *("response", gamespy.login_response(*words).decode(), "port", 6500),
                *("productid", 1, "gamename", "gmtest", "namespaceid", 1, "id", 1),
            )
        )
        key, profile = found(r"sesskey\\(\d+)", answer), found(r"profileid\\(\d+)", answer)
        friend = found(r"list\\(\d+)", answer)
        flow.say(gamespy.message("status", 1, "sesskey", key, "statstring", "Playing"))
        flow.say(
            gamespy.message("getprofile", "", "sesskey", key, "profileid", profile, "id", 2)
            + gamespy.message("getprofile", "", "sesskey", key, "profileid", friend, "id", 3)
        )
        search = tape.tcp("gamespy-search", 29901, gamespy.Search(world))
        search.say(
            gamespy.message(
                *("search", "", "sesskey", key, "profileid", profile, "namespaceid", 1),
                *("nick", "buddy", "gamename", "gmtest"),
            )
        )
        flow.say(gamespy.message("bm", 1, "sesskey", key, "t", friend, "msg", "race you"))
        flow.say(gamespy.message("ka", ""))
        flow.say(gamespy.message("logout", "", "sesskey", key))
    assert not world.problems
    return Taped(path)


def stats(path: Path, seed: int = 1) -> Taped:
    """Proves the game and the player, reads data, reports a game."""
    world = gamespy.World(seed)
    password = gamespy.Stats.password
    known = Key("password", password.encode(), "password", None, "given")
    with Taping(path, keys=(known,)) as tape:
        flow = tape.tcp("gamespy-stats", 29920, gamespy.Stats(world))
        greeting = gamespy.xored(flow.heard)
        response = gamespy.auth_response(found(r"challenge\\(\w{10})", greeting), "HA6zkS")
        said = ("auth", "", "gamename", "gmtest", "response", response, "port", 0, "id", 1)
        answer = flow.say(gamespy.stats_message(*said))
        connection = int(found(r"sesskey\\(\d+)", gamespy.xored(answer)))
        proof = gamespy.player_response(password, connection)
        flow.say(gamespy.stats_message("authp", "", "pid", 77, "resp", proof, "lid", 1))
        wanted = ("getpd", "", "pid", 77, "ptype", 3, "dindex", 0, "keys", "score", "lid", 2)
        flow.say(gamespy.stats_message(*wanted))
        game = ("sesskey", 123456789)
        flow.say(gamespy.stats_message("newgame", "", "connid", connection, *game))
        report = ("connid", connection, "done", 1, "gamedata", "\x01place\x011")
        flow.say(gamespy.stats_message("updgame", "", *game, *report))
    assert not world.problems
    return Taped(path, [*GAME_KEY, "--key", f"password={password.encode().hex()}"])


def server_browser(path: Path, seed: int = 1) -> Taped:
    """Asks for the list, then about two of the servers in it."""
    world = browser.World(seed)
    with Taping(path) as tape:
        flow = tape.tcp("gamespy-browser2", 28910, browser.Browser(world))
        fields = "\\hostname\\numplayers"
        flow.say(browser.request("gmtest", b"KI^0&2ZL", fields))
        for number in (1, 0):
            flow.say(browser.ask(*world.servers[number]))
    assert not world.problems
    return Taped(path, [*GAME_KEY])


def chat_room(path: Path, seed: int = 1, game: str = "gmtest", tape: Taping | None = None) -> Taped:
    """Comes into a room, asks for keys, says something, answers a ping."""
    world = chat.World(seed, CLIENT)
    with taping(path, tape) as tape:
        flow = tape.tcp("gamespy-chat", 6667, chat.Chat(world))
        answer = flow.say(f"CRYPT des 1 {game}\r\n".encode()).split()
        up = chat.Stream(chat.Chat.secret, answer[3])
        down = chat.Stream(chat.Chat.secret, answer[4])

        def say(text: str) -> bytes:
            return down.run(flow.say(up.run(text.encode() + b"\r\n")))

        say("USRIP")
        card = "5f4dcc3b5aa765d61d8327deb882cf99"
        user = f"X{chat.spelled(CLIENT)}X|42"
        token = found(r"PING :(\d+)", say(f"USER {user} 127.0.0.1 peerchat.gamespy.com :{card}"))
        say(f"PONG :{token}")
        say("NICK racer")
        say("JOIN #GSP!gmtest")
        say("GETCKEY #GSP!gmtest * 001 0 :\\b_flags")
        say("PRIVMSG #GSP!gmtest :evening all")
        say("QUIT :bye")
    assert not world.problems
    return Taped(path, [*GAME_KEY])


def game_server(path: Path, seed: int = 1, tape: Taping | None = None) -> Taped:
    """Makes itself known, proves the secret, gets a message passed on."""
    world = query.World(seed)
    key = bytes.fromhex("5a17c39e")
    with taping(path, tape) as tape:
        flow = tape.udp("gamespy-query", 27900, query.Master(world))
        (challenge,) = flow.say(query.heartbeat(key, 6500, 3))
        text = challenge[7:].rstrip(b"\0")
        flow.say(b"\x01" + key + query.proof(b"HA6zkS", text) + b"\0")
        flow.say(b"\x08" + key)
        (passed,) = flow.say(query.heartbeat(key, 6500, 1))
        flow.say(b"\x07" + key + passed[7:11])
    assert not world.problems
    return Taped(path, [*GAME_KEY])


class Numbered:
    """The client's side of a private port: numbers, and the last three messages again."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.cache: list[bytes] = []

    def bundle(self, tag: int, body: bytes) -> bytes:
        head = struct.pack("<HHB", len(self.sent), len(body) + 1, tag)
        self.sent.append(head + body)
        last = self.sent[:-4:-1]
        return bytes([len(last)]) + b"".join(last)

    def data(self, data: bytes) -> bytes:
        """Input, by its place in the cache when it was sent before (kaillera 5)."""
        if data in self.cache:
            return self.bundle(kaillera.CACHED, b"\0" + bytes([self.cache.index(data)]))
        self.cache.append(data)
        return self.bundle(kaillera.DATA, b"\0" + struct.pack("<H", len(data)) + data)


def kaillera_game(path: Path, seed: int = 1, inputs: int = 40) -> Taped:
    """Logs in, makes a game, plays some frames, throws the other one out, leaves."""
    world = kaillera.World(seed)
    sessions: list[kaillera.Session] = []

    def private(session: kaillera.Session) -> int:
        sessions.append(session)
        return 27889

    with Taping(path, game="kaillera") as tape:
        main = tape.udp("kaillera", 27888, kaillera.Main(world, private))
        main.say(b"PING\0")
        main.say(b"HELLO0.83\0")
        flow = tape.udp("kaillera", 27889, sessions[0], parent=main.flow.last)
        us = Numbered()
        z = kaillera.z
        flow.say(us.bundle(kaillera.LOGIN, z("racer") + z("understudy 1") + b"\x01"))
        for _ in range(world.rounds):
            body = z("") + struct.pack("<4I", 0, 1, 2, 3)
            flow.say(us.bundle(kaillera.CLIENT_ACK, body))
        flow.say(us.bundle(kaillera.CHAT, z("") + z("evening all")))
        rom = z("") + z("Oval Racer") + z("") + b"\xff" * 4
        flow.say(us.bundle(kaillera.CREATE, rom))
        flow.say(us.bundle(kaillera.START, z("") + b"\xff" * 4))
        flow.say(us.bundle(kaillera.READY, z("")))
        for number in range(inputs):
            flow.say(us.data(bytes([number % 7, 0x10])))
        flow.say(us.bundle(0x0F, z("") + struct.pack("<H", world.user_id + 1)))
        flow.say(us.bundle(kaillera.DROP, z("") + b"\0"))
        flow.say(us.bundle(kaillera.QUIT_GAME, z("") + b"\xff\xff"))
        flow.say(us.bundle(kaillera.QUIT, z("") + b"\xff\xff" + z("bye")))
    assert not world.problems, world.problems
    assert world.frames == inputs
    return Taped(path)


def jazz2_game(path: Path, seed: int = 1) -> Taped:
    """Joins by TCP, moves about by UDP, talks; the UDP flow was announced by the client itself."""
    world = jazz2.World(seed, CLIENT)
    with Taping(path, game="jazz-jackrabbit-2") as tape:
        flow = tape.tcp("jazz2", 10052, jazz2.Game(world))
        answer = flow.say(jazz2.packet(0x0F, struct.pack("<H", 40_123) + b"24  \x01"))
        joined = flow.flow.last - 1  # its answer came behind it
        number, challenge = answer[3], answer[-12:-8]
        side = tape.flow("jazz2", Transport.UDP, 10052, parent=joined, client_port=40_123)
        flow.say(jazz2.packet(0x0E, b"\x01" + jazz2.player(number, "racer")))
        (beat,) = world.outbox
        side.passes(Direction.TO_CLIENT, beat)
        peer = (CLIENT, 40_123)
        served = jazz2.Datagrams(world)

        def say(body: bytes) -> None:
            side.passes(Direction.TO_SERVER, jazz2.datagram(body))
            for told in served.received(jazz2.datagram(body), peer):
                side.passes(Direction.TO_CLIENT, told)

        say(b"\x09\x00\x00" + beat[-4:])
        flow.say(jazz2.packet(0x1A, challenge))
        for at in range(5):
            say(b"\x01" + bytes([at, 7, 7, at]))
        flow.say(jazz2.packet(0x1B, bytes([answer[2], 0x20]) + b"evening all"))
    assert not world.problems, world.problems
    return Taped(path)
