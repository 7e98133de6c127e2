"""Renewing what a recorded message says, by the rules that its protocol declares and by learning.

    echo      what the live request says in the field that the recorded one repeated
    fresh     a new value of the same form, the same one wherever the recording repeats the old
    clock     moved on by the time that has passed since
    counter   goes on from what was said last, by the recorded steps
    ours      where the endpoint of the recording is in this session
    key       the live key, where the recording says the recorded one
    learned   what the peer calls it
    digest    made by the dissector from the finished message

A field without a rule says what was learned, else what was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proxy.message import Message
from proxy.protocol import Announce, Protocol, Volatile
from proxy.relay.api import Address
from recordings.model import Direction, Json
from replay.adaptive.chance import Chance
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line
from replay.adaptive.memory import Memory, like, text_of

_FAULTS = (ValueError, LookupError, TypeError, OverflowError)
"""What a message may raise for a value that it cannot hold."""


@dataclass
class Scene:
    """What the flow has heard so far: the newest pair of each kind that was heard."""

    heard: dict[str, tuple[Line | None, Line]] = field(default_factory=dict)
    """Kind -> the recorded message (if it was matched) and the live one."""
    counters: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """Kind and path -> the number recorded and said last."""
    answered: tuple[Line | None, Line] | None = None
    """The pair that is being answered: it is asked first by `echo`."""
    repeats: bool = False
    """What an answer repeats of the message that it answers, it repeats now too."""


class Adapter:
    """Renews the messages of one flow."""

    def __init__(
        self,
        protocol: Protocol,
        memory: Memory,
        chance: Chance,
        scene: Scene,
        masks: Masks,
        local: Address = ("127.0.0.1", 0),
    ) -> None:
        self.protocol = protocol
        self.memory = memory
        self.local = local
        """Our own end of the flow."""
        self._chance = chance
        self._scene = scene
        self._masks = masks
        self._hosts = {(a.kind, a.host): a for a in protocol.announces if a.host and not a.each}
        self._ports = {(a.kind, a.port): a for a in protocol.announces if a.port and not a.each}
        self._lists = [one for one in protocol.announces if one.each]

    def renew(self, line: Line, *, fresh: bool = True) -> Message:
        """What the line says in this session; itself, where nothing is to be renewed.

        Without `fresh` what would be made anew by chance stays as it was recorded.
        """
        message = line.message
        if line.opaque:
            return message
        for path, value in line.leaves:
            if value is None or value == "":
                continue
            rule = self._masks.rule(line.kind, path)
            if self._scene.repeats and (said := self._repeated(path, value)) is not None:
                new = said
            elif rule is None or (rule.how == "fresh" and not fresh):
                new = self.memory.expect(path, value)
            else:
                new = _RENEWALS[rule.how](self, line, path, value, rule)
            if new != value:
                message = _put(message, path, new)
        for announce in self._lists:
            if announce.kind == line.kind and announce.direction is line.direction:
                message = self._readdress(message, announce)
        return message

    def _repeated(self, path: str, value: Json) -> Json:
        """The live value of a field that the recorded answer took from what it answers."""
        asked, live = self._scene.answered or (None, None)
        if asked is None or live is None or _get(asked.message, path) != value:
            return None
        return _get(live.message, path)

    # -- the rules ---------------------------------------------------------------------------------

    def _echo(self, line: Line, path: str, value: Json, rule: Volatile) -> Json:
        kind, _, source = rule.of.partition(".")
        for was, now in self._sources(kind):
            said = _get(now.message, source or path)
            if said is None:
                continue
            asked = None if was is None else _get(was.message, source or path)
            if was is None or text_of(asked) == text_of(value):
                return like(value, str(said)) if text_of(said) is not None else value
            break  # the recording repeats something else there
        return self.memory.expect(path, value, volatile=True, of=rule.of)

    def _sources(self, kind: str) -> list[tuple[Line | None, Line]]:
        """Heard messages of a kind (`*`: any), the one that is answered first."""
        found = []
        answered = self._scene.answered
        if answered is not None and kind in ("*", answered[1].kind):
            found.append(answered)
        if kind in self._scene.heard:
            found.append(self._scene.heard[kind])
        return found

    def _fresh(self, line: Line, path: str, value: Json, rule: Volatile) -> Json:
        known = self.memory.expect(path, value, volatile=True)
        if known != value:
            return known
        made = self._chance.fresh(value, rule.of)
        self.memory.learn(path, value, made, volatile=True)
        return made

    def _clock(self, line: Line, path: str, value: Json, rule: Volatile) -> Json:
        return self._chance.clock(value, line.frame.at, rule.of)

    def _counter(self, line: Line, path: str, value: Json, rule: Volatile) -> Json:
        text = text_of(value)
        if text is None or not text.isdigit():
            return self.memory.expect(path, value, volatile=True, of=rule.of)
        last = self._scene.counters.get((line.kind, path))
        number = int(text)
        if last is None:
            said = number
        else:
            step = number - last[0]
            said = last[1] + (step if step > 0 else 1 if number == last[0] else 0)
            said = number if step < 0 else said  # it wrapped, or began anew
        self._scene.counters[line.kind, path] = (number, said)
        return like(value, str(said))

    def _ours(self, line: Line, path: str, value: Json, rule: Volatile) -> Json:
        announce = self._hosts.get((line.kind, path)) or self._ports.get((line.kind, path))
        if announce is not None and announce.direction is line.direction:
            live = self._endpoint(line.message, announce)
            if live is not None:
                return _address(live, announce, path, value)
            if not announce.peer and line.direction is Direction.TO_CLIENT:
                return self.memory.expect(path, value, volatile=True)
        known = self.memory.expect(path, value, volatile=True)
        if known != value:
            return known
        host, port = self.local
        return like(value, str(port)) if "port" in rule.of else like(value, host)

    def _key(self, line: Line, path: str, value: Json, rule: Volatile) -> Json:
        text = text_of(value) or ""
        recorded = self.memory.recorded.get(rule.of, set())
        gives = self.protocol.keys.get(f"{line.kind}.{path}") == rule.of
        if gives and line.direction is Direction.TO_CLIENT:
            known = _is_key(text, recorded) or not recorded
            return self._fresh(line, path, value, rule) if known else value
        live = self.memory.keys.find(rule.of)
        if live is not None and text.encode("latin-1", "replace") in recorded:
            return like(value, live.key.decode("latin-1"))
        return self.memory.expect(path, value, volatile=True, of=rule.of)

    def _learned(self, line: Line, path: str, value: Json, rule: Volatile) -> Json:
        return self.memory.expect(path, value, volatile=True, of=rule.of)

    def _kept(self, line: Line, path: str, value: Json, rule: Volatile) -> Json:
        return value

    # -- endpoints ---------------------------------------------------------------------------------

    def _endpoint(self, message: Message, announce: Announce, item: str = "") -> Address | None:
        """Where the endpoint that a recorded message announces is in this session."""
        dot = f"{item}." if item else ""
        host = str(_get(message, dot + announce.host) or "") if announce.host else ""
        port = _get(message, dot + announce.port) if announce.port else None
        if announce.host and announce.host == announce.port:
            host, _, port = host.rpartition(":")
        number = int(str(port)) if str(port).isdigit() else 0
        known = self.memory.endpoints
        return known.get((host, number)) or known.get(("", number))

    def _readdress(self, message: Message, announce: Announce) -> Message:
        if not self.memory.endpoints:
            return message
        items = message.fields().get(announce.each or "")
        for number in range(len(items) if isinstance(items, list) else 0):
            item = f"{announce.each}[{number}]"
            live = self._endpoint(message, announce, item)
            if live is not None and announce.host and announce.port:
                message = _put(message, f"{item}.{announce.host}", live[0])
                message = _put(message, f"{item}.{announce.port}", live[1])
        return message


_RENEWALS: Mapping[str, Callable[[Adapter, Line, str, Json, Volatile], Json]] = {
    "echo": Adapter._echo,
    "fresh": Adapter._fresh,
    "clock": Adapter._clock,
    "counter": Adapter._counter,
    "ours": Adapter._ours,
    "key": Adapter._key,
    "learned": Adapter._learned,
    "digest": Adapter._kept,
}


def _is_key(text: str, keys: set[bytes]) -> bool:
    """Whether a value is one of the keys, as text or as hexadecimal digits."""
    digits = text.removeprefix("$").lower()
    return text.encode("latin-1", "replace") in keys or any(key.hex() == digits for key in keys)


def _address(live: Address, announce: Announce, path: str, value: Json) -> Json:
    if announce.host == announce.port:
        return f"{live[0]}:{live[1]}"
    return live[0] if path == announce.host else like(value, str(live[1]))


def _get(message: Message, path: str) -> Json:
    """The value as `fields` shows it, None where there is none."""
    try:
        value = message.get(path)
    except _FAULTS:
        return None
    return value.hex() if isinstance(value, bytes) else value


def _put(message: Message, path: str, value: Json) -> Message:
    """The message with a field changed, or as it was where that cannot be."""
    try:
        changed = message.set(path, value)
        changed.encode()
    except _FAULTS:
        return message
    return changed
