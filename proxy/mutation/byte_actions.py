"""The actions that spoil bytes: `truncate` and `corrupt`.

Without `raw` they spoil the values of fields, so that lengths and checksums can be made right; a
frame without fields is spoilt in its clear bytes. With `raw` they spoil what is on the wire.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from proxy.message import FieldError, Message, Opaque
from proxy.mutation.chance import Chance
from proxy.mutation.edits import DeleteField, Edit, SetField, leaf_spans
from proxy.mutation.occasion import Action, Done, Occasion, edited, on_wire, paths
from proxy.mutation.places import has
from proxy.mutation.reading import Given
from proxy.rules import Change
from recordings.text import flatten

TOO_LONG = 1 << 20
"""Bytes that a mutated frame may have at most."""


def truncate(given: Given) -> Action:
    """Keep so many bytes of a frame."""
    keep = given.whole(0, TOO_LONG, "the number of bytes to keep")

    def do(occasion: Occasion) -> Done:
        if given.raw:
            return on_wire(lambda wire: wire[:keep], occasion, f"truncate to {keep} bytes")
        message = occasion.message
        if len(message.encode()) <= keep:
            return None
        edits = _shortening(message, keep)
        if edits:
            return edited(given, occasion, edits, f"truncate to {keep} bytes: {paths(edits)}")
        return Change(Opaque(message.encode()[:keep])), f"truncate to {keep} bytes"

    return do


def _shortening(message: Message, keep: int) -> list[Edit]:
    """Edits that empty or shorten every text and bytes behind the first `keep` bytes."""
    edits: list[Edit] = []
    now = message
    for span in reversed(leaf_spans(message)):
        if span.end <= keep or not has(now, span.path):
            continue
        value = now.get(span.path)
        if not isinstance(value, str | bytes):
            continue
        short = value[: max(0, keep - span.start)]
        for edit in (SetField(span.path, short), DeleteField(span.path)):
            try:
                changed = edit.apply(now)
                if len(changed.encode()) < len(now.encode()):
                    now = changed
                    edits.append(edit)
                    break
            except (FieldError, ValueError, TypeError):
                continue
    return edits


def corrupt(given: Given) -> Action:
    """Turn so many bits of a frame."""
    bits = given.whole(1, 1 << 16, "the number of bits to turn")

    def do(occasion: Occasion) -> Done:
        if given.raw:
            turns = [occasion.chance.bits() for _ in range(bits)]
            return on_wire(partial(_turned, turns), occasion, f"corrupt {bits} bits on the wire")
        message = occasion.message
        edits: list[Edit] = []
        now = message
        for turn in range(bits + 8):
            if turn >= bits and now.encode() != message.encode():
                break  # the same bit may have been turned twice
            edit = _corrupted(now, occasion.chance)
            if edit is None:
                break
            edits.append(edit)
            now = edit.apply(now)
        if edits:
            return edited(given, occasion, edits, f"corrupt {paths(edits)}")
        turns = [occasion.chance.bits() for _ in range(bits)]
        return Change(Opaque(_turned(turns, message.encode()))), f"corrupt {bits} bits"

    return do


def _turned(turns: list[int], data: bytes) -> bytes:
    """Bits turned at places that follow from the numbers."""
    out = bytearray(data)
    for turn in turns if out else ():
        place = turn % (len(out) * 8)
        out[place // 8] ^= 1 << place % 8
    return bytes(out)


def _corrupted(message: Message, chance: Chance) -> SetField | None:
    """One bit of one field's value turned, so that what follows from it can be made right."""
    for path, _ in chance.shuffled([leaf for leaf in flatten(message.fields()) if leaf[1] != ""]):
        value, turn = message.get(path), [chance.bits()]
        if isinstance(value, bool) or not isinstance(value, int | str | bytes):
            continue
        if isinstance(value, int):
            new: Any = value ^ (1 << turn[0] % max(1, value.bit_length()))
        elif isinstance(value, bytes):
            new = _turned(turn, value)
        else:
            new = _turned(turn, value.encode("latin-1", "replace")).decode("latin-1")
        try:
            if SetField(path, new).apply(message).encode() != message.encode():
                return SetField(path, new)
        except (FieldError, ValueError, TypeError, LookupError):
            continue
    return None
