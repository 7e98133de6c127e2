"""What is printed while it runs: never waited for by the relay, in order, counted if too much."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from proxy import printing
from proxy.printing import Printer
from tests.running import PATIENCE, ROOT, connect, serving


def test_lines_are_printed_in_order_and_what_is_too_much_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(printing, "MOST", 3)
    held, holds = threading.Event(), threading.Event()
    printed: list[tuple[str, bool]] = []

    def slow(line: str, *, err: bool) -> None:
        holds.set()
        assert held.wait(PATIENCE)
        printed.append((line, err))

    with Printer(slow) as printer:
        printer.say("first")
        assert holds.wait(PATIENCE)
        for number in range(5):
            printer.say(f"line {number}")
        held.set()
    assert [line for line, _ in printed] == [
        "first",
        "line 0",
        "line 1",
        "line 2",
        "  ... 2 more lines were not printed",
    ]


def test_a_closed_output_ends_nothing() -> None:
    told: list[str] = []

    def gone(line: str, *, err: bool) -> None:
        told.append(line)
        raise BrokenPipeError

    with Printer(gone) as printer:
        printer.say("one")
        printer.warn("two")
    assert told == ["one", "understudy: two"]


def echo(connection: socket.socket) -> None:
    while data := connection.recv(4096):
        connection.sendall(data)


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a pipe is set")
def test_a_game_goes_on_while_nobody_reads_what_is_printed(tmp_path: Path) -> None:
    import fcntl

    read, write = os.pipe()
    room = fcntl.fcntl(write, 1031, 4096)  # F_SETPIPE_SZ: the least that there is
    with serving(echo) as server:
        arguments = ["record", "--relay", f"raw-tcp:0=127.0.0.1:{server.port}", "-w", "a.db"]
        with subprocess.Popen(
            [sys.executable, str(ROOT / "understudy.py"), *arguments], cwd=tmp_path, stdout=write
        ) as process:
            try:
                said = b""
                while b"ready\n" not in said:
                    said += os.read(read, 4096)
                os.write(write, b"." * (room - 1))  # from now on, whoever prints waits
                os.close(write)
                found = re.search(rb"tcp 127.0.0.1:(\d+)", said)
                assert found
                with connect(int(found[1])) as client:
                    for _ in range(3):
                        client.sendall(b"are you there?")
                        assert client.recv(100) == b"are you there?"
            finally:
                process.kill()
                os.close(read)
