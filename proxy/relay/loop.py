"""The event loop of a run: asyncio's own, with a short way for sockets that are read.

A reader of asyncio takes two microseconds from the kernel's word to the call, as much as receiving
a datagram and sending it on. On the short way the selector calls the reader itself, and asks the
kernel again while nothing else has become due. That takes epoll; elsewhere there is none.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVarTuple

Args = TypeVarTuple("Args")
Read = Callable[[], None]


class Loop(asyncio.SelectorEventLoop):
    """A loop that reads by the short way; only there is `attach`."""

    attach: Callable[[int, Read], None]
    """Call that function whenever that file can be read."""
    detach: Callable[[int], None]
    """Call it no more."""

    def __init__(self) -> None:
        selector = _Selector(self._failed)
        super().__init__(selector)
        self.attach, self.detach = selector.attach, selector.detach
        self._short = selector

    def _failed(self, error: Exception) -> None:
        self.call_exception_handler({"message": "a reader failed", "exception": error})

    # what becomes due while the selector reads must not wait for it

    def call_soon(
        self, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.Handle:
        self._short.due = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Args], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        self._short.due = True
        return super().call_at(when, callback, *args, context=context)


SWITCH_INTERVAL = 0.0005
"""Seconds after which the loop lets the writer's thread run: it keeps up three times as well."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run` on such a loop."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main)


def call_when_readable(loop: asyncio.AbstractEventLoop, file: int, read: Read) -> None:
    """By the short way if the loop has one. NotImplementedError: it cannot watch files at all."""
    if isinstance(loop, Loop):
        loop.attach(file, read)
    else:
        loop.add_reader(file, read)


def call_no_more(loop: asyncio.AbstractEventLoop, file: int) -> None:
    """End `call_when_readable`."""
    if isinstance(loop, Loop):
        loop.detach(file)
    else:
        loop.remove_reader(file)


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop for a run of the relay."""
    return Loop() if sys.platform == "linux" else asyncio.new_event_loop()


if sys.platform == "linux":
    import select

    class _Selector(selectors.EpollSelector):
        """Calls the readers that were attached; what else is ready it tells the loop."""

        def __init__(self, failed: Callable[[Exception], None]) -> None:
            super().__init__()
            self._failed = failed
            self._readers: dict[int, Read] = {}
            self._both = select.epoll()  # their files, and the one of all others
            self._both.register(self.fileno(), select.EPOLLIN)
            self.due = False
            """Whether the loop has got something to do."""

        def attach(self, file: int, read: Read) -> None:
            self._both.register(file, select.EPOLLIN)
            self._readers[file] = read

        def detach(self, file: int) -> None:
            if self._readers.pop(file, None) is not None:
                self._both.unregister(file)

        def close(self) -> None:
            self._both.close()
            super().close()

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            """See `BaseSelector.select`; comes back when the loop has something to do."""
            readers = self._readers
            if not readers:
                return super().select(timeout)
            self.due = False
            left = -1.0 if timeout is None else max(timeout, 0.0)
            end = None if timeout is None else time.monotonic() + left
            while found := self._both.poll(left):
                others = False
                for file, _ in found:
                    read = readers.get(file)
                    if read is None:
                        others = True
                        continue
                    try:
                        read()
                    except Exception as error:
                        self._failed(error)
                if others:
                    return super().select(0)
                if self.due:
                    break
                if end is not None:
                    left = end - time.monotonic()
                    if left <= 0:
                        break
            return []
