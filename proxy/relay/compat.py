"""Everything of mitmproxy that the relay touches, for versions 11.0.2 to 12.

Touched: `Master` (run, shutdown, done, should_exit, addons), `options.Options`,
`addons.proxyserver.Proxyserver` (servers and their mode and last_exception, connections and their
server_event and transports), `proxy.mode_specs.ProxyMode`, `proxy.mode_servers.ServerInstance`
(_start, _stop, is_running, listen_addrs, make_top_layer), `proxy.server.UDP_TIMEOUT`, the hooks
next_layer, running and server_connect, `mitmproxy_rs.dns` (DnsResolver, get_system_dns_servers).
What dns_codec.py and layers.py touch is said there.

mitmproxy owns the life cycle: our listeners stand behind one mode of it, `understudy`, which starts
and stops with the others. `self_check` says at the start whether the version at hand still has all
of this.
"""

# mitmproxy is typed in part only.
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from proxy.relay.lean import lean_mitmproxy

with lean_mitmproxy():
    import mitmproxy_rs
    from mitmproxy import version
    from mitmproxy.addons.proxyserver import Proxyserver
    from mitmproxy.exceptions import OptionsError
    from mitmproxy.master import Master
    from mitmproxy.options import Options
    from mitmproxy.proxy import layer, mode_servers, mode_specs
    from mitmproxy.proxy import server as proxy_server
    from mitmproxy.proxy.context import Context

from proxy.relay.api import Address
from proxy.relay.layers import DatagramLayer, Nudge, RelayLayer
from proxy.relay.mode_host import DatagramHost
from proxy.relay.resolver import Lookup
from recordings.errors import UserError
from recordings.model import Transport

MODE = "understudy"
UDP_SILENCE = 3600
"""Seconds after which mitmproxy gives up a UDP flow of its other modes."""


class Listeners(DatagramHost, Protocol):
    """What the engine is to mitmproxy: something that starts, stops and listens."""

    def serve(self) -> None:
        """Accept clients."""
        ...

    async def finish(self) -> None:
        """Accept no more, end the flows."""
        ...

    def addresses(self) -> list[Address]:
        """Where it listens."""
        ...

    async def find_server(self, transport: Transport, server: Address) -> Address:
        """The numeric address to connect to; UserError when we may or can not."""
        ...


CLOSE_TIME = 0.3
"""Seconds that mitmproxy's own sockets need to be gone."""


def _look(task: asyncio.Future[None]) -> None:
    """Whatever became of a nudge, nobody has to hear of it."""
    if not task.cancelled():
        task.exception()


class UnderstudyMode(mode_specs.ProxyMode):
    """The mode behind which all our listeners stand."""

    description = "Understudy relay"
    transport_protocol = mode_specs.BOTH
    default_port = None

    def __post_init__(self) -> None:
        if self.data:
            raise ValueError("mode takes no arguments")

    def listen_port(self, default: int | None = None) -> int | None:
        """None: there are as many ports as listeners, and they come and go."""
        return None


class UnderstudyInstance(mode_servers.ServerInstance[UnderstudyMode]):
    """Starts and stops our listeners when mitmproxy says so."""

    _listeners: Listeners | None = None

    @property
    def is_running(self) -> bool:
        """Whether our listeners accept clients."""
        return self._listeners is not None

    @property
    def listen_addrs(self) -> tuple[Address, ...]:
        """Where our listeners are; mitmproxy refuses to connect to these."""
        return tuple(self._listeners.addresses()) if self._listeners else ()

    async def _start(self) -> None:
        from mitmproxy import ctx

        self._listeners = ctx.master.addons.get(Relay.name).listeners
        self._listeners.serve()

    async def _stop(self) -> None:
        listeners, self._listeners = self._listeners, None
        if listeners is not None:
            await listeners.finish()

    def make_top_layer(self, context: Context) -> layer.Layer:
        """Never: our streams do not pass through mitmproxy's layers."""
        raise NotImplementedError


class Relay:
    """The addon by which our mode finds our listeners, and the other modes our layer.

    Without an addon named `nextlayer` mitmproxy warns.
    """

    name = "nextlayer"

    def __init__(self, listeners: Listeners, server: Proxyserver) -> None:
        self.listeners = listeners
        self.is_running = asyncio.Event()
        self._server = server
        self._layers: weakref.WeakSet[RelayLayer | DatagramLayer] = weakref.WeakSet()

    def next_layer(self, data: layer.NextLayer) -> None:
        """Never guess a protocol: everything is relayed."""
        udp = data.context.client.transport_protocol == "udp"
        relay = (DatagramLayer if udp else RelayLayer)(data.context, self.listeners, self._nudge)
        self._layers.add(relay)
        data.layer = relay

    async def server_connect(self, data: Any) -> None:
        """Names are resolved by us; nothing is connected to offline, nor we to ourselves."""
        try:
            data.server.address = await self.listeners.find_server(
                Transport(data.server.transport_protocol), data.server.address
            )
        except UserError as error:
            data.server.error = str(error)

    def _nudge(self, relay: RelayLayer | DatagramLayer) -> None:
        handler = self._server.connections.get(relay.context.client.id)
        if handler is not None:
            asyncio.ensure_future(handler.server_event(Nudge())).add_done_callback(_look)

    async def close_all(self) -> None:
        """End the flows of the other modes; without this UDP ones crash the exit of the process."""
        for relay in list(self._layers):
            relay.close("stopped")
        await asyncio.sleep(0)
        handlers = list(self._server.connections.values())
        for handler in handlers:
            for io in list(handler.transports.values()):
                if io.handler is not None:
                    io.handler.cancel("stopped")
        if handlers:
            await asyncio.sleep(CLOSE_TIME)

    def running(self) -> None:
        """mitmproxy calls this once all modes have been started."""
        self.is_running.set()


class Stage:
    """A mitmproxy `Master` with two addons: its proxy server and ours."""

    def __init__(self, listeners: Listeners, modes: Sequence[str], *, lazy: bool = False) -> None:
        """`lazy`: other modes connect to no server before our layer asks for it."""
        self_check()
        self._quiet, self._lazy = _quiet_logging(), lazy
        self._modes = [MODE, *modes]
        if modes:  # after 20 s of silence it would lose every datagram of a flow
            proxy_server.UDP_TIMEOUT = UDP_SILENCE
        self._options = Options()
        self._master = Master(self._options, event_loop=asyncio.get_running_loop())
        self._server = Proxyserver()
        self._relay = Relay(listeners, self._server)
        self._master.addons.add(self._server, self._relay)

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Run until `shutdown`; UserError when a mode cannot start."""
        try:
            self._options.update(
                mode=self._modes, connection_strategy="lazy" if self._lazy else "eager"
            )
        except OptionsError as error:
            await self._master.done()
            self._quiet()
            raise UserError(f"{error}: give one of mitmproxy's modes") from error
        running = asyncio.ensure_future(self._master.run())
        try:
            ready = asyncio.ensure_future(self._relay.is_running.wait())
            await asyncio.wait([running, ready], return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            failed = self._failure()
            if failed is not None:
                raise failed
            if not running.done():
                on_ready()
            await asyncio.shield(running)
        finally:
            await self._relay.close_all()
            self._master.should_exit.set()
            await asyncio.wait([running])
            await self._server.servers.update([])
            self._quiet()

    def _failure(self) -> UserError | None:
        for server in self._server.servers:
            if server.last_exception is not None:
                spec = server.mode.full_spec
                why = str(server.last_exception).partition("\n")[0].rstrip(".")
                return UserError(f"the mode {spec} cannot start: {why}: take another way in")
        return None

    def tunnels(self) -> list[str]:
        """What each WireGuard client is to be told: its configuration file."""
        found = [getattr(one, "client_conf", lambda: None)() for one in self._server.servers]
        return [text for text in found if text]

    def shutdown(self) -> None:
        """End `run`; may be called from any thread."""
        self._master.shutdown()


def _quiet_logging() -> Callable[[], None]:
    """mitmproxy's errors go to stderr, unless the program has set up logging; the undo."""
    if logging.getLogger().handlers:
        return lambda: None
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    handler.addFilter(lambda record: record.name != Proxyserver.__module__)  # we raise those
    handler.setFormatter(logging.Formatter("understudy: %(message)s"))
    logging.getLogger().addHandler(handler)
    return lambda: logging.getLogger().removeHandler(handler)


_NEEDED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Master, ("run", "shutdown", "running", "done")),
    (Proxyserver, ("setup_servers", "running")),
    (mode_specs.ProxyMode, ("parse", "listen_port")),
    (mode_servers.ServerInstance, ("make", "start", "stop", "_start", "_stop")),
    (proxy_server, ("UDP_TIMEOUT",)),
    (proxy_server.ConnectionHandler, ("server_event",)),
    (layer.Layer, ("handle_event", "_handle_event")),
    (mitmproxy_rs.dns, ("DnsResolver", "get_system_dns_servers")),
)


def self_check() -> None:
    """UserError when this mitmproxy lacks something that we use."""
    missing = [
        f"{getattr(thing, '__name__', thing)}.{name}"
        for thing, names in _NEEDED
        for name in names
        if not hasattr(thing, name)
    ]
    if missing or not mode_specs.ProxyMode.parse(MODE):
        raise UserError(
            f"mitmproxy {version.VERSION} lacks {', '.join(missing)}: "
            "install one from 11.0.2 to before 13"
        )


def make_lookup(name_servers: Sequence[str]) -> Lookup:
    """mitmproxy's own resolver; the system's name servers when none are given."""
    try:
        servers = list(name_servers) or mitmproxy_rs.dns.get_system_dns_servers()
    except RuntimeError as error:
        raise UserError(
            f"the system names no name server ({error}): give one with --resolver, "
            "or the server's numeric address"
        ) from error
    resolver: Lookup = mitmproxy_rs.dns.DnsResolver(name_servers=servers, use_hosts_file=False)
    return resolver


def system_name_servers() -> list[str]:
    """The addresses of the name servers that this machine asks."""
    try:
        return list(mitmproxy_rs.dns.get_system_dns_servers())
    except RuntimeError:
        return []
