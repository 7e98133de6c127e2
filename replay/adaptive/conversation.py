"""One live flow beside the recorded one: hears the peer, says what was recorded, both re-keyed.

Sans-io: bytes and times in, frames and bytes out. Playback plays the client with it, the stand-in
the server. All flows of a live session share one `Memory`, and so what was learned and the keys.

    conversation = Conversation(protocol, Direction.TO_SERVER, memory, chance)
    said = conversation.say([line], at)                # `said.wire` goes to the peer
    for heard in conversation.hear(data, at):          # what the peer sent
        for line in heard.lines:                       # its messages, live
            match = matcher.find(line, memory, after=last)
            conversation.pair(line, match.recorded)    # learns what is called differently now

What is said is fed to the flow's own dissector too, so that its ciphers stay in step, its keys are
known, and its proofs are checked (`Frame.derived["checks"]`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from proxy.dissector import PEER_FAULTS, Dissector
from proxy.message import Message
from proxy.protocol import Protocol
from proxy.relay.api import Address
from proxy.rules import Rule
from recordings.errors import UserError
from recordings.model import Direction, Frame, Transport
from replay.adaptive.adapting import Adapter, Scene
from replay.adaptive.chance import Chance
from replay.adaptive.fields import Masks
from replay.adaptive.lines import Line, LineReader
from replay.adaptive.manners import MANNERS
from replay.adaptive.memory import Memory
from replay.adaptive.mutated import Mutator, Part
from replay.adaptive.packing import Packer, Shortener

Change = Callable[[Line, Message], Message]
"""What somebody wants said otherwise: a recorded line and its adapted message in, a message out."""

NOT_LEARNED = frozenset(("clock", "counter", "digest"))
"""Ways to renew a field whose values mean nothing elsewhere."""


@dataclass(slots=True)
class Heard:
    """One live frame of the peer, and the messages that are new in it."""

    frame: Frame
    message: Message
    lines: list[Line]


@dataclass(slots=True)
class Said:
    """What goes to the peer, as bytes and as the frames that it makes."""

    wire: bytes
    frames: list[Heard] = field(default_factory=list)
    """Empty while a frame is not complete."""
    problem: str | None = None
    """Why it could not be adapted as declared, as a sentence."""
    parts: list[Part] | None = None
    """What goes instead of `wire`, where rules of the user have changed it."""


class Conversation:
    """The machine of one live flow. `plays` is the direction of what we say."""

    def __init__(
        self,
        protocol: Protocol,
        plays: Direction,
        memory: Memory,
        chance: Chance,
        *,
        transport: Transport | None = None,
        local: Address = ("127.0.0.1", 0),
        masks: Masks | None = None,
        change: Change | None = None,
        dissector: Dissector | None = None,
    ) -> None:
        """`dissector`: the one that the flow has already, which then also hears."""
        self.protocol = protocol
        self.plays = plays
        self.memory = memory
        self.masks = masks or Masks(protocol)
        self.scene = Scene()
        self.adapter = Adapter(protocol, memory, chance, self.scene, self.masks, local)
        self._dissector = dissector or protocol.dissector(memory.keys, transport)
        self._reader = LineReader(protocol)
        self._packer = Packer()
        self._shortener = Shortener()
        self._change = change
        self._mutator: Mutator | None = None
        self._proofs: dict[str, bool] = {}  # kinds -> whether they prove something fresh

    def obey(self, rules: Sequence[Rule], failed: Callable[[str], None]) -> None:
        """Run what is said through rules of the user; `failed` is told of one that cannot."""
        if rules:
            self._mutator = Mutator(self.protocol, rules, self._dissector.seal, failed)

    def recorded(self, said: Said) -> None:
        """What was said is in the recording: its frames have their ids."""
        if self._mutator is not None and said.parts is not None:
            main = (part.frame for part in said.parts if part.frame.raw is not None)
            self._mutator.recorded(next(main))

    def use(self, memory: Memory) -> None:
        """Go on with what another recorded session calls things; keys stay those of the flow."""
        self.memory = self.adapter.memory = memory

    # -- hearing -----------------------------------------------------------------------------------

    def hear(self, data: bytes, at: int) -> list[Heard]:
        """The frames that a chunk or datagram of the peer completes. Never raises."""
        return self._took(self._dissector.feed(self.plays.other, data, at))

    def finish(self, direction: Direction, at: int) -> list[Heard]:
        """That side sent its last byte: a part-frame that is left."""
        return self._took(self._dissector.finish(direction, at))

    def _took(self, frames: list[Frame]) -> list[Heard]:
        taken = []
        for frame in frames:
            message, lines = self._reader.read(frame)
            taken.append(Heard(frame, message, lines))
        return taken

    def pair(self, live: Line, recorded: Line | None) -> None:
        """A heard message stands for that recorded one: learn what is called differently now."""
        self.scene.heard[live.kind] = (recorded, live)
        self.scene.answered = (recorded, live)
        if recorded is not None and recorded.kind == live.kind:
            self._learn(live, recorded)

    def _learn(self, live: Line, recorded: Line) -> None:
        if live.frame.clear == recorded.frame.clear and live.number is None:
            return
        said = dict(live.leaves)
        for path, was in recorded.leaves:
            now = said.get(path)
            if now is None:
                continue
            rule = self.masks.rule(recorded.kind, path)
            if rule is None or rule.how not in NOT_LEARNED:
                self.memory.learn(path, was, now, volatile=rule is not None)

    # -- saying ------------------------------------------------------------------------------------

    def adapt(self, recorded: Line) -> Message:
        """What a recorded line says in this session, proofs not yet made anew."""
        message = self.adapter.renew(recorded, fresh=self._can_prove(recorded))
        return self._change(recorded, message) if self._change else message

    def _can_prove(self, recorded: Line) -> bool:
        """Whether a proof over fresh values can be made; else it stands with the recorded ones."""
        proof = self._proofs.get(recorded.kind)
        if proof is None:
            rules = (self.masks.rule(recorded.kind, path) for path, _ in recorded.leaves)
            hows = {rule.how for rule in rules if rule is not None}
            proof = self._proofs[recorded.kind] = {"digest", "fresh"} <= hows
        if not proof:
            return True
        clear = recorded.frame.clear
        try:
            return self._dissector.digest(self.plays, clear) != clear
        except (*PEER_FAULTS, UserError):
            return False

    def say(self, recorded: Sequence[Line], at: int) -> Said:
        """Recorded lines of one frame, adapted and sealed; at `at` microseconds."""
        first = recorded[0]
        messages = [self.adapt(line) for line in recorded]
        if first.number is not None:
            short = [
                self._shortener.short(line, message, self._dissector, self.plays)
                for line, message in zip(recorded, messages, strict=True)
            ]
            return self._seal(self._packer.pack(short).encode(), first, at)
        if first.opaque and messages[0] is first.message:
            return self._say_recorded(first.frame, at)
        message, cipher = messages[0], first.frame.cipher
        manner = MANNERS.get(self.protocol.name) if self.plays is Direction.TO_SERVER else None
        if manner is not None:
            message, cipher = manner(message, cipher, self.memory.keys)
        said = self.say_message(message, at, cipher, first)
        if self._change:  # what we were told to say otherwise is called so from now on
            for live in (line for heard in said.frames for line in heard.lines):
                self._learn(live, first)
        return said

    def answer(self, asked: Line, live: Line, recorded: Line, at: int) -> Said:
        """The recorded answer to what the peer asked; it repeats what the recorded one repeated."""
        self.scene.answered = (asked, live)
        self.scene.repeats = True
        try:
            return self.say([recorded], at)
        finally:
            self.scene.repeats = False

    def say_message(
        self, message: Message, at: int, cipher: str | None = None, line: Line | None = None
    ) -> Said:
        """Any message, its proofs made anew, sealed as a frame that `cipher` had enciphered.

        `line` is the recorded one that it stands for; a wish about a proof wins over the proof.
        """
        clear, problem = message.encode(), None
        try:
            made = self._dissector.digest(self.plays, clear)
            if made != clear and self._change and line is not None:
                view = self.protocol.view(Frame(self.plays, at, made))
                made = self._change(line, view).encode()
            clear = made
        except (*PEER_FAULTS, UserError) as error:
            problem = f"the proof in {message.kind} cannot be made: {error}"
        said = self._seal(clear, line, at, cipher)
        said.problem = said.problem or problem
        return said

    def say_wire(self, wire: bytes, at: int) -> Said:
        """Bytes as they are."""
        return Said(wire, self._took(self._dissector.feed(self.plays, wire, at)))

    def _say_recorded(self, frame: Frame, at: int) -> Said:
        """A frame that nobody can read, as it was recorded; rules may change its bytes."""
        wire = _as_recorded(frame)
        parts = None
        if self._mutator is not None:
            parts = self._mutator.parts(self.plays, wire, None, at, sealed=True)
        return self.say_wire(wire, at) if parts is None else self._in_parts(parts, at)

    def say_again(self, at: int) -> Said | None:
        """The newest numbered messages once more, None where there are none."""
        bundle = self._packer.again()
        return None if bundle is None else self._seal(bundle.encode(), None, at)

    def _seal(self, clear: bytes, line: Line | None, at: int, cipher: str | None = None) -> Said:
        if self._mutator is not None and line is not None:
            parts = self._mutator.parts(self.plays, clear, cipher, at)
            if parts is not None:
                return self._in_parts(parts, at)
        try:
            wire = self._dissector.seal(self.plays, clear, cipher)
        except (*PEER_FAULTS, UserError) as error:
            kind = line.kind if line else "a message"
            said = self.say_wire(clear, at)
            return replace(said, problem=f"{kind} cannot be enciphered: {error}")
        return self.say_wire(wire, at)

    def _in_parts(self, parts: list[Part], at: int) -> Said:
        for part in parts:
            if part.wire is not None:
                self._dissector.feed(self.plays, part.wire, at)
        frames = [Heard(part.frame, part.message, []) for part in parts]
        wires = [part.wire for part in parts if part.wire is not None]
        return Said(wires[-1] if wires else b"", frames, parts=parts)


def _as_recorded(frame: Frame) -> bytes:
    """The wire bytes of a recorded frame."""
    return frame.raw if frame.raw is not None else frame.sent or b""
