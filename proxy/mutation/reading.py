"""Values of a rule, checked: every fault is a UserError that names the file and the rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NoReturn

from proxy.message import split_path
from proxy.mutation.places import (
    Name,
    Scope,
    bounds,
    declared,
    declared_names,
    nearest,
    read_name,
)
from recordings.errors import UserError
from recordings.filter_values import SlowSearch

REGEX_SECONDS = 0.25
"""What one replacement may take; a relay waits meanwhile."""
SECONDS_LIMIT = 3600.0

Swap = Callable[[bytes], bytes]


@dataclass(slots=True)
class Given:
    """The value of a rule's action, and what else its rule says that bears on it."""

    where: str
    """`rules.toml, rule 2`."""
    action: str
    value: Any
    scope: Scope = field(default_factory=Scope)
    raw: bool = False
    add: bool = False
    """Whether fields may be added that no table declares."""
    live: bool = False
    """Whether a name that no table has is refused at once: later is in the midst of a game."""
    fields: list[Name] = field(default_factory=list)
    """Every field that the rule names."""
    used: set[str] = field(default_factory=set)
    """Names that led to a field so far."""
    doubtful: dict[str, Name] = field(default_factory=dict)
    """Names that no table declares: an error unless they turn out to exist."""

    def fail(self, fact: str) -> NoReturn:
        """Raise the UserError that names the rule."""
        raise UserError(f"{self.where}: {fact}")

    # -- plain values --

    def table(self, form: str) -> dict[str, Any]:
        """The value as a table."""
        if not isinstance(self.value, dict) or not self.value:
            self.fail(f"{self.action} needs {form}")
        return self.value

    def only(self, table: dict[str, Any], keys: Iterable[str]) -> None:
        """Refuse keys of the table that mean nothing."""
        known = list(keys)
        for key in table:
            if key not in known:
                near = get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
                self.fail(f"{self.action} knows no {key!r}: {hint}")

    def whole(self, low: int, high: int, what: str, value: Any = None) -> int:
        """A whole number within bounds."""
        given = self.value if value is None else value
        if isinstance(given, bool) or not isinstance(given, int) or not low <= given <= high:
            self.fail(f"{self.action} = {given!r} is not {what}: give {low} to {high}")
        return given

    def count_or_true(self, high: int, what: str) -> int:
        """A number from 1 on, or true for 1."""
        return 1 if self.value is True else self.whole(1, high, what)

    def true(self) -> None:
        """The value must be true."""
        if self.value is not True:
            self.fail(f"{self.action} = {self.value!r} says nothing: write {self.action} = true")

    def texts(self, value: Any = None) -> list[str]:
        """A text, or a list of texts."""
        given = self.value if value is None else value
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
            self.fail(f"{self.action} needs the name of a field, or a list of names")
        return texts

    def seconds(self) -> tuple[float, float]:
        """Seconds, and how many more at most."""
        table = self.value if isinstance(self.value, dict) else {"seconds": self.value}
        self.only(table, ("seconds", "jitter"))
        found = []
        for key in ("seconds", "jitter"):
            number = table.get(key, 0)
            right = isinstance(number, int | float) and not isinstance(number, bool)
            if not right or not 0 <= number <= SECONDS_LIMIT:
                self.fail(f"delay cannot be {number!r} s: give 0 to {SECONDS_LIMIT:g}")
            found.append(float(number))
        if not any(found):
            self.fail("delay = 0 delays nothing: give seconds, such as 0.5")
        return found[0], found[1]

    # -- fields --

    def names(self, values: dict[str, Any]) -> list[tuple[Name, Any]]:
        """Names of fields with their values, both checked against what is declared."""
        return [(self.name(text, value), value) for text, value in values.items()]

    def name(self, text: str, value: Any = None) -> Name:
        """One name, and whether a value fits the field where its type is declared."""
        if not text.strip() or not split_path(text):
            self.fail(f"{text!r} is no field: write it like NAME or users[0].name")
        name = read_name(text)
        self.fields.append(name)
        fields = declared(self.scope, name)
        if fields is None and not self.add:
            if self.live:
                self.unknown(name)
            self.doubtful[name.text] = name
        if value is not None and fields and None not in fields:
            self._fits(text, value, [one for one in fields if one is not None])
        return name

    def unknown(self, name: Name, seen: Iterable[str] = ()) -> NoReturn:
        """Say that a field does not exist, and which one nearest to it does."""
        kinds = [place.kind for place in name.places if place.kind] or list(self.scope.kinds)
        owner = kinds[0] if kinds else "no kind of message"
        path = next((p.path for p in name.places if p.kind == owner), name.text)
        verb = "has no" if kinds else "has a"
        hint = nearest(name, [*declared_names(self.scope, name), *seen])
        cure = "" if self.action != "set" else " (a rule with add = true adds it all the same)"
        self.fail(f"{owner} {verb} field {path}{hint}{cure}")

    def _fits(self, text: str, value: Any, fields: Sequence[Any]) -> None:
        limits = [bounds(one) for one in fields]
        if isinstance(value, float | dict | list | None) or None in limits:
            return
        try:
            number = int(value, 0) if isinstance(value, str) else int(value)
        except ValueError:
            words = f"{text} is a number ({fields[0].type})"
            if not fields[0].meaning and not any(one.meaning for one in fields):
                self.fail(f"{words}: {value!r} is none")
            return  # it may be the name of a value
        if not any(limit and limit[0] <= number <= limit[1] for limit in limits):
            low, high = limits[0] or (0, 0)
            self.fail(f"{text} = {number} does not fit {fields[0].type}: give {low} to {high}")

    def may_add(self, name: Name, by_kind: bool) -> bool:
        """Whether a field that a message lacks may be added to it."""
        if self.add:
            return True
        return (by_kind or bool(self.scope.kinds)) and name.text not in self.doubtful

    def field_name(self) -> Name | None:
        """The field that the value's table names by `field`."""
        text = self.value.get("field") if isinstance(self.value, dict) else None
        if text is None:
            return None
        if not isinstance(text, str):
            self.fail(f"field = {text!r} is no name of a field")
        return self.name(text)

    # -- tables of actions --

    def insertion(self) -> tuple[bytes, bool]:
        """The clear bytes to insert, and whether before the frame."""
        table = self.table('a table such as { hex = "0a0b", at = "after" }')
        self.only(table, ("hex", "text", "at"))
        at = table.get("at", "after")
        if at not in ("before", "after"):
            self.fail(f'at = {at!r} is no place: write "before" or "after"')
        given = [key for key in ("hex", "text") if key in table]
        if len(given) != 1:
            self.fail("insert needs one of hex and text")
        return self.data(given[0], table[given[0]]), at == "before"

    def data(self, key: str, value: Any) -> bytes:
        """Bytes written as hex or as Latin-1 text."""
        if not isinstance(value, str):
            self.fail(f"{key} = {value!r} is no text: put it in quotes")
        try:
            return bytes.fromhex(value) if key == "hex" else value.encode("latin-1")
        except ValueError as error:
            cure = "write two hex digits a byte" if key == "hex" else "use hex for other characters"
            self.fail(f"{key} = {value[:40]!r} cannot be read ({error}): {cure}")

    def fuzzing(self, known: Sequence[str]) -> tuple[list[str], list[Name], int]:
        """The ways to try, the fields to try them on, how many changes."""
        if self.value is True:
            return list(known), [], 1
        table = self.table('true, or a table such as { ways = ["numbers"], fields = ["NAME"] }')
        self.only(table, ("ways", "fields", "changes"))
        ways = self.texts(table.get("ways", list(known)))
        for way in ways:
            if way not in known:
                self.fail(f"{way!r} is no way to fuzz: there are {', '.join(known)}")
        names = (
            [self.name(text) for text in self.texts(table["fields"])] if "fields" in table else []
        )
        return ways, names, self.whole(1, 100, "a number of changes", table.get("changes", 1))


def replacing(given: Given) -> tuple[Swap, str]:
    """What does the `replace` of a rule to some bytes, and what to call it."""
    table = given.table('a table such as { regex = "alice", with = "bob" }')
    given.only(table, ("regex", "hex", "text", "with", "field", "times"))
    ways = [key for key in ("regex", "hex", "text") if key in table]
    if len(ways) != 1 or "with" not in table:
        given.fail("replace needs one of regex, hex and text, and with")
    way, wanted = ways[0], table[ways[0]]
    times = given.whole(1, 1 << 16, "a number of times", table["times"]) if "times" in table else 0
    if way == "regex":
        return _by_regex(given, wanted, table["with"], times), f"/{wanted}/"
    old, new = given.data(way, wanted), given.data(way, table["with"])
    if not old:
        given.fail(f"replace needs something to look for: {way} is empty")
    return lambda data: data.replace(old, new, times or -1), repr(wanted)


def _by_regex(given: Given, wanted: Any, instead: Any, times: int) -> Swap:
    import regex

    pattern, template = given.data("text", wanted), given.data("text", instead)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = regex.compile(pattern, regex.DOTALL)
        compiled.sub(template, b"")  # a template that names no group fails only when one is found
        regex.compile(pattern + b"|", regex.DOTALL).sub(template, b"", count=1)
    except (regex.error, IndexError, OverflowError, RecursionError) as error:
        cure = r"to mean a special character itself put \ before it"
        given.fail(f"{wanted!r} with {instead!r} is no regular expression ({error}): {cure}")

    def swap(data: bytes) -> bytes:
        try:
            done: bytes = compiled.sub(template, data, count=times, timeout=REGEX_SECONDS)
        except TimeoutError:
            raise SlowSearch(
                f"{given.where}: the regular expression {wanted!r} took over {REGEX_SECONDS:g} s: "
                "use a simpler one, without one repetition inside another"
            ) from None
        return done

    return swap
