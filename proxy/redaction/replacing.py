"""What of a message tells who somebody is, and what stands in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import regex

from proxy.message import OPAQUE, FieldError, Message
from proxy.personal import CATEGORIES, category_of, plain_path
from proxy.protocol import Protocol
from proxy.redaction.pseudonyms import SHORTEST, Pseudonyms
from recordings.errors import UserError
from recordings.model import Json
from recordings.text import flatten

_EMAIL = regex.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said beyond the tables of the protocols."""

    keep: frozenset[str] = frozenset()
    """Categories, and fields as `KIND.PATH`."""
    also: Mapping[str, str] = field(default_factory=dict)
    """`KIND.PATH` -> category."""

    @classmethod
    def of(cls, keep: tuple[str, ...], also: tuple[str, ...]) -> Wishes:
        """Read `--keep` and `--also`; raises UserError."""
        for one in keep:
            if one not in CATEGORIES and "." not in one:
                known = ", ".join(CATEGORIES)
                raise UserError(f"--keep {one}: give KIND.FIELD, or one of {known}")
        more = {}
        for one in also:
            name, colon, category = one.partition(":")
            if "." not in name or (colon and category not in CATEGORIES):
                known = ", ".join(CATEGORIES)
                raise UserError(f"--also {one}: write KIND.FIELD or KIND.FIELD:CATEGORY ({known})")
            more[name] = category or "name"
        return cls(frozenset(keep), more)

    def category(self, protocol: Protocol, kind: str, path: str) -> str | None:
        """The category of a field, None where it is left alone."""
        path = plain_path(path)
        if {f"{kind}.{path}", f"*.{path}"} & self.keep:
            return None
        found = category_of(self.also, kind, path) or category_of(protocol.personal, kind, path)
        return None if found in self.keep else found


@dataclass(slots=True)
class Tally:
    """What was replaced: (protocol, field, category) -> how often; and what could not be."""

    replaced: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    frames: int = 0
    changed: int = 0
    opaque: int = 0
    """Frames that could not be read: only searched for values that are known."""
    hidden: int = 0
    """Of these, those that are enciphered: not even that."""
    stubborn: Counter[str] = field(default_factory=Counter)
    """Fields that could not be set."""


def members(message: Message) -> Iterator[tuple[str, str, str, Json]]:
    """Kind, path within it, path in the frame and value of every leaf; bundles taken apart."""
    fields = message.fields()
    bundle = fields.get("messages")
    if not isinstance(bundle, list):
        for path, value in flatten(fields):
            yield message.kind, path, path, value
        return
    for index, one in enumerate(bundle):
        if isinstance(one, dict):
            for path, value in flatten(one.get("fields")):
                kind = str(one.get("kind", message.kind))
                yield kind, path, f"messages[{index}].fields.{path}", value


class Replacer:
    """Replaces the values of fields, and what it knows of them in other texts."""

    def __init__(self, pseudonyms: Pseudonyms, wishes: Wishes) -> None:
        self.pseudonyms = pseudonyms
        self.wishes = wishes
        self.tally = Tally()
        self._finder: Any = None
        self._others: dict[str, str] = {}

    def learn(self, protocol: Protocol, message: Message) -> None:
        """Note what is personal in a message; before any is changed."""
        if message.kind == OPAQUE:
            return
        for kind, path, _, value in members(message):
            category = self.wishes.category(protocol, kind, path)
            if category and isinstance(value, str):
                for sort, part in self._parts(category, value):
                    self.pseudonyms.of(sort, part)

    def learn_address(self, text: str) -> None:
        """Note `host:port` of a flow."""
        if "address" not in self.wishes.keep:
            self.pseudonyms.of("address", text.rpartition(":")[0].strip("[]") or text)

    def ready(self) -> None:
        """All is learned: from now on texts are searched for it."""
        self._others = {
            value.lower(): other
            for category, value, other in self.pseudonyms.values()
            if len(value) >= SHORTEST.get(category, 5) and not value.isdecimal()
        }
        words = sorted(self._others, key=len, reverse=True)
        self._finder = regex.compile(
            r"(?<![A-Za-z0-9])(?:\L<words>)(?![A-Za-z0-9])", regex.IGNORECASE, words=words
        )

    def text(self, text: str) -> str:
        """A text with all that is known replaced, and every e-mail address."""
        if self._others:
            text = self._finder.sub(self._known, text)
        if "email" not in self.wishes.keep and "@" in text:
            taken = set(self._others.values())
            text = _EMAIL.sub(
                lambda m: m[0] if m[0].lower() in taken else self.pseudonyms.of("email", m[0]), text
            )
        return text

    def _known(self, match: Any) -> str:
        found = match[0]
        other = self._others.get(found.lower(), found)
        if len(other) != len(found):
            return str(found)
        pairs = zip(other, found, strict=True)
        return "".join(new.upper() if old.isupper() else new for new, old in pairs)

    def data(self, data: bytes) -> bytes:
        """Bytes that nobody could read, with all that is known replaced."""
        return self.text(data.decode("latin-1")).encode("latin-1", "replace")

    def message(self, protocol: Protocol, message: Message, *, texts: bool = True) -> Message:
        """The message with pseudonyms in it; of every field the length stays.

        `texts`: look into the fields that tell nothing by themselves as well.
        """
        for kind, path, place, value in list(members(message)):
            if not isinstance(value, str) or not value:
                continue
            category = self.wishes.category(protocol, kind, path)
            new = self._value(category, value) if category or texts else value
            if new == value or f"{kind}.{plain_path(path)}" in self.wishes.keep:
                continue
            name = f"{kind}.{plain_path(path)}"
            try:
                message = message.set(place, new)
            except (FieldError, ValueError, TypeError):
                self.tally.stubborn[f"{protocol.name} {name}"] += 1
                continue
            self.tally.replaced[protocol.name, name, category or "(in a text)"] += 1
        return message

    def _value(self, category: str | None, value: str) -> str:
        if category is None:
            return self.text(value)
        out, at = "", 0
        for sort, part in self._parts(category, value):
            start = value.index(part, at)
            out += value[at:start] + self.pseudonyms.of(sort, part)
            at = start + len(part)
        return out + value[at:]

    def _parts(self, category: str, value: str) -> list[tuple[str, str]]:
        """The values in a field: lists of names are split, a `nick@e-mail` is two things."""
        if category != "name":
            return [(category, value)]
        if _EMAIL.fullmatch(value):
            return [] if "email" in self.wishes.keep else [("email", value)]
        nick, _, email = value.partition("@")
        if _EMAIL.fullmatch(email):
            rest = [] if "email" in self.wishes.keep else [("email", email)]
            return [("name", nick), *rest] if nick else rest
        value = value.partition("/")[0]  # of persona/resource/product the first
        parts = regex.split(r"[,@\\ :]+", value)
        return [("name", part) for part in parts if part]
