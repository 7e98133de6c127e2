"""What rules see: the world of one run, and each client in it.

A client is one flow. All flows of one console or computer share a `Sitting` (a session of the
recording). Everything that differs between runs comes in by the world: time, chance, addresses.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol, TypeVar, cast

from proxy.keys import SessionKeys
from proxy.message import Message
from proxy.protocol import Protocol as WireProtocol
from proxy.relay.api import Address
from recordings.errors import UserError
from recordings.model import Frame, Json, Transport

T = TypeVar("T")


class Sitting:
    """What the flows of one client share."""

    def __init__(self, number: int, keys: SessionKeys) -> None:
        self.number = number
        """The session of the recording."""
        self.keys = keys
        self.facts: dict[str, Any] = {}
        """For rules: what one leg leaves for another of the same client."""


class Port(Protocol):
    """How a client is reached: what the stage asks of a flow."""

    def say(self, message: Message, cipher: str | None, digest: bool) -> None:
        """Seal, send and record a message."""
        ...

    def close(self, reason: str, reset: bool) -> None:
        """End the flow."""
        ...

    def note(self, kind: str, detail: str) -> None:
        """Record an event of the flow."""
        ...

    @property
    def sitting(self) -> Sitting:
        """The session that the flow belongs to now."""
        ...


class Gone:
    """The port of a client whose flow is over: all that is left of the flow is its sitting."""

    def __init__(self, sitting: Sitting) -> None:
        self.sitting = sitting

    def say(self, message: Message, cipher: str | None, digest: bool) -> None:
        """See `Port`: nobody hears it."""

    def close(self, reason: str, reset: bool) -> None:
        """See `Port`."""

    def note(self, kind: str, detail: str) -> None:
        """See `Port`."""


class Client:
    """One flow of a client, as rules see it. Equal only to itself; use it as a key."""

    def __init__(
        self,
        port: Port,
        protocol: WireProtocol,
        address: Address,
        local: Address,
        *,
        transport: Transport = Transport.TCP,
        role: str = "",
        hostname: str | None = None,
    ) -> None:
        self.port = port
        self.protocol = protocol
        """Of the flow; a frame may be of another one on the same port."""
        self.transport = transport
        self.role = role
        """`directory`, `lobby`, `buddy`: which service or leg it came to; often empty."""
        self.address = address
        """The client's own address."""
        self.local = local
        """Our address as this client reaches us."""
        self.hostname = hostname
        self.open = True
        """Whether it is still here."""
        self.ghost = False
        """It is a recorded player, without a socket."""
        self.name = ""
        """Who it is, once that is known: for the live view."""
        self.place = ""
        """Where it is: `room East`."""
        self.said = ""
        """Kind of what is being heard, or was heard last."""
        self.answered = False
        """A recording has answered what is being heard: rules only take note of it."""
        self.frame: Frame | None = None
        """The frame that is being heard: `derived`, `cipher` and `at` of it."""

    @property
    def sitting(self) -> Sitting:
        """What all flows of this client share."""
        return self.port.sitting

    @property
    def keys(self) -> SessionKeys:
        """The keys of its session: what was announced and learned."""
        return self.port.sitting.keys

    def __repr__(self) -> str:
        return f"<{self.protocol.name} {self.name or self.address}>"


class Shelf(MutableMapping[str, Json]):
    """State by key, as JSON; kept in the recording when the user asked for that."""

    def __init__(self, kept: Mapping[str, str], write: Callable[[str, str | None], None]) -> None:
        self._texts = dict(kept)
        self._write = write

    def __getitem__(self, key: str) -> Json:
        return json.loads(self._texts[key])

    def __setitem__(self, key: str, value: Json) -> None:
        text = json.dumps(value, separators=(",", ":"))
        if self._texts.get(key) != text:
            self._texts[key] = text
            self._write(key, text)

    def __delitem__(self, key: str) -> None:
        del self._texts[key]
        self._write(key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._texts))

    def __len__(self) -> int:
        return len(self._texts)


class House(Protocol):
    """What the world asks of the run around it."""

    def reach(
        self, client: Client, protocol: str, transport: Transport, role: str, private: bool
    ) -> Address:
        """See `World.reach`."""
        ...

    def call(self, address: Address, protocol: str, role: str) -> Client:
        """See `World.call`."""
        ...

    def state(self, name: str) -> Mapping[str, str]:
        """What was kept under a name."""
        ...

    def keep(self, name: str, key: str, value: str | None) -> None:
        """Keep something; None forgets it."""
        ...


class World:
    """The world of one run, shared by the rules of all its protocols."""

    def __init__(
        self,
        house: House,
        *,
        now: Callable[[], int],
        seed: int | str = 0,
        options: Mapping[str, str] | None = None,
        accounts: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        recorded: bool = False,
        recorded_keys: Mapping[str, tuple[bytes, ...]] | None = None,
    ) -> None:
        self._house = house
        self.now = now
        """Unix time in microseconds."""
        self.random = random.Random(seed)
        """All chance there is; seeded, so that a run can be repeated."""
        self.options: Mapping[str, str] = options or {}
        """`PROTOCOL.NAME` -> what the user set (see `Rules.option`)."""
        self.accounts = accounts
        """Name -> password, when the user gave some; None: everybody is welcome."""
        self.secrets: Mapping[str, str] = secrets or {}
        """Game's name -> its secret (`--game-key`)."""
        self.recorded = recorded
        """A recording answers first (see `Rules.beside`): keep out of the way of its ids."""
        self.recorded_keys = recorded_keys or {}
        """Name -> the keys of that name in the recording that is served: passwords, say."""
        self._clients: dict[Client, None] = {}
        self._shared: dict[Callable[[World], Any], Any] = {}
        self._shelves: dict[str, Shelf] = {}

    @property
    def seconds(self) -> int:
        """Unix time in seconds."""
        return self.now() // 1_000_000

    def clients(self, protocol: str | None = None, role: str | None = None) -> list[Client]:
        """Who is here now, in order of arrival."""
        return [
            one
            for one in self._clients
            if protocol in (None, one.protocol.name) and role in (None, one.role)
        ]

    def enter(self, client: Client) -> None:
        """The stage says that a client came."""
        self._clients[client] = None

    def leave(self, client: Client) -> None:
        """The stage says that a client has gone."""
        client.open = False
        self._clients.pop(client, None)

    def shared(self, make: Callable[[World], T]) -> T:
        """The one object of this run that `make` makes, usually a class: `world.shared(Lounge)`.

        Rules of several protocols that ask for the same class get the same object.
        """
        if make not in self._shared:
            self._shared[make] = make(self)
        return cast(T, self._shared[make])

    def shelf(self, name: str) -> Shelf:
        """State by key that outlives the run when the user asked for that (`--keep-state`).

        `name` is that of the protocol, or of the family whose protocols share it. Values are what
        JSON can hold; assign a changed value again, it is written then.
        """
        if name not in self._shelves:
            write = lambda key, value: self._house.keep(name, key, value)  # noqa: E731
            self._shelves[name] = Shelf(self._house.state(name), write)
        return self._shelves[name]

    def reach(
        self,
        client: Client,
        protocol: str,
        role: str = "",
        *,
        transport: Transport = Transport.TCP,
        private: bool = False,
    ) -> Address:
        """Where this client reaches our listener of a protocol and role, to be announced to it.

        A listener that is not there yet is opened: one for all clients, or with `private` one that
        serves this client alone. The flow that comes by it belongs to this client's sitting, and
        hangs from the frame that is said next. Raises UserError when no port can be had.
        """
        return self._house.reach(client, protocol, transport, role, private)

    def call(self, address: Address, protocol: str, role: str = "") -> Client:
        """The client at a UDP address that has not sent anything to us yet, or not from there.

        What is said to it leaves from our listener of that protocol and role. Raises UserError when
        there is no such listener, or when nobody at that host has ever spoken to us: a stand-in
        sends to its clients only.
        """
        return self._house.call(address, protocol, role)

    def accepts(self, name: str, password: str | None) -> bool:
        """Whether an account may come in; everybody, when the user gave no accounts."""
        if self.accounts is None:
            return True
        return password is not None and self.accounts.get(name) == password


__all__ = ["Client", "House", "Port", "Shelf", "Sitting", "UserError", "World"]
