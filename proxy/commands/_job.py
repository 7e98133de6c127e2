"""One run of the recorder: the recording, the relay, the DNS and the sessions, put together."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from proxy import registry
from proxy.annotate import PLACE
from proxy.commands import _ways as ways
from proxy.commands._doubts import Doubts
from proxy.commands._rotator import Rotator
from proxy.commands._traffic import Traffic
from proxy.faults.sink import Faults
from proxy.flow import Watch
from proxy.plan import Plan, listening
from proxy.recorder import Recorder, Settings, Tally
from proxy.relay.api import Address, Listen, show_address
from proxy.relay.clock import now
from proxy.relay.dns import Answered
from proxy.relay.engine import Engine
from proxy.relay.loop import run
from proxy.relay.resolver import Resolver, system_name_server
from recordings.errors import UserError
from recordings.model import Transport

TICK = 15.0
"""Seconds between two looks at whether a session is over."""
COLLECT = 20_000, 50, 100
"""Frames on their way to the recording are no garbage: look for some less often than usual."""
SAID = 1000
"""Different DNS queries that are shown in one run."""


@dataclass(frozen=True, slots=True)
class Dns:
    """What our DNS answers, and where it listens."""

    names: dict[str, str | None] = field(default_factory=dict)
    """Name -> address; None: the address on which that client reaches us."""
    port: int = 53
    upstream: Address | None = None
    needed: bool = False
    """Whether the run ends when the port cannot be had."""


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What a run is told."""

    path: Path
    plan: Plan
    settings: Settings
    listen_host: str = "127.0.0.1"
    dns: Dns = field(default_factory=Dns)
    modes: Sequence[str] = ()
    resolvers: Sequence[str] = ()
    keep_relaying: bool = False
    traffic: Traffic = field(default_factory=Traffic)
    recorder: Callable[..., Recorder] = Recorder
    """Makes the recorder; that of a stand-in answers."""
    absent: bool = False
    """The game's own server may be gone: the recorder takes over."""
    changeable: bool = False
    """Whether faults may be typed while it runs."""


class Job:
    """A recorder that runs until it is told to stop.

    `say` prints a line that programs read (listeners, ready), `warn` one for the person.
    """

    def __init__(
        self,
        options: JobOptions,
        *,
        say: Callable[[str], None],
        warn: Callable[[str], None],
        watch: Watch | None = None,
    ) -> None:
        self._options = options
        self._plan = options.plan
        self._ready = False
        self._say = say
        self._warn = warn
        self._watch = watch
        self._said: set[str] = set()
        self._failed: str | None = None
        traffic = options.traffic
        hosts = traffic.hosts()
        self._desk = traffic.desk(self._notice)
        self._made = not options.path.exists()
        self.recording = traffic.recording(options.path, scribe=True, annotator=PLACE)
        self._rotator = Rotator(self.recording, say, warn)
        self.recorder = options.recorder(
            self.recording,
            now=now,
            settings=options.settings,
            watch=watch,
            on_refused=self._refused,
        )
        self.recorder.unread = self.recording.append_unread if watch is None else None
        faulty = bool(traffic.fault or traffic.faults or options.changeable)
        self._faults = Faults(self.recorder, time.monotonic) if faulty else None
        self.engine = Engine(
            self._faults or self.recorder,
            resolver=Resolver(options.resolvers, offline=traffic.offline, hosts=hosts),
            offline=traffic.offline,
            modes=options.modes,
            route=self._route,
            idle=lambda protocol: registry.protocol(protocol).idle,
            peers=lambda protocol: registry.protocol(protocol).peers,
            on_ready=self._is_ready,
            on_notice=self._notice,
        )
        self.recording.on_relieved = self.engine.relieve
        self.recording.on_failed = self._refused
        self.recording.on_warned = warn
        self._doubts = Doubts(self.recording, self.recorder, self.engine.soon)

    def _route(self, transport: Transport, server: Address) -> Listen | None:
        """Who speaks at a destination of a transparent mode: what was announced, else by port."""
        redirects = self.recorder.redirects
        leg = redirects.passing.get((transport, server)) if redirects else None
        return leg.listen if leg else self._plan.route(transport, server)

    def _notice(self, kind: str, detail: str) -> None:
        """Something that is about no single flow: recorded, and said."""
        with contextlib.suppress(UserError):
            self.recording.add_event(kind, detail, at=now())
        if self._watch:
            self._watch.event(None, kind, detail)
        else:
            self._warn(detail)

    def _refused(self, reason: str) -> None:
        """The store takes nothing any more; said once, from whatever thread notices it."""
        if self._failed is not None:
            return
        self._failed = reason
        if self._options.keep_relaying:
            self._warn(f"recording stopped, the relay goes on: {reason}")
        else:
            self.engine.stop()

    def run(self) -> Tally:
        """Serve until Ctrl-C, SIGTERM or the end of the store; raises UserError for the last."""
        if self.recording.recovered:
            self._warn(self.recording.recovered)
        try:
            run(self._serve())
        finally:
            tally = self._close()
            if self._made and not tally.sessions and not self._ready:
                self.recording.path.unlink(missing_ok=True)  # there is nothing in it
        if self._failed is not None:
            raise UserError(self._failed)
        return tally

    async def _serve(self) -> None:
        await self._resolve()
        self._open()
        if self._faults is not None:
            self._desk.use(self._faults)
        works = self._tick(), self._desk.watch(), self._rotator.run()
        beside = [asyncio.create_task(work) for work in works]
        try:
            await self.engine.run()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _resolve(self) -> None:
        """Look up the servers' names, so that one that does not resolve is said at once."""
        hosts = [one.listen.upstream[0] for one in self._plan.listeners if one.listen.upstream]
        for host in dict.fromkeys(hosts) if not self._options.traffic.offline else ():
            try:
                await self.engine.resolver.resolve(host)
            except UserError as error:
                if self._options.absent:
                    self._warn(f"the stand-in will answer: {error}")
                    continue
                if host not in self._plan.names:
                    raise
                raise UserError(
                    f"the game's own server {host} does not resolve, it may be gone: "
                    "give another one with --upstream HOST"
                ) from error

    def type_faults(self, line: str) -> None:
        """Put other faults in force; may be called from any thread."""
        self.engine.soon(lambda: self._desk.type(line))

    def _is_ready(self) -> None:
        self._ready = True
        for mode in self._options.modes:
            self._say(f"listening {mode}")
        for text in self.engine.tunnels:
            self._say(ways.write_tunnel(text, self._options.path.parent))
        gc.freeze()  # else a full collection stops every game for 20 ms and more, now and then
        gc.set_threshold(*COLLECT)
        self._say("ready")
        if self._options.changeable:
            self._warn("press f to disturb the network on purpose, Ctrl-C to end")

    def _open(self) -> None:
        redirects = self.recorder.use(self.engine)
        # of a protocol that has two transports
        ports: dict[tuple[str, Address | None], tuple[Transport, int]] = {}
        for planned in self._plan.listeners:
            listen = planned.listen
            twin = ports.get((listen.protocol, listen.upstream))
            if twin and listen.port == 0 and twin[0] is not listen.transport:
                listen = replace(listen, port=twin[1])
            if self._options.traffic.lan and listen.transport is Transport.UDP:
                listen = replace(listen, lan=True)
            try:
                address = self.engine.open(listen)
            except UserError as error:
                if not planned.optional:
                    raise
                self._warn(f"{listen.role or listen.protocol} is left out: {error}")
                continue
            ports[listen.protocol, listen.upstream] = listen.transport, address[1]
            redirects.own[listen.transport, address[1]] = listen
            self._say(listening(listen, address))
        self._open_dns(self._options.dns)
        for mode in self._options.modes:
            left_out = ways.open_way(self.engine, mode)
            if left_out:
                self._warn(left_out)
            if mode.startswith("wireguard"):
                self._open_tunnel_dns(self._options.dns)
        self._refuse_ourselves()

    def _open_tunnel_dns(self, dns: Dns) -> None:
        names = ways.tunnel_names(dns.names, self._plan, self.engine.resolver)
        upstream = dns.upstream or system_name_server()
        self.engine.open_dns(names, None, upstream=upstream, on_query=self._asked)

    def _refuse_ourselves(self) -> None:
        """Say now what every flow would find out: that a server is one of our own listeners."""
        if self._options.traffic.offline:
            return
        for listen, _ in self.engine.listeners():
            host = listen.upstream and self.engine.resolver.known(listen.upstream[0])
            if host and listen.upstream:
                self.engine.refuse_ourselves(listen.transport, (host, listen.upstream[1]))
        for name_server in self._options.resolvers:
            self.engine.refuse_ourselves(Transport.UDP, (name_server, 53))

    def _open_dns(self, dns: Dns) -> None:
        if not dns.names and not dns.upstream:
            return
        host = self._options.listen_host
        try:
            address = self.engine.open_dns(
                dns.names, host, dns.port, upstream=dns.upstream, on_query=self._asked
            )
        except UserError as error:
            cure = "--dns-port gives our DNS another port"
            if dns.needed:
                raise UserError(f"{error} ({cure})") from error
            self._warn(f"our DNS is left out, no name leads the game here: {error} ({cure})")
            return
        names = list(dns.names)
        shown = names[0] if len(names) == 1 else f"{len(names)} names"
        self._say(f"listening dns udp {show_address(address)} -> {shown}")

    def _asked(self, query: Answered) -> None:
        """A name was asked for: said once for each answer."""
        detail = f"{query.name} ({query.type}) for {query.client[0]}: {query.outcome}"
        if self._watch and detail not in self._said and len(self._said) < SAID:
            self._said.add(detail)
            self._watch.event(None, "dns", detail)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.recorder.tick(now())

    def _close(self) -> Tally:
        tally = self.recorder.tally()
        with contextlib.suppress(UserError):
            self._doubts.settle()
            self.recorder.close()
        try:
            self._rotator.close()
        except UserError as error:
            self._failed = self._failed or str(error)
        tally.errors += self.recording.errors
        return tally
