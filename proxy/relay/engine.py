"""The engine: owns the listeners and their flows, and runs them inside mitmproxy's life cycle."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence

from proxy.relay.api import Address, Listen, Sinks
from proxy.relay.datagrams import DatagramSocket, Rest
from proxy.relay.flow import Congested, default_idle, report
from proxy.relay.listening import Listening, OpenFlow
from proxy.relay.process import more_files, stop_on_signals
from proxy.relay.resolver import Resolver
from proxy.relay.sockets import Outward
from recordings.model import Transport

GRACE = 2.0
"""Seconds for the last bytes to leave when the engine stops."""


class Engine(Listening):
    """All listeners of one run. Everything happens on one event loop, unless said otherwise."""

    def __init__(
        self,
        sinks: Sinks,
        *,
        resolver: Resolver | None = None,
        offline: bool = False,
        idle: Callable[[str], float] = default_idle,
        peers: Callable[[str], bool] = lambda protocol: False,
        modes: Sequence[str] = (),
        route: Callable[[Transport, Address], Listen | None] = lambda transport, server: None,
        on_ready: Callable[[], None] | None = None,
        on_notice: Callable[[str, str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`idle` gives the seconds of silence after which a UDP flow of a protocol is closed;
        `peers` says of which protocols other players reach the client by its port upstream.

        `modes` are further modes of mitmproxy to run beside our listeners, and `route` says which
        protocol a destination of theirs speaks and whether it has an upstream (None: raw, itself).
        `on_ready` is called once everything accepts clients, `on_notice` with kind and detail of
        what is about no single flow; `clock` (seconds) is what idle time is measured by.
        """
        super().__init__()
        self.sinks = sinks
        self.resolver = resolver or Resolver(offline=offline)
        self.outward = Outward(offline=offline)
        self.idle = idle
        self.peers = peers
        self.time = clock
        self.congested: set[Congested] = set()
        self._modes = tuple(modes)
        self.route = route
        self._on_ready = on_ready
        self._on_notice = on_notice
        self.tunnels: list[str] = []
        """Configuration files of WireGuard's clients; there once it is ready."""
        self._rest = Rest(clock, self.notice)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._wake: asyncio.Event | None = None

    # what other threads may call

    def relieve(self) -> None:
        """The store has caught up: read again. May be called from any thread."""
        self.soon(self._relieve)

    def _relieve(self) -> None:
        waiting, self.congested = self.congested, set()
        for one in waiting:
            one.relieve()
        self._rest.over()

    def rests(self, sock: DatagramSocket) -> None:
        """A UDP socket is not read until the store has caught up; said, as some may be lost."""
        self.congested.add(sock)
        self._rest.begins(sock)

    def notice(self, kind: str, detail: str) -> None:
        """Something happened that is not about one flow."""
        if self._on_notice is not None:
            try:
                self._on_notice(kind, detail)
            except Exception:
                report(f"it could not be told: {kind}: {detail}")

    def stop(self) -> None:
        """End `run`. May be called from any thread, before it too, and twice."""
        self._stopping.set()
        self.soon(self._wake_up)

    def _wake_up(self) -> None:
        if self._wake is not None:
            self._wake.set()

    def soon(self, call: Callable[[], None]) -> None:
        """Call on the loop's thread; nothing happens when it does not run."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nothing to do
                self._loop.call_soon_threadsafe(call)

    # running

    async def run(self) -> None:
        """Serve until `stop`, SIGINT or SIGTERM; then tell the sinks what is left and close."""
        from proxy.relay.compat import Stage  # takes a third of a second

        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        more_files()
        try:
            with stop_on_signals(self._loop, self.stop):
                stage = Stage(self, self._modes, lazy=self._lazy())
                wait = asyncio.ensure_future(self._wait_for_stop(stage.shutdown))

                def ready() -> None:
                    self.tunnels = stage.tunnels()
                    self._ready()

                try:
                    await stage.run(ready)
                finally:
                    wait.cancel()
                    await self.finish()
        finally:
            self._loop = None

    def _lazy(self) -> bool:
        """Whether modes connect only when our layer asks, so that a refusal is recorded.

        SOCKS tells its client whether the server was reached, so there it is connected at once.
        """
        return self.outward.offline or any(not m.startswith("socks5") for m in self._modes)

    async def _wait_for_stop(self, shutdown: Callable[[], None]) -> None:
        assert self._wake is not None
        if not self._stopping.is_set():
            await self._wake.wait()
        shutdown()

    def _ready(self) -> None:
        if self._on_ready is not None:
            self._on_ready()

    def serve(self) -> None:
        """Accept clients (mitmproxy starts us)."""
        self._serving = True
        for listener in self._listeners:
            listener.serve()

    async def finish(self) -> None:
        """Accept no more, end every flow, wait a moment for last bytes (mitmproxy stops us)."""
        self._serving = False
        for listener in self._listeners:
            listener.stop("stopped")
        deadline = time.monotonic() + GRACE
        while any(one.busy for one in self._listeners) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for listener in self._listeners:
            listener.abort()
        while any(one.busy for one in self._listeners):
            await asyncio.sleep(0)
        self._listeners.clear()
        self.congested.clear()


__all__ = ["Engine", "OpenFlow"]
