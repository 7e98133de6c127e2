"""TCP sockets of our own on the event loop, with less between the kernel and a protocol.

`Stream` is an asyncio transport cut down to what a relay needs; it takes two thirds of the time of
asyncio's own. A loop that cannot watch sockets (Windows) gets asyncio's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from typing import Any

from proxy.relay.api import Address
from proxy.relay.loop import call_no_more, call_when_readable

READ_SIZE = 65536
SMALL_READ = 4096
"""Bytes read at once by a flow whose chunks are small."""
LOW_WATER = 64 << 10
ACCEPTS = 64
"""Clients accepted in one turn of the loop."""
REST = 1.0
"""Seconds without accepting after files ran out."""
NO_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""What an error says when the system has no room for one more socket."""

Make = Callable[[], asyncio.Protocol]


def watches_sockets(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the loop can call us when a socket is readable."""
    return isinstance(loop, asyncio.SelectorEventLoop)


class Stream(asyncio.Transport):
    """A connected socket under the loop's reader and writer."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, protocol: asyncio.Protocol
    ) -> None:
        extra: dict[str, Any] = {"socket": sock}
        with contextlib.suppress(OSError):  # reset already: the first read will tell
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            extra["sockname"] = sock.getsockname()
            extra["peername"] = sock.getpeername()
        super().__init__(extra)
        self._loop = loop
        self._sock = sock
        self._file = sock.fileno()
        self._size = SMALL_READ
        self._receive = sock.recv
        self._send = sock.send
        self._protocol = protocol
        self._received = protocol.data_received
        self._waiting = bytearray()
        self._high = LOW_WATER
        self._reading = self._paused = self._full = False
        self._ended = self._closing = self._lost = self._heard_all = False
        self._broken: OSError | None = None  # it takes no more; what it said is still to be read
        protocol.connection_made(self)
        if not self._paused:
            self.resume_reading()

    # reading

    def _readable(self) -> None:
        size = self._size
        try:
            data = self._receive(size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            if size == READ_SIZE or len(data) == size:  # room for much takes a while to get
                self._size = READ_SIZE if len(data) >= SMALL_READ else SMALL_READ
            self._received(data)
            return
        self._stop_reading()
        self._heard_all = True
        if self._broken is not None:
            self._lose(self._broken)
        elif not self._protocol.eof_received():
            self.close()

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            call_no_more(self._loop, self._file)

    def pause_reading(self) -> None:
        self._paused = True
        self._stop_reading()

    def resume_reading(self) -> None:
        self._paused = False
        if not self._reading and not self._closing:
            self._reading = True
            call_when_readable(self._loop, self._file, self._readable)

    # writing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = high or LOW_WATER

    def get_write_buffer_size(self) -> int:
        return len(self._waiting)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self._ended:
            return
        sent = 0
        if not self._waiting:
            try:
                sent = self._send(data)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self._break(error)
                return
            if sent == len(data):
                return
            self._loop.add_writer(self._file, self._writable)
        self._wait(data[sent:])

    def _wait(self, data: bytes | bytearray | memoryview) -> None:
        waiting = self._waiting
        waiting += data
        if len(waiting) > self._high and not self._full:
            self._full = True
            self._protocol.pause_writing()

    def _writable(self) -> None:
        waiting = self._waiting
        try:
            del waiting[: self._send(waiting)]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._break(error)
            return
        if not waiting:
            self._loop.remove_writer(self._file)
            if self._closing:
                self._lose(None)
                return
            if self._ended:
                self._shut_writing()
        if self._full and len(waiting) <= LOW_WATER:
            self._full = False
            self._protocol.resume_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._ended and not self._closing:
            self._ended = True
            if not self._waiting:
                self._shut_writing()

    def _shut_writing(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def _break(self, error: OSError) -> None:
        """The peer takes no more; what it said before, perhaps why, the kernel still has."""
        if self._heard_all or self._closing:
            self._lose(error)
            return
        self._broken, self._ended = error, True
        self._drop_waiting()

    def _drop_waiting(self) -> None:
        if self._waiting:
            self._loop.remove_writer(self._file)
            self._waiting.clear()

    # ending

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._stop_reading()
            if not self._waiting:
                self._lose(None)

    def abort(self) -> None:
        self._lose(None)

    def _lose(self, error: OSError | None) -> None:
        """Stop everything; the protocol is told in a turn of its own."""
        if self._lost:
            return
        self._lost = self._closing = True
        self._stop_reading()
        self._drop_waiting()
        self._loop.call_soon(self._tell, error)

    def _tell(self, error: OSError | None) -> None:
        try:
            self._protocol.connection_lost(error)
        finally:
            self._sock.close()


class Acceptor:
    """A listening socket whose clients each get a protocol."""

    def __init__(self, sock: socket.socket, make: Make) -> None:
        self._sock = sock
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._starting: asyncio.Task[None] | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self) -> None:
        """Accept from now on; who came before waits in the backlog."""
        if self._loop is not None or self._closed:
            return
        self._loop = asyncio.get_running_loop()
        if watches_sockets(self._loop):
            self._loop.add_reader(self._sock.fileno(), self._accept, self._loop)
        else:
            self._starting = self._loop.create_task(self._start_server(self._loop))

    async def _start_server(self, loop: asyncio.AbstractEventLoop) -> None:
        self._server = await loop.create_server(self._make, sock=self._sock)
        if self._closed:
            self._server.close()

    def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, _ = self._sock.accept()
            except OSError as error:
                if error.errno in NO_FILES:
                    loop.remove_reader(self._sock.fileno())
                    self._resting = loop.call_later(REST, self._go_on, loop)
                return
            sock.setblocking(False)
            Stream(loop, sock, self._make())

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_reader(self._sock.fileno(), self._accept, loop)

    def close(self) -> None:
        """Accept no more."""
        if self._closed:
            return
        self._closed = True
        if self._resting is not None:
            self._resting.cancel()
        if self._server is not None:
            self._server.close()
        elif self._starting is None or self._starting.done():
            if self._loop is not None and watches_sockets(self._loop):
                self._loop.remove_reader(self._sock.fileno())
            self._sock.close()


async def dial(make: Make, server: Address) -> None:
    """Connect a protocol to a numeric address; raises OSError."""
    loop = asyncio.get_running_loop()
    if not watches_sockets(loop):
        await loop.create_connection(make, server[0], server[1])
        return
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await loop.sock_connect(sock, server)
    except BaseException:
        sock.close()
        raise
    Stream(loop, sock, make())
