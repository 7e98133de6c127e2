"""Fields by name: `[[PROTOCOL.]KIND.]PATH`, against what the protocols declare.

In a bundle, a name with a kind means that field of every message of the kind; without one, of the
message that gives the bundle its kind.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proxy import registry
from proxy.layouts.bundle import Bundle
from proxy.message import FieldError, Message, split_path
from proxy.protocol import Field, Protocol
from recordings.filter_match import kind_matches, protocol_matches
from recordings.filter_syntax import Term

_INTEGER = re.compile(r"([iu])(8|16|32|64)(?:le|be)?(?:, may be missing)?")


@dataclass(frozen=True, slots=True)
class Place:
    """One reading of a field's name."""

    protocol: str | None
    kind: str | None
    path: str

    def speaks(self, protocol: str, kind: str) -> bool:
        """Whether this reading is about messages of that kind."""
        if self.protocol is not None and not protocol_matches(self.protocol)(protocol):
            return False
        return self.kind is None or kind_matches(self.kind)(kind)


@dataclass(frozen=True, slots=True)
class Name:
    """A field as the user wrote it, and what that may mean, the likeliest first."""

    text: str
    places: tuple[Place, ...]


def read_name(text: str) -> Name:
    """What a written name may mean; a head is a kind when some protocol has one of that name."""
    heads = text.split(".")
    places: list[Place] = []
    if len(heads) > 2 and heads[0] in registry.protocols():
        places.append(Place(heads[0], heads[1], ".".join(heads[2:])))
    elif len(heads) > 1 and _is_kind(heads[0]):
        places.append(Place(None, heads[0], ".".join(heads[1:])))
        if _is_field(heads[0]):
            places.append(Place(None, None, text))
    elif len(heads) > 1 and len(heads[0]) == 4 and not _is_field(heads[0]):
        places.append(Place(None, heads[0], ".".join(heads[1:])))  # a 4CC that no table has
    else:
        places.append(Place(None, None, text))
    return Name(text, tuple(places))


def _is_kind(name: str) -> bool:
    if "*" in name:
        return True
    return any(kind.name == name for one in registry.protocols().values() for kind in one.kinds)


def _is_field(name: str) -> bool:
    return any(
        _head(field.name) == name.casefold()
        for one in registry.protocols().values()
        for kind in one.kinds
        for field in kind.fields
    )


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a name leads in one message."""

    path: str
    """From the whole message."""
    message: Message
    """The message that has the field: the whole one, or one of a bundle."""
    inner: str
    """The path in that message."""
    by_kind: bool
    """Whether the name says which kind it is."""

    @property
    def there(self) -> bool:
        """Whether the message has the field now."""
        return has(self.message, self.inner)


def within(message: Message, protocol: str, name: Name) -> Iterator[Spot]:
    """Where a name may lead in a message; a field that is not there may be one to add."""
    for place in name.places:
        by_kind = place.kind is not None
        if by_kind and isinstance(message, Bundle):
            for index, one in enumerate(message.messages):
                if place.speaks(protocol, one.message.kind):
                    path = f"messages[{index}].fields.{place.path}"
                    yield Spot(path, one.message, place.path, by_kind)
        elif place.speaks(protocol, message.kind):
            yield Spot(place.path, message, place.path, by_kind)


def has(message: Message, path: str) -> bool:
    """Whether a message has the field now."""
    try:
        message.get(path)
    except (FieldError, LookupError, ValueError, TypeError):
        return False
    return True


# -- what is declared ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scope:
    """Which messages a rule's filter leaves: protocols and kinds that it asks for, if any."""

    protocols: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    @classmethod
    def of(cls, terms: Iterable[Term]) -> Scope:
        """What the terms of a filter ask for that must all hold."""
        found = list(terms)
        return cls(
            tuple(term.value for term in found if term.operator == "p"),
            tuple(term.value for term in found if term.operator == "k"),
        )

    def knows(self, protocol: Protocol) -> bool:
        """Whether frames of that protocol may be found."""
        return all(protocol_matches(one)(protocol.name) for one in self.protocols)

    def fields(self, place: Place) -> list[tuple[str, Field | None]]:
        """The declared fields of all kinds that a place may be in: (KIND, field).

        Where none declares any, each stands with None: it may have any.
        """
        kinds = [*self.kinds, *([place.kind] if place.kind is not None else [])]
        found: list[tuple[str, Field | None]] = []
        bare: list[tuple[str, Field | None]] = []
        for protocol in registry.protocols().values():
            if not self.knows(protocol):
                continue
            if place.protocol is not None and not protocol_matches(place.protocol)(protocol.name):
                continue
            for kind in protocol.kinds:
                if all(kind_matches(one)(kind.name) for one in kinds):
                    found += [(kind.name, field) for field in kind.fields]
                    bare += [] if kind.fields else [(kind.name, None)]
        return found or bare


def _head(path: str) -> str:
    steps = split_path(path)
    return str(steps[0]).casefold() if steps else ""


def declared(scope: Scope, name: Name) -> list[Field | None] | None:
    """The declared fields that a name may mean (None among them: any); None: there is none."""
    for number, place in enumerate(name.places):
        fields = scope.fields(place)
        if not fields and (place.kind is not None or scope.kinds):
            return [None]  # a kind that no table has: nothing is known of it
        wanted, exact = _head(place.path), _shape(place.path)
        same = [field for _, field in fields if field is None or _head(field.name) == wanted]
        if number and not any(field and _shape(field.name) == exact for field in same):
            continue  # `auth.NAM` is no part of some field `auth`
        if same:
            return [one for one in same if one is None or _shape(one.name) == exact] or [None]
    return None


def _shape(path: str) -> str:
    """A path without its indices, as tables write it: `users[].name`."""
    return re.sub(r"\[\d*\]", "[]", path).casefold()


def nearest(name: Name, known: Iterable[str]) -> str:
    """`; did you mean NAME?`, or the fields that there are, or nothing."""
    names = sorted(set(known))
    path = name.places[0].path
    by_lower = {one.casefold(): one for one in names}
    near = difflib.get_close_matches(path.casefold(), by_lower, 1, 0.5)
    if near:
        return f"; did you mean {by_lower[near[0]]}?"
    return f"; it has {', '.join(names[:12])}{' …' if len(names) > 12 else ''}" if names else ""


def declared_names(scope: Scope, name: Name) -> list[str]:
    """The declared names that a misspelt one may have meant."""
    return [field.name for _, field in scope.fields(name.places[0]) if field is not None]


def bounds(field: Field) -> tuple[int, int] | None:
    """The lowest and highest number that a declared field can hold, where its type tells."""
    found = _INTEGER.fullmatch(field.type)
    if not found:
        return None
    size = int(found[2])
    return (-(1 << size - 1), (1 << size - 1) - 1) if found[1] == "i" else (0, (1 << size) - 1)
