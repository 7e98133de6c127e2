"""An EA evening through the real command: directory, lobby, buddy, with the retail client's frames.

The client looks its directory up in our DNS and goes where it is told. A server of the tests says
what the reference's server said, with its own ports, and notes who came.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.reference import captures
from tests.running import PATIENCE, Command, Server, connect, read_exactly, rows, serving

NAME = "ps2nascar04.ea.com"
FILE = "evening.understudy.db"


def load() -> dict[str, bytes]:
    """The reference's frames by name."""
    return {one["name"]: bytes.fromhex(one["hex"]) for one in captures("ea-lobby")["frames"]}


def frame(kind: bytes, body: bytes, ident: bytes = b"\0\0\0\0") -> bytes:
    return kind + ident + struct.pack(">I", 12 + len(body)) + body


def receive(connection: socket.socket) -> bytes:
    """One frame; empty at the end."""
    head = read_exactly(connection, 12)
    if len(head) < 12:
        return b""
    return head + read_exactly(connection, struct.unpack(">I", head[8:])[0] - 12)


def field(data: bytes, name: str) -> str:
    found = re.search(rf"{name}=([^\n\t\0]*)".encode(), data[12:])
    assert found, f"no {name} in {data!r}"
    return found[1].decode()


def ask_dns(port: int, name: str, *, kind: int = 1) -> list[str]:
    """IPv4 addresses that a name server on loopback gives (RFC 1035 4.1)."""
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    query = struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + question + b"\0"
    query += struct.pack(">HH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(query, ("127.0.0.1", port))
        answer = client.recvfrom(512)[0]
    number, flags, _, answers, _, _ = struct.unpack_from(">HHHHHH", answer)
    assert number == 0x1234
    assert flags & 0x8000
    found, at = [], len(query)
    for _ in range(answers):
        while answer[at] and answer[at] & 0xC0 != 0xC0:  # a name may be written out
            at += 1 + answer[at]
        at += 2 if answer[at] else 1
        what, _, _, size = struct.unpack_from(">HHIH", answer, at)
        at += 10
        if what == 1:
            found.append(socket.inet_ntoa(answer[at : at + size]))
        at += size
    return found


class Servers:
    """Directory, lobby and buddy in one: each answers by the kind of the request."""

    def __init__(self, stack: ExitStack, mask: str, session: str) -> None:
        self.frames = load()
        self.kinds: list[bytes] = []
        self._mask = mask
        self._session = session
        self.buddy = stack.enter_context(serving(self._serve))
        self.lobby = stack.enter_context(serving(self._serve))
        self.directory = stack.enter_context(serving(self._serve))

    @property
    def all(self) -> list[Server]:
        return [self.directory, self.lobby, self.buddy]

    def peers(self) -> set[tuple[str, int]]:
        """Everybody who connected."""
        return {peer for server in self.all for peer in server.peers}

    def _serve(self, connection: socket.socket) -> None:
        while request := receive(connection):
            self.kinds.append(request[:4])
            for answer in self._answers(request):
                connection.sendall(answer)
            if request[:4] == b"@dir":
                return

    def _answers(self, request: bytes) -> list[bytes]:
        kind, known = request[:4], self.frames
        if kind == b"@dir":
            text = f"ADDR=127.0.0.1\nPORT={self.lobby.port}\nLKEY=0\nSESS={self._session}\n"
            return [frame(kind, f"{text}MASK={self._mask}\n\0".encode())]
        if kind == b"news":
            text = (
                f"BUDDY_URL=127.0.0.1\nBUDDY_PORT={self.buddy.port}\nBUDDY_SERVER=127.0.0.1\n"
                "TOS_TEXT=VTSTech_TOS\n"
            )
            return [frame(kind, text.encode() + b"\0", b"new0")]
        table = {
            b"addr": ["~png from server (emulator)"],
            b"skey": ["skey reply SKEY=0 (emulator) -> selects $-PASS path"],
            b"auth": ["auth reply (emulator), PERSONAS with quoted element"],
            b"pers": ["pers reply (emulator)", "+who after pers (emulator)"],
            b"sele": ["+rom (emulator)", "+usr (emulator)"],
            b"AUTH": ["buddy AUTH ok (emulator)"],
            b"RGET": ["buddy ROST (emulator)"],
            b"~png": [],
        }
        return [known[name] for name in table.get(kind, [])] or (
            [] if kind == b"~png" else [frame(kind, b"")]
        )


class Console:
    """The retail client: goes only where it is told, and notes every address of its own."""

    def __init__(self, forbidden: list[int]) -> None:
        self.frames = load()
        self.mine: set[tuple[str, int]] = set()
        self._forbidden = forbidden

    def connect(self, host: str, port: int) -> socket.socket:
        """Where it is told to go; fails when that is past the proxy."""
        assert port not in self._forbidden, f"told to go to the upstream's port {port}"
        connection = connect(port, host)
        self.mine.add(connection.getsockname())
        return connection

    def directory(self, host: str, port: int) -> bytes:
        with self.connect(host, port) as leg:
            leg.sendall(self.frames["nascar @dir request"])
            return receive(leg)

    def evening(self, host: str, port: int, login: str) -> None:
        answer = self.directory(host, port)
        self.lobby(field(answer, "ADDR"), int(field(answer, "PORT")), login)

    def lobby(self, host: str, port: int, login: str) -> None:
        known = self.frames
        with self.connect(host, port) as lobby:
            lobby.sendall(known["nascar addr"])
            assert receive(lobby) == known["~png from server (emulator)"]
            lobby.sendall(known["~png answer: same body, TIME replaced by own RTT, ident 0x11"])
            lobby.sendall(known['nascar skey request: literal "Public Key"'])
            assert receive(lobby)[:4] == b"skey"
            lobby.sendall(known[login])
            assert receive(lobby)[:4] == b"auth"
            lobby.sendall(known["nascar pers"])
            assert [receive(lobby)[:4] for _ in range(2)] == [b"pers", b"+who"]
            lobby.sendall(known["nascar sele, space separated constant, no newline"])
            assert [receive(lobby)[:4] for _ in range(2)] == [b"+rom", b"+usr"]
            lobby.sendall(known["nascar news NAME=0"])
            news = receive(lobby)
            assert news[4:8] == b"new0"
            assert field(news, "BUDDY_SERVER") == field(news, "BUDDY_URL")
            self.buddy(field(news, "BUDDY_URL"), int(field(news, "BUDDY_PORT")))
            lobby.sendall(known["nascar challenge: mesg PRIV/TEXT token/ATTR=3"])
            assert receive(lobby)[:4] == b"mesg"

    def buddy(self, host: str, port: int) -> None:
        known = self.frames
        with self.connect(host, port) as buddy:
            buddy.sendall(known["buddy AUTH"])
            assert receive(buddy) == known["buddy AUTH ok (emulator)"]
            buddy.sendall(known["buddy PSET: quoted, doubly escaped"])
            assert receive(buddy)[:4] == b"PSET"
            buddy.sendall(known["buddy RGET list B"] + known["buddy RGET list I"])
            assert [receive(buddy)[:4] for _ in range(2)] == [b"ROST", b"ROST"]


LOGIN = "nascar auth, PASS public-key path, MASK=int32(SESS)"


def recorded(folder: Path, servers: Servers, *more: str) -> Command:
    return Command(
        folder,
        *("record", "nascar-thunder-2004", "-w", FILE),
        *("--upstream", f"127.0.0.1:{servers.directory.port}"),
        *("--relay", "ea-lobby:0", "--dns-port", "0", *more),
    )


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """One evening, recorded; what the tests below look at."""
    folder = tmp_path_factory.mktemp("evening")
    with ExitStack() as stack:
        servers = Servers(stack, "4294967295", "2924700378")
        run = stack.enter_context(recorded(folder, servers))
        ports = run.ready()
        console = Console([server.port for server in servers.all])
        (host,) = ask_dns(ports["dns", "udp"], NAME)
        console.evening(host, ports["ea-lobby", "tcp"], LOGIN)
        assert run.stop() == 0
        yield {
            "path": folder / FILE,
            "servers": servers,
            "console": console,
            "lines": run.lines,
            "host": host,
        }


def test_the_name_leads_to_the_proxy(evening: dict[str, Any]) -> None:
    assert evening["host"] == "127.0.0.1"


def test_nobody_but_the_proxy_reached_the_servers(evening: dict[str, Any]) -> None:
    servers, console = evening["servers"], evening["console"]
    assert [len(server.peers) for server in servers.all] == [1, 1, 1]
    assert len(console.mine) == 3
    assert not servers.peers() & console.mine


def test_the_session_links_three_flows(evening: dict[str, Any]) -> None:
    flows = rows(
        evening["path"],
        """SELECT flows.*, frames.kind, frames.flow_id AS parent FROM flows
           LEFT JOIN frames ON frames.id = parent_frame_id ORDER BY flows.id""",
    )
    assert [(row["kind"], row["parent"]) for row in flows] == [
        (None, None),
        ("@dir", 1),
        ("news", 2),
    ]
    assert {row["session_id"] for row in flows} == {1}
    assert {row["protocol"] for row in flows} == {"ea-lobby"}
    assert flows[0]["hostname"] == NAME
    (session,) = rows(evening["path"], "SELECT * FROM sessions")
    assert (session["game"], session["client"]) == ("nascar-thunder-2004", "127.0.0.1")


def test_the_password_is_clear_and_its_key_is_kept(evening: dict[str, Any]) -> None:
    path = evening["path"]
    (login,) = rows(path, "SELECT * FROM frames WHERE kind = 'auth' AND direction = 'c>s'")
    assert b"PASS=$3ec97dd5\n" in login["raw"]
    password = field(login["plain"], "PASS")
    assert password.isalpha()
    assert len(password) == 4
    assert json.loads(login["fields"])["PASS"] == password
    assert login["cipher"] == "mask"
    keys = {row["name"]: row for row in rows(path, "SELECT * FROM keys")}
    assert keys["mask"]["key"] == b"4294967295"
    (giver,) = rows(path, "SELECT kind, flow_id FROM frames WHERE id = ?", keys["mask"]["frame_id"])
    assert tuple(giver) == ("@dir", 1)


def test_announcements_are_kept_as_they_came_and_as_they_went(evening: dict[str, Any]) -> None:
    servers = evening["servers"]
    changed = rows(evening["path"], "SELECT * FROM frames WHERE action = 'changed' ORDER BY id")
    assert [row["kind"] for row in changed] == ["@dir", "news"]
    for row, name, server in zip(
        changed, ("PORT", "BUDDY_PORT"), (servers.lobby, servers.buddy), strict=True
    ):
        assert int(field(row["raw"], name)) == server.port
        assert int(field(row["sent"], name)) != server.port
        assert struct.unpack(">I", row["sent"][8:12])[0] == len(row["sent"])
    others = rows(evening["path"], "SELECT * FROM frames WHERE action IS NULL")
    assert all(row["sent"] is None for row in others)
    assert len(others) > 20


def test_every_frame_has_a_view(evening: dict[str, Any]) -> None:
    found = rows(evening["path"], "SELECT kind, error FROM frames")
    assert [tuple(row) for row in found if row["error"] or row["kind"] == "Opaque"] == []


def test_redirects_are_printed_and_recorded(evening: dict[str, Any]) -> None:
    events = rows(evening["path"], "SELECT detail FROM events WHERE kind = 'redirect'")
    assert [row["detail"].split()[0] for row in events] == ["lobby", "buddy"]
    printed = [line for line in evening["lines"] if "redirect: " in line]
    assert len(printed) == 2
    assert evening["lines"][-1].startswith("recorded ")
    assert "1 session, 3 flows, " in evening["lines"][-1]


def test_on_all_addresses_each_client_is_told_the_one_by_which_it_came(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = Servers(stack, "4294967295", "2924700378")
        run = stack.enter_context(recorded(tmp_path, servers, "--listen-host", "0.0.0.0"))
        ports = run.ready()
        console = Console([server.port for server in servers.all])
        assert ask_dns(ports["dns", "udp"], NAME) == ["127.0.0.1"]
        answer = console.directory("127.0.0.1", ports["ea-lobby", "tcp"])
        assert field(answer, "ADDR") == "127.0.0.1"
        console.lobby("127.0.0.1", int(field(answer, "PORT")), LOGIN)
        assert run.stop() == 0
    assert len(rows(tmp_path / FILE, "SELECT * FROM flows")) == 3


def through_socks(proxy: int, port: int) -> socket.socket:
    """A connection by SOCKS5 (RFC 1928)."""
    connection = connect(proxy)
    connection.sendall(b"\x05\x01\x00")
    assert read_exactly(connection, 2) == b"\x05\x00"
    connection.sendall(b"\x05\x01\x00\x01\x7f\0\0\x01" + struct.pack(">H", port))
    assert read_exactly(connection, 10)[1] == 0
    return connection


def test_what_comes_by_another_mode_is_recorded_unchanged(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        proxy = free.getsockname()[1]
    with ExitStack() as stack:
        servers = Servers(stack, "4294967295", "2924700378")
        run = stack.enter_context(recorded(tmp_path, servers, "--mode", f"socks5@{proxy}"))
        run.ready()
        assert f"listening socks5@127.0.0.1:{proxy}" in run.lines
        known = load()
        with through_socks(proxy, servers.directory.port) as leg:
            leg.sendall(known["nascar @dir request"])
            answer = receive(leg)
        assert int(field(answer, "PORT")) == servers.lobby.port
        with through_socks(proxy, servers.lobby.port) as leg:
            leg.sendall(known[LOGIN])
            assert receive(leg)[:4] == b"auth"
        assert run.stop() == 0
    flows = rows(tmp_path / FILE, "SELECT protocol, session_id, parent_frame_id FROM flows")
    assert [tuple(row) for row in flows] == [("ea-lobby", 1, None), ("ea-lobby", 1, 2)]
    assert rows(tmp_path / FILE, "SELECT * FROM frames WHERE sent IS NOT NULL") == []
    (login,) = rows(tmp_path / FILE, "SELECT * FROM frames WHERE kind='auth' AND direction='c>s'")
    assert login["cipher"] == "mask"


def test_two_consoles_behind_one_address_are_two_sessions(tmp_path: Path) -> None:
    """Both ask the directory before either goes on; each lobby leg is its own console's."""
    with ExitStack() as stack:
        servers = Servers(stack, "4294967295", "2924700378")
        run = stack.enter_context(recorded(tmp_path, servers))
        port = run.ready()["ea-lobby", "tcp"]
        consoles = [Console([server.port for server in servers.all]) for _ in range(2)]
        both = threading.Barrier(2)
        legs: list[str] = []

        def sit(console: Console) -> None:
            with console.connect("127.0.0.1", port) as leg:
                both.wait(PATIENCE)
                leg.sendall(console.frames["nascar @dir request"])
                answer = receive(leg)
                both.wait(PATIENCE)
            legs.append(field(answer, "PORT"))

        threads = [threading.Thread(target=sit, args=(console,)) for console in consoles]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert run.stop() == 0
    assert len(legs) == 2
    flows = rows(tmp_path / FILE, "SELECT session_id FROM flows ORDER BY id")
    assert [row["session_id"] for row in flows] == [1, 2]


def test_dns_answers_only_for_what_it_is_asked(tmp_path: Path) -> None:
    with serving(lambda connection: None) as server:
        arguments = ("--relay", f"raw-tcp:0=127.0.0.1:{server.port}", "--dns-port", "0")
        names = ("--dns", "a.example.org", "--dns", "b.example.org=192.0.2.77")
        with Command(tmp_path, "record", "-w", FILE, *arguments, *names) as run:
            port = run.ready()["dns", "udp"]
            assert ask_dns(port, "a.example.org") == ["127.0.0.1"]
            assert ask_dns(port, "A.Example.ORG") == ["127.0.0.1"]
            assert ask_dns(port, "b.example.org") == ["192.0.2.77"]
            assert ask_dns(port, "a.example.org", kind=28) == []
            assert run.stop() == 0
