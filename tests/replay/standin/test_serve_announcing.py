"""A stand-in tells lists about itself: those of the reference, our own, and silent ones."""

from __future__ import annotations

import queue
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

import understudy
from tests.replay.standin.emulator import INFO, Player
from tests.replay.standin.rabbit import Rabbit
from tests.replay.standin.test_serve_jazz2 import Warren, binary
from tests.replay.standin.test_serve_kaillera import Server
from tests.running import PATIENCE, Command, read_all, read_exactly
from tests.running import Server as ListServer


class Pages:
    """A list of Kaillera servers: what was asked of it."""

    def __init__(self) -> None:
        self.asked: queue.Queue[tuple[str, dict[str, str], dict[str, str]]] = queue.Queue()
        self.server = ListServer(self._answer)

    def _answer(self, connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        first, *lines = data.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        method, target, version = first.split(" ")
        assert (method, version) == ("GET", "HTTP/1.0")
        query = parse_qs(urlsplit(target).query, keep_blank_values=True, encoding="latin-1")
        headers = dict(line.split(": ", 1) for line in lines)
        values = {name: value[0] for name, value in query.items()}
        self.asked.put((urlsplit(target).path, values, headers))
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def kaillera(stack: ExitStack, folder: Path, *arguments: str) -> Server:
    folder.mkdir(exist_ok=True)
    server = Server(folder, *arguments, quiet=False)
    stack.enter_context(server.command)
    stack.callback(leave, server.players)
    return server


def warren(stack: ExitStack, folder: Path, *arguments: str) -> Warren:
    folder.mkdir(exist_ok=True)
    made = Warren(folder, *arguments)
    stack.enter_context(made.command)
    stack.callback(leave, made.rabbits)
    return made


def leave(clients: list[Player] | list[Rabbit]) -> None:
    for one in clients:
        one.close()


def hang(connection: socket.socket) -> None:
    """Never answer."""
    read_all(connection)


def said(command: Command, text: str) -> None:
    """Wait for something in its output, which may have come already."""
    if not any(text in line for line in command.lines):
        command.until(lambda line: text in line)


def test_kaillera_announces_itself_in_both_forms(stack: ExitStack, tmp_path: Path) -> None:
    """To a list of the reference, to the successor's, to ours, and to two that do not answer."""
    pages, other = Pages(), Pages()
    mute = ListServer(lambda connection: None)
    hung = ListServer(hang)
    for one in (pages.server, other.server, mute, hung):
        stack.callback(one.close)
    ours = kaillera(stack, tmp_path / "list", "--rule", "kaillera-list.own=0")
    server = kaillera(
        *(stack, tmp_path / "game"),
        *("--announce", f"127.0.0.1:{pages.server.port}"),
        *("--announce", f"http://127.0.0.1:{other.server.port}/lists/touch_list.php"),
        *("--announce", f"127.0.0.1:{mute.port}", "--announce", f"127.0.0.1:{hung.port}"),
        *("--announce", f"127.0.0.1:{ours.list}"),
        *("--rule", "kaillera-list.name=Olé & co", "--rule", "kaillera.max_users=7"),
    )
    path, values, headers = pages.asked.get(timeout=PATIENCE)
    assert path == "/touch_server.php"
    assert values == {
        **{"servername": "Olé & co", "port": str(server.port), "nbusers": "0", "maxconn": "7"},
        **{"version": "0.86", "nbgames": "0", "location": "here", "ip": "", "url": ""},
    }
    assert (headers["Kaillera-games"], headers["Kaillera-wgames"]) == ("", "")
    path, values, headers = other.asked.get(timeout=PATIENCE)
    assert path == "/lists/touch_list.php"
    assert values["serverName"] == "Olé & co"
    assert [values[name] for name in ("port", "maxUsers")] == [str(server.port), "7"]
    assert headers["Waiting-games"] == ""
    said(server.command, f"127.0.0.1:{mute.port} does not list this server")
    said(server.command, f"127.0.0.1:{ours.list} lists this server")
    assert ours.page("/raw_server_list2.php?version=0.9").splitlines() == [
        *("Olé & co", f"127.0.0.1:{server.port};0/7;0;0.86;here")
    ]
    assert server.player("alice").emulator.all(INFO), "nobody waits for a list"
    server.end()
    ours.end()


def test_a_jazz2_server_registers_and_says_how_many_are_here(
    stack: ExitStack, tmp_path: Path
) -> None:
    """The record comes alone, updates later; the list pings, and ends it at last."""
    told: queue.Queue[bytes] = queue.Queue()

    def register(connection: socket.socket) -> None:
        told.put(connection.recv(4096))  # alone, in one piece
        connection.sendall(b"\0")
        told.put(read_exactly(connection, 2))
        connection.sendall(b"/!\\ GURU MEDITATION /!\\\r\nyou are too old\r\n")

    lists = ListServer(register)
    stack.callback(lists.close)
    ours = warren(stack, tmp_path / "list", "--rule", "jazz2-list.own=0")
    own = f"127.0.0.1:{ours.lists['registration']}"
    rules = ("jazz2.name=Loop Stand", "jazz2.mode=race", "jazz2.password=x", "jazz2.max_players=9")
    words = [word for rule in rules for word in ("--rule", rule)]
    words += ["--announce", f"127.0.0.1:{lists.port}", "--announce", own]
    game = warren(stack, tmp_path / "game", *words)
    record = told.get(timeout=PATIENCE)
    # u16le port, name in 33, one player (the host), limit, flags: private and race, version
    name = b"Loop Stand".ljust(33, b"\0")
    assert record == struct.pack("<H", game.port) + name + bytes((1, 9, 4 << 1 | 1)) + b"24  "
    assert told.get(timeout=PATIENCE) == b"\0\1"
    said(game.command, "GURU MEDITATION you are too old")
    said(game.command, f"{own} lists this server")
    assert binary(ours.told("binary list")) == [("127.0.0.1", game.port, "Loop Stand")]
    line = ours.told("text list").decode()
    assert line.startswith(f"127.0.0.1:{game.port} local private race 1.24   ")
    assert line.endswith(" [1/9] Loop Stand\r\n")
    game.end()
    for _ in range(200):
        if not binary(ours.told("binary list")):
            break
    assert binary(ours.told("binary list")) == [], "who goes is not listed"
    ours.end()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nascar-thunder-2004", "--announce", "list.example"), "whose servers are listed"),
        (("kaillera", "--announce", "list.example", "--offline"), "--offline forbids it"),
        (("kaillera", "--announce", "list.example:x"), "write HOST, HOST:PORT or a page"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    result = CliRunner().invoke(understudy.cli, ["serve", *words, "-w", str(tmp_path / "x.db")])
    assert result.exit_code == 1
    assert sentence in result.output
