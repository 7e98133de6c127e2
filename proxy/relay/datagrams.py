"""One UDP socket that is read in bounded batches.

A raw socket under the loop's reader is twice as fast as asyncio's datagram endpoint, and the short
way of `proxy.relay.loop` faster still; where the loop has no readers (Windows) a task reads
instead. There an ICMP refusal ends a pending read, so the task simply reads again.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from proxy.relay.flow import report
from proxy.relay.loop import call_no_more, call_when_readable

Peer: TypeAlias = tuple[Any, ...]
"""A socket address as the kernel gives it: two items for IPv4, four for IPv6."""

LARGEST = 65536
_thread = threading.local()
"""Where a thread reads datagrams to: room for the largest takes longer to get than to fill."""
MAX_BATCH = 64
"""Datagrams read in one turn of the loop at most, so that nobody is starved."""
PATIENCE = 16
"""Turns with exactly one datagram after which a second one is tried."""
ERRORS_IN_A_ROW = 100
SO_MEMINFO = 55 if sys.platform == "linux" else -1
"""Option that reads the counters of a socket; the last one is of dropped datagrams."""
MEMINFO = struct.Struct("=9I")


def _room() -> memoryview:
    try:
        room: memoryview = _thread.room
    except AttributeError:
        room = _thread.room = memoryview(bytearray(LARGEST))
    return room


class DatagramSocket:
    """Reads a bound or connected socket and hands over every datagram."""

    __slots__ = (
        "_batch",
        "_closed",
        "_connected",
        "_full",
        "_loop",
        "_reading",
        "_task",
        "came",
        "failed",
        "sock",
    )

    def __init__(
        self,
        sock: socket.socket,
        came: Callable[[bytes, Peer], None],
        failed: Callable[[OSError], None],
        *,
        connected: bool = False,
    ) -> None:
        """`connected`: all datagrams are from one peer, whose address is not asked for each."""
        self.sock = sock
        self.came = came
        self.failed = failed
        self._connected = connected
        self._batch = 1
        self._full = 0
        self._reading = False
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Read from now on, on the running loop."""
        if self._reading or self._closed:
            return
        self._loop = asyncio.get_running_loop()
        self._reading = True
        read = self._readable_connected if self._connected else self._readable
        try:
            call_when_readable(self._loop, self.sock.fileno(), read)
        except NotImplementedError:
            self._task = self._loop.create_task(self._pump())

    def pause(self) -> None:
        """Leave what comes in the kernel's buffer."""
        if self._reading and self._loop is not None:
            self._reading = False
            if self._task is not None:
                self._task.cancel()
                self._task = None
            else:
                with contextlib.suppress(NotImplementedError):  # a task that has just begun
                    call_no_more(self._loop, self.sock.fileno())

    def close(self) -> None:
        """Read no more, close the socket."""
        self.pause()
        self._closed = True
        self.sock.close()

    def relieve(self) -> None:
        """The store has caught up."""
        self.start()

    def dropped(self) -> int | None:
        """How many datagrams the kernel has dropped, since the socket was made; None: unknown."""
        try:
            counters = self.sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
            return int(MEMINFO.unpack(counters)[-1])
        except (OSError, struct.error):
            return None

    def _readable(self) -> None:
        """A turn of the loop: as many reads as it took lately, so that a quiet flow reads once."""
        batch = self._batch
        receive = self.sock.recvfrom_into
        room = _room()
        for count in range(batch):
            try:
                size, peer = receive(room)
            except (BlockingIOError, InterruptedError):
                self._batch = count or 1
                self._full = 0
                return
            except OSError as error:
                self.failed(error)
                return
            self.came(bytes(room[:size]), peer)
            if not self._reading:
                return
        self._grow(batch)

    def _readable_connected(self) -> None:
        """The same without addresses."""
        batch = self._batch
        receive = self.sock.recv_into
        room = _room()
        for count in range(batch):
            try:
                size = receive(room)
            except (BlockingIOError, InterruptedError):
                self._batch = count or 1
                self._full = 0
                return
            except OSError as error:
                self.failed(error)
                return
            self.came(bytes(room[:size]), ())
            if not self._reading:
                return
        self._grow(batch)

    def _grow(self, batch: int) -> None:
        self._full += 1
        if batch > 1 or self._full >= PATIENCE:
            self._batch = min(batch * 2, MAX_BATCH)

    async def _pump(self) -> None:
        """The same for a loop without readers."""
        assert self._loop is not None
        errors = count = 0
        while self._reading:
            count += 1
            if count % MAX_BATCH == 0:
                await asyncio.sleep(0)  # what is there already is received without a turn
            try:
                data, peer = await self._loop.sock_recvfrom(self.sock, LARGEST)
            except OSError as error:
                if self._closed:
                    return
                errors += 1
                self.failed(error)
                await asyncio.sleep(0.01 if errors > ERRORS_IN_A_ROW else 0)
                continue
            errors = 0
            try:
                self.came(data, peer)
            except Exception:
                report("a datagram could not be handled")


class Rest:
    """Says when UDP is not read because the store cannot keep up, and what was lost by it."""

    def __init__(self, time: Callable[[], float], notice: Callable[[str, str], None]) -> None:
        self._time = time
        self._notice = notice
        self._began = 0.0
        self._sockets: dict[DatagramSocket, int | None] = {}

    def begins(self, sock: DatagramSocket) -> None:
        """That socket is not read any more."""
        if not self._sockets:
            self._began = self._time()
            self._notice(
                "congested",
                "the recording cannot keep up: UDP is not read for a while, datagrams may be lost",
            )
        self._sockets.setdefault(sock, sock.dropped())

    def over(self) -> None:
        """All are read again."""
        sockets, self._sockets = self._sockets, {}
        if sockets:
            counts = [(before, sock.dropped()) for sock, before in sockets.items()]
            known = [now - was for was, now in counts if was is not None and now is not None]
            lost = f"{sum(known)} datagrams were lost" if known else "how many were lost is unknown"
            seconds = self._time() - self._began
            self._notice("congested", f"UDP is read again after {seconds:.1f} s: {lost}")
