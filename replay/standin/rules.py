"""The contract of a protocol's rules: one file in replay/servers for each protocol, found by name.

Rules are a small sans-io server for all clients of a run: a message in, acts out.

    class ToyRules(Rules):
        protocol = "toy"

        @hears("LOGIN")
        def login(self, client: Client, message: Line) -> Acts:
            client.name = message.get("NAME")              # shown in the live view
            yield Say(client, Line("WELCOME", {}))         # now
            yield Say(client, Line("NEWS", {}), after=2.0) # in two seconds
            for other in self.world.clients("toy"):
                if other is not client:
                    yield Say(other, Line("CAME", {"NAME": client.name}))

    RULES = ToyRules

`client` is one flow; `self` lives as long as the run and holds the state. See `World` for clocks,
randomness, endpoints of our own, shared and kept state, accounts and options.

A handler may be a generator or return any iterable of acts. What it raises is recorded as a defect
and harms neither its client nor another one: yield what is sure before what may fail. Nothing in a
rules file imports sockets, clocks or `random`.

How a turn counts: a kind with a handler is answered, whatever the handler yields, unless it yields
`Unanswered`. A kind without one is unanswered when the protocol declares that it wants an answer
(`Protocol.answers`). A frame that cannot be read goes to `hears(OPAQUE)`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from proxy.message import OPAQUE, Message
from recordings.errors import UserError

if TYPE_CHECKING:
    from proxy.relay.api import Address
    from recordings.model import Transport
    from replay.adaptive.lines import Line
    from replay.standin.ghosts import Presence
    from replay.standin.listed import Announcer
    from replay.standin.pool import Take
    from replay.standin.stage import Stage
    from replay.standin.world import Client, World

__all__ = [
    "OPAQUE",
    "Act",
    "Acts",
    "Close",
    "Later",
    "Note",
    "Rules",
    "Say",
    "Unanswered",
    "hears",
    "rules_of",
]

GROUP = "understudy.servers"
"""The entry-point group in which an installed package names modules that hold `RULES`."""


@dataclass(frozen=True, slots=True)
class Say:
    """Say a message to a client; nothing happens when it has gone meanwhile."""

    to: Client
    message: Message
    """In clear: it is sealed under the client's own ciphers. `Opaque(data)` says bytes."""
    after: float = 0.0
    """Seconds. What is said later does not hold up what is said behind it."""
    cipher: str | None = None
    """`Frame.cipher` of a frame that a server would have enciphered so (see `Dissector.seal`)."""
    digest: bool = False
    """Have the dissector make the proofs in it (see `Dissector.digest`)."""
    live: bool = False
    """It is about another client that is here: said also where a recording answers (`beside`)."""


@dataclass(frozen=True, slots=True)
class Close:
    """End a client's flow, after what was said to it."""

    to: Client
    reason: str
    after: float = 0.0
    reset: bool = False


@dataclass(eq=False, slots=True)
class Later:
    """Do something after some seconds; keep it to `cancel()` it."""

    after: float
    do: Callable[[], Acts]
    cancelled: bool = field(default=False, init=False)

    def cancel(self) -> None:
        """Do not do it."""
        self.cancelled = True


@dataclass(frozen=True, slots=True)
class Note:
    """Record an event and show it in the live view."""

    kind: str
    detail: str
    client: Client | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The client awaits something that these rules cannot say: one sentence, why."""

    client: Client
    why: str


Act: TypeAlias = "Say | Close | Later | Note | Unanswered"
Acts: TypeAlias = "Iterable[Act]"
Handler: TypeAlias = "Callable[..., Acts]"

F = TypeVar("F", bound=Callable[..., Any])


def hears(*kinds: str) -> Callable[[F], F]:
    """Mark a method `(self, client, message)` as the handler of kinds; `*` is all others.

    Only what a client says (c>s) is heard. `Opaque` frames go to the handler of `OPAQUE` alone.
    """

    def mark(method: F) -> F:
        method.hears = kinds  # type: ignore[attr-defined]
        return method

    return mark


class Rules:
    """Base of all rules. One instance serves all flows of its protocol in a run."""

    protocol: ClassVar[str] = ""
    """Name of the protocol."""
    beside: ClassVar[bool] = False
    """Whether the rules may run beside a recording: they hear everything, so that they are in the
    right state, while the recording says what it knows. False, for protocols that number what they
    say: a flow is then served by one of the two."""
    recasts: ClassVar[bool] = False
    """Whether the rules play a recording themselves, instead of having its words said again: what
    it holds is given to `recast`. For protocols whose every message counts and names others."""
    cues: ClassVar[frozenset[str]] = frozenset()
    """Kinds by which other players speak to a client: a ghost answers them as it was recorded."""
    announces: ClassVar[bool] = False
    """Whether there are lists of such servers elsewhere that can be told of this one."""
    options: ClassVar[Mapping[str, str]] = {}
    """Name -> meaning of what the user may set: `--rule PROTOCOL.NAME=VALUE`."""

    _handlers: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        found = dict(cls._handlers)
        for name, value in vars(cls).items():
            for kind in getattr(value, "hears", ()):
                if found.get(kind, name) != name and found[kind] in vars(cls):
                    raise TypeError(f"{cls.__name__}: {kind} has two handlers")
                found[kind] = name
        cls._handlers = found

    def __init__(self, world: World) -> None:
        self.world = world

    @classmethod
    def kinds(cls) -> frozenset[str]:
        """Kinds that there is a handler for; `*` among them: all."""
        return frozenset(cls._handlers)

    def handler(self, kind: str) -> Handler | None:
        """The handler of a kind; None: these rules do not know it."""
        name = self._handlers.get(kind)
        if name is None and kind != OPAQUE:
            name = self._handlers.get("*")
        return None if name is None else getattr(self, name)

    def option(self, name: str, default: str = "") -> str:
        """What the user set for one of `options`."""
        return self.world.options.get(f"{self.protocol}.{name}", default)

    def own_server(
        self, client: Client, protocol: str, role: str, transport: Transport
    ) -> Address | None:
        """Where this client reaches our own server, for a list of servers to name it.

        None: the user does not want it listed (the option `own` is 0), or no port can be had.
        """
        if self.option("own") == "0":
            return None
        try:
            return self.world.reach(client, protocol, role, transport=transport)
        except UserError:
            return None

    # What a protocol may bring besides its handlers

    def opened(self, client: Client) -> Acts:
        """A client came: greet it, where the server speaks first."""
        return ()

    def closed(self, client: Client) -> Acts:
        """A client's flow is over; nothing reaches it any more."""
        return ()

    def claims(self, client: Client, message: Message) -> bool:
        """Whether a message is between clients that are here now, so that it is ours to answer
        even where a recording knows an answer (only asked with `beside`)."""
        return False

    def tells(self, client: Client, message: Message) -> bool:
        """Whether something that a recording would push is about a client that is here, so that
        these rules say it themselves (only asked with `beside`)."""
        return False

    def revises(self, client: Client, message: Message) -> Message:
        """What a recording is about to say as it is to be said now: a list with those added who
        are here, say. Asked more than once for one message; only asked with `beside`."""
        return message

    def told(self, client: Client, message: Message) -> Acts:
        """A recording has said that to a client: know it, so that what the recording does not
        know can be answered (only asked with `beside`; see `Client.answered`)."""
        return ()

    def settles(self, message: Message) -> bool:
        """Whether a recorded player is where others meet it once it has said that (ghosts)."""
        return False

    def alike(self, recorded: Message, heard: Message) -> bool:
        """Whether what is said to a ghost means what was said in the recording."""
        return recorded.kind == heard.kind

    def ghosts(self, stage: Stage, takes: list[tuple[Take, list[Line]]]) -> Iterable[Presence]:
        """The players of recorded flows, where `cues` are not what they go by."""
        return ()

    def recast(self, stage: Stage, takes: list[tuple[Take, list[Line]]]) -> Iterable[Presence]:
        """Take what a recording that is served knows of the server; with `recasts`, give who else
        was there."""
        return ()

    def announcer(self, port: int, path: str) -> Announcer | None:
        """What tells a list of the server that listens on `port`; `path` is a page of the list
        that the user named, or empty (only asked with `announces`)."""
        return None

    def kept(self) -> Acts:
        """The run is about to end: keep what is to be kept, say goodbye."""
        return ()


@cache
def rules_of(protocol: str) -> type[Rules] | None:
    """The rules of a protocol, from `replay/servers/<protocol, _ for ->.py`; None: there are none.

    An installed package names a module that holds `RULES` in the entry-point group
    `understudy.servers`, under the name of the protocol. Raises TypeError when these are rules of
    another one.
    """
    stem = protocol.replace("-", "_")
    name = f"replay.servers.{stem}"
    if stem.isidentifier() and importlib.util.find_spec(name):
        module = importlib.import_module(name)
    else:
        points = [point for point in entry_points(group=GROUP) if point.name == protocol]
        if not points:
            return None
        module = points[0].load()
    found: type[Rules] = module.RULES
    if found.protocol != protocol:
        raise TypeError(f"{module.__name__} holds the rules of {found.protocol!r}")
    return found
