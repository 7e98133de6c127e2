"""The grammar of frame filters: text to a tree, or an error that points at the column.

```
filter  := choice { choice }                  side by side = and, binding loosest, as in mitmproxy
choice  := both { "|" both }
both    := factor { "&" factor }
factor  := "!" factor | "(" filter ")" | "~" operator [operand] | kind
operand := word | "'" text "'" | '"' text '"'
```

A word runs to the next space or unmatched `)`. A `|` or `&` within it belongs to it (`~b red|blue`)
unless a space, the end, `~` or `!` follows.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from recordings.errors import UserError

LENGTH_LIMIT = 10_000
"""Characters of a filter."""
TERM_LIMIT = 200
"""Terms of a filter; SQLite's expressions are limited to a depth of 1,000."""
DEPTH_LIMIT = 50
"""Nesting of brackets and `!`."""

OPERATORS: dict[str, tuple[str, str]] = {
    "k": ("KIND", "frames with a message of that kind, * for anything: ~k login, ~k +*"),
    "f": ("FIELD", "frames with a field, compared by = != ~ < > <= >=: ~f NAME=alice"),
    "d": ("DIRECTION", "up (to the server) or down (to the client)"),
    "p": ("PROTOCOL", "frames of that protocol: ~p gamespy-*"),
    "b": ("REGEX", "frames whose deciphered bytes match"),
    "s": ("SESSION", "frames of the session with that number"),
    "flow": ("FLOW", "frames of the flow with that number"),
    "n": ("RANGE", "frames by their id: ~n 120, ~n 100-200, ~n 100-"),
    "e": ("", "frames with an error"),
    "changed": ("", "frames that were changed, dropped, inserted, doubled or delayed"),
    "src": ("REGEX", "frames of flows whose client address matches"),
    "dst": ("REGEX", "frames of flows whose server address or name matches"),
    "tcp": ("", "frames of TCP flows"),
    "udp": ("", "frames of UDP flows"),
    "all": ("", "every frame"),
}
"""Operator -> (what must follow it, what it finds)."""

COMPARISON = re.compile(r"!=|<=|>=|=|~|<|>")
_COMPARISON_APART = re.compile(r"\s+(!=|<=|>=|=|<|>|~(?=\s))\s*")
_OPERATOR = re.compile(r"~([A-Za-z]\w*)?")
_QUOTES = "'\""


@dataclass(frozen=True, slots=True)
class Term:
    """One operator with its operand; columns count from 1."""

    operator: str
    value: str
    column: int
    value_column: int


@dataclass(frozen=True, slots=True)
class Not:
    """Frames that the node does not find."""

    node: Node


@dataclass(frozen=True, slots=True)
class Every:
    """Frames that all nodes find."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Frames that at least one node finds."""

    nodes: tuple[Node, ...]


Node: TypeAlias = "Term | Not | Every | Any"


def _shown(text: str, column: int) -> str:
    """The filter with a mark below the column, cut to what fits a line."""
    start = max(0, column - 41)
    line = "".join(c if c.isprintable() else "." for c in text[start : start + 70])
    return f"  {line}\n  {' ' * (column - 1 - start)}^"


def fail(text: str, column: int, fact: str) -> NoReturn:
    """Raise the UserError that points at a column of the filter."""
    raise UserError(f"filter, column {column}: {fact}\n{_shown(text, column)}")


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.terms = 0

    def fail(self, at: int, fact: str) -> NoReturn:
        fail(self.text, at + 1, fact)

    def peek(self) -> str:
        """The next character that is no space, or "" at the end."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def filter(self) -> Node:
        nodes = [self.choice()]
        while self.peek() not in ("", ")"):
            nodes.append(self.choice())
        return nodes[0] if len(nodes) == 1 else Every(tuple(nodes))

    def choice(self) -> Node:
        nodes = [self.both()]
        while self.peek() == "|":
            self.at += 1
            nodes.append(self.both())
        return nodes[0] if len(nodes) == 1 else Any(tuple(nodes))

    def both(self) -> Node:
        nodes = [self.factor()]
        while self.peek() == "&":
            self.at += 1
            nodes.append(self.factor())
        return nodes[0] if len(nodes) == 1 else Every(tuple(nodes))

    def factor(self) -> Node:
        start, char = self.at, self.peek()
        if char in ("", ")", "|", "&"):
            self.missing(start, char)
        if char in ("!", "("):
            return self.nested(char)
        self.terms += 1
        if self.terms > TERM_LIMIT:
            self.fail(self.at, f"a filter has {TERM_LIMIT} terms at most: ask in two steps")
        return self.operator() if char == "~" else self.bare()

    def missing(self, start: int, char: str) -> NoReturn:
        if char == "":
            self.fail(start, "something must follow here, for instance ~k login")
        if char == ")" and not self.depth:
            self.fail(self.at, "this ) closes nothing: remove it or open it with (")
        cure = f"quote it, '{char}', if it is meant as text"
        self.fail(self.at, f"a term is missing before {char}: add one such as ~k login, or {cure}")

    def nested(self, char: str) -> Node:
        opened = self.at
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            self.fail(opened, f"brackets nest {DEPTH_LIMIT} deep at most: ask in two steps")
        self.at += 1
        if char == "!":
            node: Node = Not(self.factor())
        else:
            node = self.filter()
            if self.peek() != ")":
                self.fail(opened, "this ( is not closed: add a ) at the end")
            self.at += 1
        self.depth -= 1
        return node

    def operator(self) -> Term:
        start = self.at
        found = _OPERATOR.match(self.text, start)
        name = (found[1] or "").lower() if found else ""
        if name not in OPERATORS:
            self.unknown(start, name)
        self.at += 1 + len(name)
        wanted = OPERATORS[name][0]
        if not wanted:
            return Term(name, "", start + 1, start + 1)
        if self.peek() == "":
            self.fail(start, f"~{name} needs a {wanted}: {OPERATORS[name][1]}")
        at = self.at
        again = _OPERATOR.match(self.text, at)
        if again and (again[1] or "").lower() in OPERATORS:
            cure = f"quote it, ~{name} '{again[0]}', if that is the {wanted}"
            self.fail(start, f"~{name} needs a {wanted} before {again[0]}: {cure}")
        value = self.word(f"~{name}")
        if name == "f" and not COMPARISON.search(value):
            apart = _COMPARISON_APART.match(self.text, self.at)
            if apart:  # ~f NAME = alice
                self.at = apart.end()
                value += apart[1] + (self.word("the comparison") if self.peek() else "")
        return Term(name, value, start + 1, at + 1)

    def unknown(self, start: int, name: str) -> NoReturn:
        every = " ".join(f"~{one}" for one in OPERATORS)
        near = difflib.get_close_matches(name, OPERATORS, 1)
        hint = f"did you mean ~{near[0]}? There are" if near else "use one of"
        kind = f", or ~k ~{name} for a kind of that name" if name else ""
        self.fail(start, f"there is no operator ~{name}: {hint} {every}{kind}")

    def bare(self) -> Term:
        start = self.at
        value = self.word("the filter")
        if COMPARISON.search(value):
            self.fail(start, f"a field is asked for by ~f: write ~f {value[:60]}")
        return Term("k", value, start + 1, start + 1)

    def word(self, owner: str) -> str:
        """One operand from here on, its quotes taken off."""
        out: list[str] = []
        start, depth = self.at, 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in _QUOTES and (self.at == start or self.text[self.at - 1] in "=~<>"):
                out.append(self.quoted())
                continue
            if char.isspace() or (char == ")" and not depth) or self.joint(start):
                break
            depth += (char == "(") - (char == ")")
            out.append(char)
            self.at += 1
        if self.at == start:
            self.fail(start, f"{owner} needs an operand before {self.text[start]!r}")
        return "".join(out)

    def joint(self, start: int) -> bool:
        """Whether the | or & here joins two terms rather than belonging to the word."""
        if self.text[self.at] not in "|&":
            return False
        following = self.text[self.at + 1 : self.at + 2]
        return following == "" or following.isspace() or (self.at > start and following in "~!")

    def quoted(self) -> str:
        """A quoted text; a backslash keeps its meaning (regex) except before the quote."""
        opened, mark = self.at, self.text[self.at]
        out: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == mark:
                return "".join(out)
            if char == "\\" and self.text[self.at : self.at + 1] == mark:
                char = mark
                self.at += 1
            out.append(char)
        self.fail(opened, f"this quote is not closed: add a {mark} at the end")


def parse(text: str) -> Node:
    """The tree of a filter; raises UserError, which points at the column."""
    if len(text) > LENGTH_LIMIT:
        raise UserError(f"the filter has {len(text)} characters: {LENGTH_LIMIT} at most")
    if not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
        raise UserError("the filter holds bytes that are no text: write them as \\xNN in ~b")
    if not text.strip():
        raise UserError("the filter is empty: leave it out, or write one such as ~k login")
    parser = _Parser(text)
    node = parser.filter()
    if parser.peek():
        parser.missing(parser.at, parser.peek())
    return node
