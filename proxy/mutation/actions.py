"""What a rule may do to a frame: one action each, made from its value in the TOML.

An action looks at one occasion and gives a `proxy.rules.Change` with a note of what it did, or
None when there was nothing to do. Values that cannot be are UserErrors when the rule is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.layouts.bundle import Bundle
from proxy.message import FieldError, Opaque
from proxy.mutation import fuzzing
from proxy.mutation.byte_actions import corrupt, truncate
from proxy.mutation.edits import DeleteField, Edit, SetField, apply, readable, show
from proxy.mutation.occasion import Action, Done, Occasion, edited, on_wire, paths
from proxy.mutation.places import Name, has, within
from proxy.mutation.reading import Given, replacing
from proxy.rules import DROP, Change, Unsealed
from recordings.errors import UserError
from recordings.text import flatten

# -- fields ----------------------------------------------------------------------------------------


def _set(given: Given) -> Action:
    values = given.names(given.table('a table of fields, such as { NAME = "alice" }'))

    def do(occasion: Occasion) -> Done:
        edits: list[Edit] = []
        notes = []
        for name, value in values:
            for spot in within(occasion.message, occasion.protocol, name):
                there = spot.there
                if not there and not given.may_add(name, spot.by_kind):
                    continue
                given.used.add(name.text)
                was = show(spot.message.get(spot.inner)) if there else "nothing"
                edit = SetField(spot.path, value)
                try:
                    apply([*edits, edit], occasion.message)
                except FieldError:
                    continue
                edits.append(edit)
                notes.append(f"{spot.path}: {was} -> {show(value)}")
                if not isinstance(occasion.message, Bundle):
                    break  # one reading is enough
        return edited(given, occasion, edits, f"set {', '.join(notes)}") if edits else None

    return do


def _delete(given: Given) -> Action:
    names = [name for name, _ in given.names(dict.fromkeys(given.texts()))]

    def do(occasion: Occasion) -> Done:
        edits: list[Edit] = []
        for name in names:
            spots = list(within(occasion.message, occasion.protocol, name))
            for spot in reversed(spots):  # the last first: indices stay right
                if spot.there:
                    given.used.add(name.text)
                    edits.append(DeleteField(spot.path))
        if not edits:
            return None
        return edited(given, occasion, edits, f"delete {paths(edits)}")

    return do


def _replace(given: Given) -> Action:
    swap, shown = replacing(given)
    field = given.field_name()

    def fields(occasion: Occasion) -> list[str]:
        message = occasion.message
        if field is not None:
            return [spot.path for spot in within(message, occasion.protocol, field)]
        return [path for path, value in flatten(message.fields()) if isinstance(value, str)]

    def do(occasion: Occasion) -> Done:
        if given.raw:
            return on_wire(swap, occasion, f"replace {shown} in the bytes on the wire")
        message = occasion.message
        edits: list[Edit] = []
        for path in fields(occasion):
            if not has(message, path):
                continue
            if field is not None:
                given.used.add(field.text)
            was = message.get(path)
            if isinstance(was, bytes):
                new: str | bytes = swap(was)
            else:
                new = swap(str(was).encode("latin-1", "replace")).decode("latin-1")
            if new != (was if isinstance(was, bytes) else str(was)):
                edits.append(SetField(path, new))
        if edits:
            return edited(given, occasion, edits, f"replace {shown} in {paths(edits)}")
        clear = message.encode()
        new_clear = swap(clear) if field is None else clear
        if new_clear == clear or (readable(message) and len(new_clear) != len(clear)):
            return None  # outside of the fields only bytes of the same number can be replaced
        return Change(Opaque(new_clear)), f"replace {shown} in the bytes"

    return do


# -- whole frames ----------------------------------------------------------------------------------


def _insert(given: Given) -> Action:
    data, before = given.insertion()
    made = Unsealed(data) if given.raw else Opaque(data)
    place = "before" if before else "behind"
    note = f"insert {len(data)} bytes {place} it: {show(data)}"

    def do(occasion: Occasion) -> Done:
        if before:
            return Change(occasion.message, before=(made,)), note
        return Change(occasion.message, after=(made,)), note

    return do


def _drop(given: Given) -> Action:
    given.true()
    return lambda occasion: (Change(DROP), "drop")


def _duplicate(given: Given) -> Action:
    copies = given.count_or_true(1000, "the number of copies")
    return lambda occasion: (
        Change(occasion.message, copies=copies),
        f"duplicate {copies} times" if copies > 1 else "duplicate",
    )


def _delay(given: Given) -> Action:
    seconds, jitter = given.seconds()

    def do(occasion: Occasion) -> Done:
        late = seconds + jitter * occasion.chance.below(1 << 32) / 2.0**32
        return Change(occasion.message, delay=late), f"delay by {late:.3f} s"

    return do


def _reorder(given: Given) -> Action:
    behind = given.count_or_true(1000, "the number of frames to let pass")
    note = f"reorder behind {behind} frame{'s' if behind > 1 else ''}"
    return lambda occasion: (Change(occasion.message, behind=behind), note)


def _fuzz(given: Given) -> Action:
    ways, names, changes = given.fuzzing(fuzzing.WAYS)

    def do(occasion: Occasion) -> Done:
        message = occasion.message
        touched = _touched(names, occasion, given) if names else None
        edits = fuzzing.propose(message, occasion.chance, ways=ways, paths=touched, changes=changes)
        if not edits:
            return None
        return edited(given, occasion, edits, f"fuzz {', '.join(map(str, edits))}")

    return do


def _touched(names: list[Name], occasion: Occasion, given: Given) -> Callable[[str], bool]:
    """Whether a path is one of the fields, or below one."""
    found: list[str] = []
    for name in names:
        for spot in within(occasion.message, occasion.protocol, name):
            if spot.there:
                given.used.add(name.text)
                found.append(spot.path)
    return lambda path: any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in found)


ACTIONS: Mapping[str, Callable[[Given], Action]] = {
    "set": _set,
    "replace": _replace,
    "delete": _delete,
    "insert": _insert,
    "drop": _drop,
    "duplicate": _duplicate,
    "delay": _delay,
    "reorder": _reorder,
    "truncate": truncate,
    "corrupt": corrupt,
    "fuzz": _fuzz,
}
"""Name in the TOML -> what makes the action of its value."""


def act(action: Action, occasion: Occasion, where: str) -> Done:
    """Do it; raises UserError that names the rule."""
    try:
        return action(occasion)
    except UserError:
        raise
    except (FieldError, ValueError, TypeError, LookupError, OverflowError) as error:
        raise UserError(f"{where}: {error}") from error
