"""What a fault is called and how it is written: `NAME[:VALUE][@DIRECTION][,OPTION=VALUE]...`.

The names and options for streams are Toxiproxy's (latency, bandwidth, slow_close, timeout, slicer,
limit_data, reset_peer; `toxicity` may be said for `probability`), and numbers without a unit have
its units; the ones for datagrams are those that a network does to them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from recordings.errors import UserError
from recordings.handed import read_text
from recordings.model import Direction, Transport

TCP, UDP = Transport.TCP, Transport.UDP
FORM = "NAME[:VALUE][@c>s|@s>c][,OPTION=VALUE]..., for instance loss:5%@c>s,seed=7"
_NUMBER = re.compile(r"([0-9]*\.?[0-9]+)\s*([a-zA-Z%/]*)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0}
_BYTES = {"": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "kib": 1024, "mib": 1 << 20}
_RATES = {
    **{"": 1000.0, "kb/s": 1000.0, "kb": 1000.0, "mb/s": 1e6, "b/s": 1.0},
    **{"kbit": 125.0, "kbit/s": 125.0, "mbit": 125_000.0, "mbit/s": 125_000.0},
}


def _number(text: str, units: Mapping[str, float]) -> float:
    found = _NUMBER.fullmatch(text.strip())
    if not found or found[2].lower() not in units:
        raise ValueError(text)
    return float(found[1]) * units[found[2].lower()]


def seconds(text: str) -> float:
    """`100ms`, `1.5s`, `20us`; a bare number is milliseconds."""
    return _number(text, {"": 1e-3, **_SECONDS})


def slice_delay(text: str) -> float:
    """The same; a bare number is microseconds."""
    return _number(text, {"": 1e-6, **_SECONDS})


def share(text: str) -> float:
    """`5%` or `0.05`."""
    value = _number(text, {"": 1.0, "%": 0.01})
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def size(text: str) -> float:
    """Bytes: `10000`, `64kB`, `1MiB`."""
    return float(int(_number(text, _BYTES)))


def count(text: str) -> float:
    """A whole number from 1 on."""
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise ValueError(text)
    return float(text)


def rate(text: str) -> float:
    """Bytes a second: `56kbit`, `7kB/s`; a bare number is kilobytes a second."""
    value = _number(text, _RATES)
    if value <= 0:
        raise ValueError(text)
    return value


Read = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Kind:
    """One fault that there is."""

    value: str
    """What its value is called as an option."""
    does: str
    options: Mapping[str, tuple[Read, float]] = field(default_factory=dict)
    """Name -> how it is read, and its value when it is not given; None: it must be."""
    transports: tuple[Transport, ...] = (TCP, UDP)


_NEEDED: Final = -1.0


def _datagrams(does: str, **options: tuple[Read, float]) -> Kind:
    return Kind("probability", does, {"probability": (share, _NEEDED), **options}, (UDP,))


KINDS: Final[dict[str, Kind]] = {
    "latency": Kind(
        "latency",
        "everything goes on so much later, plus or minus the jitter",
        {"latency": (seconds, _NEEDED), "jitter": (seconds, 0.0)},
    ),
    "bandwidth": Kind("rate", "no more than so many bytes a second", {"rate": (rate, _NEEDED)}),
    "slicer": Kind(
        "average_size",
        "a stream is cut into pieces that go on one after the other",
        {
            "average_size": (size, _NEEDED),
            "size_variation": (size, 0.0),
            "delay": (slice_delay, 0.0),
        },
        (TCP,),
    ),
    "timeout": Kind(
        "timeout",
        "nothing gets through, and the flow is closed after that time (0: never)",
        {"timeout": (seconds, _NEEDED)},
    ),
    "reset_peer": Kind(
        "timeout",
        "the next bytes do not get through, and the connection is reset after that time",
        {"timeout": (seconds, 0.0)},
        (TCP,),
    ),
    "slow_close": Kind(
        "delay", "the end of a stream comes so much later", {"delay": (seconds, _NEEDED)}, (TCP,)
    ),
    "limit_data": Kind("bytes", "the flow ends after so many bytes", {"bytes": (size, _NEEDED)}),
    "loss": _datagrams("a datagram does not go on"),
    "duplicate": _datagrams("a datagram goes on twice"),
    "reorder": _datagrams(
        "a datagram goes on behind later ones (a second later at most)", behind=(count, 1.0)
    ),
    "corrupt": _datagrams("bits of a datagram are flipped", bits=(count, 1.0)),
}


@dataclass(frozen=True, slots=True)
class Spec:
    """One fault as the user wrote it."""

    text: str
    name: str
    values: Mapping[str, float]
    direction: Direction | None = None
    """None: both."""
    probability: float = 1.0
    """Of streams' faults: for each chunk or, where they are about the whole flow, for each flow."""
    seed: str = "0"
    protocol: str | None = None

    @property
    def kind(self) -> Kind:
        """What it does."""
        return KINDS[self.name]

    def strikes(self, transport: Transport, protocol: str, direction: Direction) -> bool:
        """Whether it is about that direction of such a flow."""
        return (
            transport in self.kind.transports
            and self.direction in (None, direction)
            and self.protocol in (None, protocol)
        )


def read_fault(text: str) -> Spec:
    """One fault; raises UserError."""
    head, *rest = [part.strip() for part in text.split(",")]
    head, _, way = head.partition("@")
    name, _, value = head.partition(":")
    name = name.strip().replace("-", "_")
    kind = KINDS.get(name)
    if kind is None:
        near = difflib.get_close_matches(name, KINDS, 1)
        known = f"did you mean {near[0]}?" if near else f"there are {', '.join(KINDS)}"
        raise UserError(f"there is no fault {name!r}: {known}")
    given = {kind.value: value} if value else {}
    for part in rest:
        option, equals, written = part.partition("=")
        written, at, late = written.partition("@")  # the direction may stand at the end as well
        way = late if at else way
        option = "probability" if option == "toxicity" else option
        if not equals or not (option in kind.options or option in ("probability", "seed", "on")):
            known = ", ".join([*kind.options, *({"probability", "seed", "on"} - {*kind.options})])
            raise UserError(f"{name} has no option {part!r}: it has {known}, each as NAME=VALUE")
        given[option] = written
    try:
        direction = Direction.parse(way) if way else None
    except ValueError as error:
        raise UserError(f"the fault {text!r}: {error}") from error
    seed, protocol = given.pop("seed", "0"), given.pop("on", None)
    own = "probability" in kind.options
    chance = 1.0 if own else _read(text, "probability", share, given.pop("probability", "1"))
    values = {option: default for option, (_, default) in kind.options.items()}
    for option, written in given.items():
        values[option] = _read(text, option, kind.options[option][0], written)
    if _NEEDED in values.values():
        raise UserError(
            f"the fault {text!r} lacks its value: write {name}:VALUE, of the form {FORM}"
        )
    return Spec(text.strip(), name, values, direction, chance, seed, protocol)


def _read(text: str, option: str, read: Read, written: str) -> float:
    try:
        return read(written)
    except ValueError:
        what = (read.__doc__ or "").strip().rstrip(".")
        raise UserError(
            f"the fault {text!r}: {option}={written} is not of the form {what}"
        ) from None


def read_file(path: Path) -> list[Spec]:
    """One fault on each line, `#` begins a comment; raises UserError."""
    found = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                found.append(read_fault(text))
            except UserError as error:
                raise UserError(f"{path}, line {number}: {error}") from error
    return found
