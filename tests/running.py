"""The real command in a process of its own, and servers and clients of the tests around it."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20.0
"""Seconds for anything that should happen at once; a busy machine may take its time."""
_LISTENING = re.compile(r"listening (\S+) (tcp|udp) (\S+):(\d+)(?: -> (.+))?")


class Command:
    """`understudy ARGUMENTS`, running. Leaving the block kills what is still there."""

    def __init__(self, folder: Path, *arguments: str, under: Sequence[str] = ()) -> None:
        """`under` is a program that runs it, with arguments of its own."""
        self.lines: list[str] = []
        self._ended = False
        self._queue: queue.Queue[str | None] = queue.Queue()
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        self.process = subprocess.Popen(
            [*under, sys.executable, str(ROOT / "understudy.py"), *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONUTF8": "1"},
            creationflags=flags,
        )
        self._threads = [
            threading.Thread(target=self._read_out, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        self.errors = ""
        for thread in self._threads:
            thread.start()

    def _read_out(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.errors += line

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def said(self) -> str:
        """What it wrote to standard error until now."""
        return self.errors

    def until(self, wanted: Callable[[str], bool]) -> str:
        """Read lines up to one that is wanted."""
        while True:
            try:
                line = self._queue.get(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"it does not come; there was {self.lines}") from None
            if line is None:
                self.process.wait(PATIENCE)
                self._threads[1].join(PATIENCE)
                raise AssertionError(f"it ended: {self.lines} {self.errors}")
            self.lines.append(line)
            if wanted(line):
                return line

    def ready(self) -> dict[tuple[str, str], int]:
        """Wait for `ready`; the listening ports by protocol and transport."""
        self.until(lambda line: line == "ready")
        found = [_LISTENING.fullmatch(line) for line in self.lines]
        return {(m[1], m[2]): int(m[4]) for m in found if m}

    def stop(self, how: int = signal.SIGINT) -> int:
        """Ask it to end and read the rest; its exit code."""
        if sys.platform == "win32":
            how = signal.CTRL_BREAK_EVENT
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        code = self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        if self._ended:
            return code
        self._ended = True
        while (line := self._queue.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)
        return code


Handler = Callable[[socket.socket], None]


class Server:
    """A TCP server of the tests: a thread per connection, every peer noted."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.peers: list[tuple[str, int]] = []
        self.received = bytearray()
        """What `note` was given."""
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            self.peers.append(peer)
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            self._handler(connection)
        connection.close()

    def close(self) -> None:
        for one in (self._socket, *self._open):
            one.close()


@contextlib.contextmanager
def serving(handler: Handler) -> Iterator[Server]:
    """A server for the length of a block."""
    server = Server(handler)
    try:
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def echoing_datagrams() -> Iterator[int]:
    """A UDP server that sends everything back, in capitals; its port."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                data, peer = server.recvfrom(65536)
                server.sendto(data.upper(), peer)

    threading.Thread(target=run, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    """A client's connection."""
    return socket.create_connection((host, port), timeout=PATIENCE)


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes; fewer only when the other side ended."""
    data = bytearray()
    while len(data) < size and (chunk := connection.recv(size - len(data))):
        data += chunk
    return bytes(data)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side ends."""
    data = bytearray()
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            data += chunk
    return bytes(data)


def rows(path: Path, sql: str, *params: Any) -> list[sqlite3.Row]:
    """What a recording holds."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return connection.execute(sql, params).fetchall()
    finally:
        connection.close()


def raw_of(path: Path, flow: int, direction: str) -> bytes:
    """The recorded stream of one direction."""
    sql = "SELECT raw FROM frames WHERE flow_id = ? AND direction = ? ORDER BY number"
    return b"".join(row["raw"] for row in rows(path, sql, flow, direction))
