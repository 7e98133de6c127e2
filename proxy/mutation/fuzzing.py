"""Changes that a reader may not expect: boundary numbers, long texts, broken lengths.

Field-aware: what is tried on a field follows from what it holds. A change is a list of edits, so
that a finding can be repeated, and made smaller by leaving edits out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from proxy.message import OPAQUE, FieldError, Message
from proxy.mutation.chance import Chance
from proxy.mutation.edits import DeleteField, Edit, Replaced, SetField, apply, leaf_spans, readable
from recordings.model import Json
from recordings.text import flatten

_ENDS = [1 << power for power in (0, 7, 8, 15, 16, 31, 32, 63, 64)]
NUMBERS = sorted({sign * end + step for end in _ENDS for sign in (1, -1) for step in (-1, 0, 1)})
"""On both sides of where sizes of integers end."""
LENGTHS = (1, 16, 64, 255, 256, 257, 1024, 4096, 16384)
FORMATS = ("%n%n%n%n", "%s%s%s%s%s%s", "%x" * 32, "{0}{1}", "$(id)", "%%", "%00", "${jndi:x}")
MARKS = (
    "\\",
    "\\final\\",
    "\n",
    "\r\n",
    "\t",
    "=",
    '"',
    "'",
    "\0",
    "|",
    ",",
    ";--",
    "../../..",
    "<>",
)

Tries = Iterator[Any]


def _numbers(value: Json, chance: Chance) -> Tries:
    """Numbers where their size ends, as number or as text of one."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return
    text = isinstance(value, str)
    if text and not str(value).lstrip("-").isdigit():
        return
    number = int(value) if len(str(value)) < 30 else 0
    for one in chance.shuffled([*NUMBERS, number + 1, number - 1, -number, number * 2]):
        yield str(one) if text else one
    if text:
        yield from chance.shuffled(["", "-", "1e9", "0x10", " 1", "1.5", "9" * 40, "NaN"])


def _texts(value: Json, chance: Chance) -> Tries:
    """Texts that are long, empty, doubled, or hold what ends a text."""
    if not isinstance(value, str):
        return
    for length in chance.shuffled(LENGTHS):
        yield chance.pick("AZ0 \xff") * length
    yield from chance.shuffled(["", value * 2, value[:-1], value[::-1], value.swapcase()])


def _formats(value: Json, chance: Chance) -> Tries:
    """What a careless program takes for a format or a command."""
    if isinstance(value, str):
        yield from (value + one for one in chance.shuffled(FORMATS))


def _marks(value: Json, chance: Chance) -> Tries:
    """Characters that mean something in the protocol itself."""
    if isinstance(value, str):
        for one in chance.shuffled(MARKS):
            place = chance.below(len(value) + 1)
            yield value[:place] + one + value[place:]


def _flags(value: Json, chance: Chance) -> Tries:
    """One bit of a number the other way."""
    if isinstance(value, int) and not isinstance(value, bool):
        for bit in chance.shuffled(range(max(8, value.bit_length()))):
            yield value ^ (1 << bit)
    elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        for bit in chance.shuffled(range(max(8, int(value).bit_length()))):
            yield str(int(value) ^ (1 << bit))


def _missing(value: Json, chance: Chance) -> Tries:
    """The field left out."""
    yield _DELETE


_DELETE = object()

FIELD_WAYS: dict[str, Callable[[Json, Chance], Tries]] = {
    "numbers": _numbers,
    "texts": _texts,
    "formats": _formats,
    "marks": _marks,
    "flags": _flags,
    "missing": _missing,
}
BYTE_WAYS = ("lengths", "bits", "cut")
WAYS = (*FIELD_WAYS, *BYTE_WAYS)
"""What may be tried, by name."""


def propose(
    message: Message,
    chance: Chance,
    *,
    ways: Sequence[str] = WAYS,
    paths: Callable[[str], bool] | None = None,
    changes: int = 1,
) -> list[Edit]:
    """Edits to try on a message; fewer than `changes` when it offers no more.

    `paths` says which fields may be touched. Edits of bytes come last: they leave only bytes.
    """
    edits: list[Edit] = []
    now = message
    for _ in range(changes):
        edit = _one(now, chance, ways, paths)
        if edit is None:
            break
        edits.append(edit)
        now = apply([edit], now)
        if now.kind == OPAQUE:
            break
    return edits


def _one(
    message: Message, chance: Chance, ways: Sequence[str], paths: Callable[[str], bool] | None
) -> Edit | None:
    for way in chance.shuffled(ways):
        if way in FIELD_WAYS and readable(message):
            edit = _of_field(message, chance, FIELD_WAYS[way], paths)
        elif way in BYTE_WAYS and paths is None:
            edit = _of_bytes(message, chance, way)
        else:
            continue
        if edit is not None:
            return edit
    return None


def _of_field(
    message: Message,
    chance: Chance,
    tries: Callable[[Json, Chance], Tries],
    paths: Callable[[str], bool] | None,
) -> Edit | None:
    """The first try that some field takes; fields in an order of chance."""
    clear = message.encode()
    fields = [
        (path, value) for path, value in flatten(message.fields()) if not paths or paths(path)
    ]
    for path, value in chance.shuffled(fields):
        for new in tries(value, chance):
            edit: Edit = DeleteField(path) if new is _DELETE else SetField(path, new)
            try:
                if edit.apply(message).encode() != clear:
                    return edit
            except (FieldError, ValueError, TypeError, LookupError, OverflowError):
                continue
    return None


def _of_bytes(message: Message, chance: Chance, way: str) -> Edit | None:
    clear = message.encode()
    if not clear:
        return None
    if way == "cut":
        keep = chance.below(len(clear))
        return Replaced(keep, len(clear) - keep, b"")
    covered = {at for span in leaf_spans(message) for at in range(span.start, span.end)}
    bare = [at for at in range(len(clear)) if at not in covered]  # lengths, tags, checksums
    places = bare if way == "lengths" and bare else range(len(clear))
    at = chance.pick(places)
    flipped = clear[at] ^ (1 << chance.below(8))
    other = chance.pick((0, 1, 0x7F, 0x80, 0xFF, (clear[at] + 1) & 0xFF, flipped))
    return Replaced(at, 1, bytes([flipped if way == "bits" or other == clear[at] else other]))
