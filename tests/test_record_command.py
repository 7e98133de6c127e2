"""`understudy record`, the real command: real sockets, a real recording."""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recordings.lock import is_held
from tests.running import (
    PATIENCE,
    Command,
    connect,
    echoing_datagrams,
    raw_of,
    read_all,
    read_exactly,
    rows,
    serving,
)

FILE = "r.understudy.db"


def frame(kind: bytes, body: bytes = b"", ident: bytes = b"\0\0\0\0") -> bytes:
    """An EA frame (ea-lobby 1)."""
    return kind + ident + struct.pack(">I", 12 + len(body)) + body


def relay(protocol: str, port: int) -> str:
    return f"{protocol}:0=127.0.0.1:{port}"


def record(folder: Path, *arguments: str) -> Command:
    return Command(folder, "record", "-w", FILE, *arguments)


def swallow(connection: socket.socket) -> None:
    read_all(connection)


def test_a_datagram_relay_records_both_ways(tmp_path: Path) -> None:
    with echoing_datagrams() as port, record(tmp_path, "--relay", relay("raw-udp", port)) as run:
        ours = run.ready()["raw-udp", "udp"]
        assert f"listening raw-udp udp 127.0.0.1:{ours} -> 127.0.0.1:{port}" in run.lines
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE)
            for data in (b"one", b"", b"two"):
                client.sendto(data, ("127.0.0.1", ours))
                assert client.recvfrom(100) == (data.upper(), ("127.0.0.1", ours))
        assert run.stop() == 0
    found = rows(tmp_path / FILE, "SELECT direction, raw, number FROM frames ORDER BY id")
    assert [tuple(row) for row in found] == [
        ("c>s", b"one", 1),
        ("s>c", b"ONE", 2),
        ("c>s", b"", 3),
        ("s>c", b"", 4),
        ("c>s", b"two", 5),
        ("s>c", b"TWO", 6),
    ]
    assert run.lines[-1].endswith("1 session, 1 flow, 6 frames, 12 bytes, 0 errors")


@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
)
def test_a_stopped_recorder_exits_0_and_leaves_one_file(tmp_path: Path, how: int) -> None:
    with (
        serving(swallow) as server,
        record(tmp_path, "--relay", relay("ea-lobby", server.port)) as run,
    ):
        port = run.ready()["ea-lobby", "tcp"]
        with connect(port) as client:
            client.sendall(frame(b"skey", b"SKEY=0\n\0"))
            run.until(lambda line: " skey " in line)
            assert run.stop(how) == 0
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    (flow,) = rows(tmp_path / FILE, "SELECT * FROM flows")
    assert flow["close_reason"]
    assert rows(tmp_path / FILE, "SELECT ended_at FROM sessions")[0]["ended_at"]
    assert rows(tmp_path / FILE, "SELECT kind FROM frames")[0]["kind"] == "skey"


def test_quiet_prints_listeners_ready_and_the_summary_alone(tmp_path: Path) -> None:
    with (
        echoing_datagrams() as port,
        record(tmp_path, "-q", "--relay", relay("raw-udp", port)) as run,
    ):
        ours = run.ready()["raw-udp", "udp"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(PATIENCE)
            client.sendto(b"x", ("127.0.0.1", ours))
            client.recvfrom(100)
        assert run.stop() == 0
    assert [line.split()[0] for line in run.lines] == ["listening", "ready", "recorded"]


def test_a_second_run_appends(tmp_path: Path) -> None:
    with echoing_datagrams() as port:
        for _ in range(2):
            with record(tmp_path, "-q", "--relay", relay("raw-udp", port)) as run:
                ours = run.ready()["raw-udp", "udp"]
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                    client.settimeout(PATIENCE)
                    client.sendto(b"x", ("127.0.0.1", ours))
                    client.recvfrom(100)
                assert run.stop() == 0
    assert len(rows(tmp_path / FILE, "SELECT * FROM sessions")) == 2
    assert len(rows(tmp_path / FILE, "SELECT * FROM frames")) == 4


def test_the_default_file_is_named_after_the_game_and_the_day(tmp_path: Path) -> None:
    arguments = (
        "record",
        "nascar-thunder-2004",
        "--upstream",
        "127.0.0.1",
        "--relay",
        "ea-lobby:0",
    )
    with Command(tmp_path, *arguments, "--dns-port", "0") as run:
        run.ready()
        assert run.stop() == 0
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("nascar-thunder-2004-20")
    assert path.name.endswith(".understudy.db")


BAD = {
    "an HTTP client": b"GET / HTTP/1.1\r\nHost: a.example.org\r\n\r\n",
    "half a frame": frame(b"@dir", b"PROD=X\n\0")[:15],
    "a header's part": b"@di",
    "a length below 12": b"@dir\0\0\0\0\0\0\0\x0bPROD",
    "a length above a mebibyte": b"@dir\0\0\0\0\x00\x10\x00\x01" + b"x" * 50,
    "no NUL": frame(b"@dir", b"PROD=X\n") + frame(b"@dir", b"PROD=X"),
    "binary": bytes(range(256)) * 3,
    "a kind of no characters": frame(b"\xff\0\x01\x02", b"A=1\n\0"),
    "zeros": bytes(100),
    "a good frame, then nonsense": frame(b"@dir", b"A=1\n\0") + b"\x80" * 40,
}


@pytest.fixture(scope="module")
def echo_recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Command, int, Path]]:
    """One recorder for all the bad input, in front of a server that sends everything back."""
    folder = tmp_path_factory.mktemp("bad")

    def echo(connection: socket.socket) -> None:
        connection.sendall(read_all(connection))

    with serving(echo) as server, record(folder, "--relay", relay("ea-lobby", server.port)) as run:
        yield run, run.ready()["ea-lobby", "tcp"], folder / FILE
        assert run.stop() == 0


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_relayed_unharmed_and_the_next_flow_is_unaffected(
    echo_recorder: tuple[Command, int, Path], what: str
) -> None:
    run, port, path = echo_recorder
    good = frame(b"skey", b"SKEY=0\n\0")
    for data in (BAD[what], good):
        with connect(port) as client:
            mine = client.getsockname()[1]
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == data
        flow = _flow_of(path, mine)
        assert raw_of(path, flow, "c>s") == data
        assert raw_of(path, flow, "s>c") == data
        found = rows(path, "SELECT kind, error FROM frames WHERE flow_id = ?", flow)
        if data == good:
            assert [row["kind"] for row in found] == ["skey", "skey"]
        for row in found:
            assert (row["kind"] == "Opaque") == bool(row["error"])
        if what not in ("no NUL",) and data != good:
            assert any(row["error"] for row in found)
    assert run.process.poll() is None


def _flow_of(path: Path, client_port: int) -> int:
    """The flow of a client, once the recording says that it is closed."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = rows(
            path,
            "SELECT id FROM flows WHERE client = ? AND closed_at NOT NULL ORDER BY id DESC",
            f"127.0.0.1:{client_port}",
        )
        if found:
            return int(found[0]["id"])
        time.sleep(0.02)  # another process writes it; there is nothing to wait on
    raise AssertionError("the flow is not in the recording")


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal")
def test_what_was_forwarded_100_ms_ago_survives_kill_9(tmp_path: Path) -> None:
    def echo(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            connection.sendall(data)

    sent: list[tuple[float, bytes]] = []
    with (
        serving(echo) as server,
        record(tmp_path, "-q", "--relay", relay("ea-lobby", server.port)) as run,
        connect(run.ready()["ea-lobby", "tcp"]) as client,
    ):
        stall = 0.0  # the longest that this machine kept a frame waiting
        end = time.monotonic() + 0.8
        while (began := time.monotonic()) < end:
            data = frame(b"~png", b"TIME=%d\n\0" % len(sent))
            client.sendall(data)
            assert read_exactly(client, len(data)) == data
            sent.append((time.monotonic(), data))
            stall = max(stall, sent[-1][0] - began)
            time.sleep(0.002)  # the pace of a game
        killed = time.monotonic()
        run.process.kill()
        run.wait()
        while is_held(tmp_path / FILE):  # the scribe writes what it has got
            assert time.monotonic() < killed + PATIENCE
            time.sleep(0.01)
    old = [data for at, data in sent if killed - at > 0.1 + 5 * stall]
    kept = rows(tmp_path / FILE, "SELECT raw FROM frames WHERE direction = 's>c' ORDER BY number")
    assert len(old) > 20
    assert [row["raw"] for row in kept][: len(old)] == old


MISTAKES = [
    (["--relay", "kaillera"], 1, "PROTOCOL:[HOST:]PORT=UPHOST:UPPORT"),
    (["--relay", "kaillera:x=127.0.0.1:1"], 1, "PROTOCOL:[HOST:]PORT=UPHOST:UPPORT"),
    (["--relay", "raw-tcp:0=127.0.0.1"], 1, "names no server and port"),
    (["--relay", "raw-tcp:0"], 1, "add =HOST:PORT"),
    (["--relay", "kailera:0=127.0.0.1:1"], 1, "no protocol is named 'kailera'"),
    (["--relay", "raw-tcp:127.0.0.999:0=127.0.0.1:1"], 1, "no address to listen on"),
    ([], 1, "there is nothing to listen on"),
    (["--upstream", "127.0.0.1"], 1, "--upstream goes with a GAME"),
    (["nascar"], 1, "no game is named 'nascar'"),
    (["kaillera"], 1, "give one with --upstream HOST"),
    (["gamespy", "--upstream", "127.0.0.1:5"], 1, "services on ports of their own"),
    (["nascar-thunder-2004", "--relay", "kaillera:0"], 1, "does not speak kaillera"),
    (["--relay", "raw-tcp:0=127.0.0.1:1", "--key", "rc4=xyz"], 1, "CIPHER[@up|@down]=HEX"),
    (["--relay", "raw-tcp:0=127.0.0.1:1", "--game-key", "gmtest"], 1, "NAME=SECRET"),
    (["--relay", "raw-tcp:0=127.0.0.1:1", "--keys-file", "no.toml"], 1, "cannot be read"),
    (["--relay", "raw-tcp:0=127.0.0.1:1", "--dns", "a b"], 1, "NAME or NAME=ADDRESS"),
    (["--relay", "raw-tcp:0=127.0.0.1:1", "--dns-port", "5300"], 1, "has no name to answer"),
    (["--relay", "raw-tcp:0=127.0.0.1:1", "-w", "no/such/folder.db"], 1, "no/such"),
    (["--relay", "raw-tcp:0=127.0.0.1:1", "--listen-host", "nobody"], 1, "address to listen on"),
    (["--nonsense"], 2, "has no option --nonsense"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), MISTAKES, ids=lambda one: str(one)[:40])
def test_a_mistake_is_one_sentence_with_the_cure(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    with Command(tmp_path, "record", *arguments) as run:
        assert run.wait() == code
    assert said in run.errors
    if code == 1:
        assert run.errors.startswith("Error: ")
        assert len(run.errors.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
@pytest.mark.parametrize("keep", [True, False])
def test_when_the_recording_fails_the_relay_stops_unless_told_to_go_on(
    tmp_path: Path, keep: bool
) -> None:
    def echo(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            connection.sendall(data)

    arguments = ("--keep-relaying",) if keep else ()
    with (
        serving(echo) as server,
        record(tmp_path, *arguments, "--relay", relay("ea-lobby", server.port)) as run,
        connect(run.ready()["ea-lobby", "tcp"]) as client,
    ):
        data = frame(b"~png", b"TIME=1\n\0")
        client.sendall(data)
        assert read_exactly(client, len(data)) == data
        for path in tmp_path.iterdir():
            path.unlink()
        deadline = time.monotonic() + PATIENCE
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < deadline and not (keep and FILE in run.said()):
                client.sendall(data)
                if read_exactly(client, len(data)) != data:
                    break
                time.sleep(0.02)  # the file is looked for twice a second
        if keep:
            client.sendall(data)
            assert read_exactly(client, len(data)) == data
            run.stop()
        assert run.wait() == 1
    assert FILE in run.errors
    assert "Traceback" not in run.errors


def test_a_port_in_use_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Command(tmp_path, "record", "--relay", f"raw-tcp:{port}=127.0.0.1:1") as run:
            assert run.wait() == 1
    assert f"127.0.0.1:{port} is in use" in run.errors
    assert list(tmp_path.iterdir()) == []
