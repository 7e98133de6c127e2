"""One fault at work on one direction of one flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from proxy.faults.fate import Copy, Fate
from proxy.faults.spec import Spec
from proxy.mutation.chance import Chance
from recordings.model import Direction, Transport

QUEUE_SECONDS = 1.0
"""What a narrow line keeps of datagrams; what comes when it is full is lost, as in a router."""


class Flow(Protocol):
    """What a fault may do to the whole flow."""

    transport: Transport

    def now(self) -> float:
        """Seconds, monotonic."""
        ...

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call back after some seconds."""
        ...

    def close(self, note: str, *, reset: bool = False) -> None:
        """End it, saying why."""
        ...


class Stage:
    """A fault; a subclass says what it does to the fate of a chunk or datagram."""

    def __init__(self, spec: Spec, flow: Flow, direction: Direction, chance: Chance) -> None:
        self.spec = spec
        self.flow = flow
        self.chance = chance
        self.over = False
        """It was taken away; what it has put off does not happen."""
        self.value = spec.values.get

    def begin(self) -> None:
        """It is in force from now on."""

    def judge(self, fate: Fate) -> None:
        """Add to the fate of what has come now."""

    def closes_after(self) -> float:
        """Seconds that the end of the stream is put off."""
        return 0.0

    def _drop(self, fate: Fate, note: str) -> None:
        fate.copies.clear()
        fate.notes.append(f"{self.spec.name}: {note}")


class Loss(Stage):
    """A datagram does not go on."""

    def judge(self, fate: Fate) -> None:
        if self.chance.happens(self.spec.values["probability"]):
            self._drop(fate, "dropped")


class Duplicate(Stage):
    """A datagram goes on twice."""

    def judge(self, fate: Fate) -> None:
        if self.chance.happens(self.spec.values["probability"]) and fate.copies:
            fate.copies += [Copy(one.delay, one.behind) for one in fate.copies]
            fate.notes.append("duplicate: sent once more")


class Reorder(Stage):
    """A datagram goes on behind later ones."""

    def judge(self, fate: Fate) -> None:
        if self.chance.happens(self.spec.values["probability"]) and fate.copies:
            behind = int(self.spec.values["behind"])
            for one in fate.copies:
                one.behind += behind
            fate.notes.append(f"reorder: behind {behind} more")


class Corrupt(Stage):
    """Bits of a datagram are flipped."""

    def judge(self, fate: Fate) -> None:
        if not self.chance.happens(self.spec.values["probability"]) or not fate.copies:
            return
        draws = [self.chance.bits() for _ in range(int(self.spec.values["bits"]))]

        def flip(data: bytes) -> bytes:
            changed = bytearray(data)
            for draw in draws if data else ():
                bit = draw % (len(data) * 8)
                changed[bit // 8] ^= 1 << bit % 8
            return bytes(changed)

        fate.edits.append(flip)
        fate.notes.append(f"corrupt: {len(draws)} bit{'s' if len(draws) > 1 else ''} flipped")


class Latency(Stage):
    """Everything goes on later."""

    def judge(self, fate: Fate) -> None:
        if not self.chance.happens(self.spec.probability) or not fate.copies:
            return
        delay, jitter = self.spec.values["latency"], self.spec.values["jitter"]
        if jitter:
            delay += jitter * (self.chance.bits() / 2.0**63 - 1)
        for one in fate.copies:
            one.delay += max(delay, 0.0)
        fate.notes.append(f"latency: {max(delay, 0.0) * 1000:.1f} ms")


class Bandwidth(Stage):
    """No more than so many bytes a second."""

    _free = 0.0  # when the line will have sent everything

    def judge(self, fate: Fate) -> None:
        if not fate.copies:
            return
        now = self.flow.now()
        wait = max(self._free - now, 0.0)
        if wait > QUEUE_SECONDS and self.flow.transport is Transport.UDP:
            self._drop(fate, "dropped, the line is full")
            return
        wait += fate.size * len(fate.copies) / self.spec.values["rate"]
        self._free = now + wait
        for one in fate.copies:
            one.delay += wait
        fate.notes.append(f"bandwidth: {wait * 1000:.1f} ms")


class Slicer(Stage):
    """A stream is cut into pieces."""

    def judge(self, fate: Fate) -> None:
        values = self.spec.values
        if not fate.copies or not self.chance.happens(self.spec.probability):
            return

        def cut(data: bytes) -> list[tuple[bytes, float]]:
            pieces: list[tuple[bytes, float]] = []
            start, spread = 0, int(values["size_variation"])
            while start < len(data):
                length = int(values["average_size"]) - spread
                length += self.chance.below(2 * spread + 1) if spread else 0
                piece = data[start : start + max(length, 1)]
                pieces.append((piece, values["delay"] if start else 0.0))
                start += len(piece)
            return pieces or [(data, 0.0)]

        fate.cuts.append(cut)
        fate.notes.append(f"slicer: pieces of {int(values['average_size'])} bytes")


class _WholeFlow(Stage):
    """A fault that befalls a flow or does not."""

    def __init__(self, spec: Spec, flow: Flow, direction: Direction, chance: Chance) -> None:
        super().__init__(spec, flow, direction, chance)
        self.strikes = chance.happens(spec.probability)

    def _close(self, seconds: float, *, reset: bool = False) -> None:
        def close() -> None:
            if not self.over:
                self.flow.close(f"{self.spec.name}: closed", reset=reset)

        self.flow.later(seconds, close)


class Timeout(_WholeFlow):
    """Nothing gets through, and the flow is closed after some time."""

    def begin(self) -> None:
        if self.strikes and self.spec.values["timeout"]:
            self._close(self.spec.values["timeout"])

    def judge(self, fate: Fate) -> None:
        if self.strikes:
            self._drop(fate, "dropped")


class ResetPeer(_WholeFlow):
    """The next bytes do not get through, and the connection is reset."""

    _struck = False

    def judge(self, fate: Fate) -> None:
        if self.strikes:
            self._drop(fate, "dropped")
            if not self._struck:
                self._struck = True
                self._close(self.spec.values["timeout"], reset=True)


class LimitData(_WholeFlow):
    """The flow ends after so many bytes; of datagrams nothing more goes on."""

    _passed = 0

    def judge(self, fate: Fate) -> None:
        if not self.strikes or not fate.copies:
            return
        left = int(self.spec.values["bytes"]) - self._passed
        self._passed += fate.size
        if fate.size <= left:
            return
        stream = self.flow.transport is Transport.TCP
        if stream and left > 0:
            fate.edits.append(lambda data: data[:left])
            fate.notes.append(f"limit_data: {left} bytes went on")
        else:
            self._drop(fate, "dropped")
        if stream and left >= 0:
            self._close(0.0)


class SlowClose(_WholeFlow):
    """The end of a stream comes later."""

    def closes_after(self) -> float:
        return self.spec.values["delay"] if self.strikes else 0.0


STAGES: dict[str, type[Stage]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slicer": Slicer,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "slow_close": SlowClose,
    "limit_data": LimitData,
    "loss": Loss,
    "duplicate": Duplicate,
    "reorder": Reorder,
    "corrupt": Corrupt,
}
