"""What the user asks of a playback: where to, at which pace, what to say otherwise."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from proxy.message import FieldError, Message
from proxy.options import check_port, read_endpoint
from proxy.relay.api import Address
from recordings.errors import UserError
from recordings.model import Direction, Key
from replay.adaptive.lines import Line
from replay.playback.steps import Role, Script

TURNS, ORIGINAL, FAST = "turns", "original", "fast"
SET_FORM = "KIND.FIELD=VALUE, for instance auth.NAME=player{n}"
MAP_FORM = "RECORDED=LIVE, for instance 192.0.2.20:10601=127.0.0.1:10601"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the servers of the recording are now."""

    to: tuple[str, int | None] | None = None
    """Host and port of the session's first flow; other flows keep their recorded port."""
    maps: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)
    """Recorded host, `host:port`, `:port`, name or protocol -> live endpoint."""

    def find(self, role: Role, first: Role, *, named_only: bool = False) -> Address | None:
        """The live server of a flow, None when nothing says it."""
        host, _, port_text = (role.row.server or "").rpartition(":")
        port = int(port_text) if port_text.isdigit() else 0
        names = (role.row.server or "", role.row.hostname or "", host, f":{port_text}")
        for name in (*names, role.row.protocol):
            if name and name in self.maps:
                live_host, live_port = self.maps[name]
                return live_host, live_port or port
        if self.to is None or named_only:
            return None
        same = role.row.server == first.row.server
        return self.to[0], (self.to[1] or port) if same else port


@dataclass(frozen=True, slots=True)
class Manner:
    """How a session is played."""

    places: Places
    timing: str = TURNS
    speed: float = 1.0
    """Of the recorded pace, in original timing."""
    verbatim: bool = False
    deadline: int = 10_000_000
    """Microseconds to wait for an answer."""
    grace: int = 1_000_000
    """Microseconds to wait for a push."""
    keys: tuple[Key, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    go_on: bool = False
    """Do not stop at an answer that never came."""


def read_places(to: str | None, maps: Iterable[str]) -> Places:
    """Read `--to` and `--map`; raises UserError."""
    found: dict[str, tuple[str, int | None]] = {}
    for text in maps:
        recorded, equals, live = text.partition("=")
        endpoint = read_endpoint(live)
        if not equals or not recorded or endpoint is None or endpoint[1] == 0:
            raise UserError(f"--map {text!r} is not of the form {MAP_FORM}")
        found[recorded] = endpoint
    if to is None:
        if not found:
            raise UserError("no server is named: say where to by --to HOST[:PORT]")
        return Places(None, found)
    check_port(f"--to {to!r}", to)
    endpoint = read_endpoint(to)
    if endpoint is None or endpoint[1] == 0:
        raise UserError(f"--to {to!r} is no server: write HOST or HOST:PORT (IPv6 like [::1])")
    return Places(endpoint, found)


@dataclass(frozen=True, slots=True)
class Setting:
    """One `--set`: what a field of the client's messages says instead."""

    kind: str
    path: str
    value: str
    protocol: str | None = None

    def fits(self, line: Line) -> bool:
        """Whether it speaks of that line."""
        if line.kind != self.kind:
            return False
        return self.protocol in (None, line.protocol.name if line.protocol else None)


def read_setting(text: str, script: Script) -> Setting:
    """Read `[PROTOCOL.]KIND.FIELD=VALUE`; raises UserError, with the nearest that exists."""
    place, equals, value = text.partition("=")
    protocol = next(
        (r.row.protocol for r in script.roles if place.startswith(r.row.protocol)), None
    )
    if protocol is not None:
        place = place[len(protocol) :].removeprefix(".")
    kind, dot, path = place.partition(".")
    if not equals or not dot or not kind or not path:
        raise UserError(f"--set {text!r} is not of the form {SET_FORM}")
    setting = Setting(kind, path, value, protocol)
    lines = [line for role in script.roles for line in role.lines if not line.opaque]
    said = [line for line in lines if line.direction is Direction.TO_SERVER]
    line = next((one for one in said if setting.fits(one)), None)
    if line is None:
        kinds = sorted({one.kind for one in said})
        near = difflib.get_close_matches(kind, kinds, 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else f"it says {', '.join(kinds[:20])}"
        raise UserError(f"--set {text!r}: the client never says {kind}: {hint}")
    try:
        line.message.set(path, filled(value, 1)).encode()
    except (FieldError, ValueError) as error:
        raise UserError(f"--set {text!r}: {error}") from error
    return setting


def filled(template: str, number: int) -> str:
    """A value with `{n}` replaced by the number of the client, from 1."""
    return template.replace("{n}", str(number))


def changing(settings: Sequence[Setting], number: int) -> Callable[[Line, Message], Message] | None:
    """What a client of that number says otherwise; None: nothing."""
    if not settings:
        return None

    def change(line: Line, message: Message) -> Message:
        for one in settings:
            if one.fits(line):
                try:
                    message = message.set(one.path, filled(one.value, number))
                except (FieldError, ValueError):
                    continue  # a message of this kind that cannot say it
        return message

    return change
