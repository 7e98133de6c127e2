"""`record --rotate` while a game goes on: every datagram and byte is in one of the files, once."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import pytest

from proxy.commands import _rotator
from recordings.lock import lock_path
from recordings.rotation import Limit, Rotating
from recordings.writer import Recording
from tests.recordings.making import flow, frame, session
from tests.running import PATIENCE, Command, echoing_datagrams, rows


def test_nothing_is_lost_and_the_session_goes_on(tmp_path: Path) -> None:
    with echoing_datagrams() as server:
        arguments = ["record", "-q", "-w", "f.understudy.db", "--rotate", "0.6s"]
        arguments += ["--relay", f"raw-udp:0=127.0.0.1:{server}"]
        with Command(tmp_path, *arguments) as command:
            port = command.ready()["raw-udp", "udp"]
            sent: list[bytes] = []
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.connect(("127.0.0.1", port))
                sock.settimeout(PATIENCE)
                end = time.monotonic() + 3.5
                while time.monotonic() < end:
                    sent.append(b"%d" % len(sent))
                    sock.send(sent[-1])
                    assert sock.recv(100) == sent[-1]
            assert command.stop() == 0, command.said()
    files = sorted(tmp_path.glob("f*.understudy.db"), key=lambda path: (len(path.name), path.name))
    assert len(files) >= 2
    up = "SELECT raw FROM frames WHERE direction = 'c>s' ORDER BY number"
    assert [row["raw"] for file in files for row in rows(file, up)] == sent
    numbers = [row["number"] for file in files for row in rows(file, "SELECT number FROM frames")]
    assert numbers == list(range(1, 2 * len(sent) + 1))
    assert (
        len({row["uid"] for file in files for row in rows(file, "SELECT uid FROM sessions")}) == 1
    )
    assert not list(tmp_path.glob("*-wal"))


def test_when_there_can_be_no_next_file_this_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TICK", "LINGER", "AGAIN"):
        monkeypatch.setattr(_rotator, name, 0.01)
    first = Recording.open(tmp_path / "f.db")
    rotating = Rotating(first, Limit(bytes=1))
    in_the_way = lock_path(tmp_path / "f.2.db")
    in_the_way.mkdir()
    flow(rotating, session(rotating))  # type: ignore[arg-type]
    warned: list[str] = []

    async def run() -> None:
        turned = asyncio.Event()
        rotator = _rotator.Rotator(rotating, lambda line: turned.set(), warned.append)
        work = asyncio.create_task(rotator.run())
        while not warned:
            await asyncio.sleep(0.01)
        rotating.append(1, frame(b"1"))
        in_the_way.rmdir()
        await asyncio.wait_for(turned.wait(), PATIENCE)
        rotating.append(1, frame(b"2"))
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        rotator.close()

    asyncio.run(run())
    assert warned[0].startswith("f.db is full, but goes on since no next file can be made: ")
    files = sorted(tmp_path.glob("f*.db"), key=lambda path: (len(path.name), path.name))
    assert len(files) >= 2
    raws = [row["raw"] for file in files for row in rows(file, "SELECT raw FROM frames")]
    assert raws == [b"1", b"2"]
