"""Faults of a running recorder: from the command line, a file that is edited, and the terminal."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.commands._faults import FaultDesk, Keys
from proxy.faults.sink import Faults
from proxy.faults.spec import read_fault
from recordings.errors import UserError
from tests.running import PATIENCE, ROOT, Command, echoing_datagrams, rows


def _asking(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", port))
    sock.settimeout(0.3)
    return sock


def _answered(sock: socket.socket) -> bool:
    sock.send(b"hello")
    try:
        return sock.recv(100) == b"HELLO"
    except TimeoutError:
        return False


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end


def test_faults_of_the_command_line_and_of_a_file_that_is_edited(tmp_path: Path) -> None:
    faults = tmp_path / "faults.txt"
    faults.write_text("# nothing yet\n", "utf-8")
    with echoing_datagrams() as server:
        arguments = ["record", "-w", "f.understudy.db", "--relay", f"raw-udp:0=127.0.0.1:{server}"]
        arguments += ["--fault", "duplicate:100%@s>c", "--faults", str(faults)]
        with Command(tmp_path, *arguments) as command:
            port = command.ready()["raw-udp", "udp"]
            with _asking(port) as sock:
                assert _answered(sock)
                assert sock.recv(100) == b"HELLO"  # once more
                faults.write_text("loss:100%@c>s\n", "utf-8")
                command.until(lambda line: "loss:100%" in line)
                assert not _answered(sock)
                faults.write_text("loss:lots\n", "utf-8")
                command.until(lambda line: "nothing is changed" in line)
                assert not _answered(sock)
                faults.unlink()
                _until(lambda: _answered(sock))
            assert command.stop() == 0, command.said()
    file = tmp_path / "f.understudy.db"
    actions = [row["action"] for row in rows(file, "SELECT action FROM frames ORDER BY id")]
    assert actions[:5] == [None, None, "duplicated", "dropped", "dropped"]
    said = rows(file, "SELECT frame_id, detail FROM events WHERE kind = 'fault' ORDER BY id")
    assert [(row["frame_id"], row["detail"]) for row in said][:2] == [
        (2, "duplicate: sent once more"),
        (4, "loss: dropped"),
    ]
    changes = [row["detail"] for row in rows(file, "SELECT detail FROM events WHERE kind='faults'")]
    assert changes[1].startswith("in force: 'duplicate:100%@s>c', 'loss:100%@c>s'")
    assert "nothing is changed" in changes[2]


def test_a_fault_that_is_none_leaves_no_file(tmp_path: Path) -> None:
    arguments = ["record", "-w", "f.db", "--relay", "raw-udp:0=127.0.0.1:9", "--fault", "wind:3"]
    with Command(tmp_path, *arguments) as command:
        assert command.wait() == 1
        assert "there is no fault 'wind'" in command.said()
    assert not (tmp_path / "f.db").exists()


def test_what_is_typed_replaces_what_was_given() -> None:
    said: list[tuple[str, str]] = []
    board = Faults(None, time.monotonic)  # type: ignore[arg-type]  # it has no flows
    desk = FaultDesk(
        [read_fault("loss:1%")], None, lambda kind, detail: said.append((kind, detail))
    )
    desk.use(board)
    desk.type("latency:5ms duplicate:2%@up")
    assert [one.name for one in board.specs] == ["latency", "duplicate"]
    desk.type("hail")
    assert [one.name for one in board.specs] == ["latency", "duplicate"]
    desk.type("")
    assert board.specs == []
    assert [detail.partition(":")[0] for _, detail in said] == [
        "in force",
        "in force",
        "nothing is changed",
        "none are in force any more",
    ]
    with pytest.raises(UserError, match="cannot be read"):
        FaultDesk([], Path("/nowhere/at/all"), lambda kind, detail: None)


def _at_terminal(file: int) -> None:
    """Make it the terminal of a session of its own, as a shell does."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(file, termios.TIOCSCTTY, 0)


def test_who_has_no_terminal_is_asked_for_no_keys() -> None:
    assert not Keys.possible()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo terminals")
def test_a_key_at_the_terminal_asks_for_faults(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    shown = b""

    def until(text: bytes) -> None:
        nonlocal shown
        end = time.monotonic() + PATIENCE
        while text not in shown:
            assert time.monotonic() < end, shown
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 65536)

    with echoing_datagrams() as server:
        command = [sys.executable, str(ROOT / "understudy.py"), "record", "-w", "f.understudy.db"]
        command += ["--relay", f"raw-udp:0=127.0.0.1:{server}"]
        with subprocess.Popen(
            [*command, "--fault", "loss:0"],
            cwd=tmp_path,
            stdin=theirs,
            stdout=theirs,
            preexec_fn=lambda: _at_terminal(theirs),
        ) as process:
            try:
                until(b"ready")
                port = int(shown.split(b"127.0.0.1:")[1].split()[0])
                with _asking(port) as sock:
                    assert _answered(sock)
                    os.write(ours, b"f")
                    until(b"empty: none")
                    os.write(ours, b"loss:100%\n")
                    until(b"in force: 'loss:100%'")
                    assert not _answered(sock)
                process.send_signal(signal.SIGINT)
                until(b"recorded")
                assert process.wait(PATIENCE) == 0
            finally:
                process.kill()
    os.close(ours)
    os.close(theirs)
