"""The filters of GameSpy's server lists: SQL-like conditions, read, never executed (gamespy 6).

`(numplayers > 0 and mapname like '%arena%') or password=0`. A key that a server does not have is
an empty text; two numbers are compared as numbers, everything else as text without case. What is
not of this form is no filter: the caller then lists everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 4096
DEEPEST = 32
_TOKEN = re.compile(
    r"\s*(?:(<=|>=|<>|!=|==|[=<>()])|'((?:[^']|'')*)'|\"([^\"]*)\"|([^\s=<>!()'\"]+))"
)
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?")

Facts = Mapping[str, str]
Test = Callable[[Facts], bool]


class FilterError(ValueError):
    """A filter that cannot be read; the text says where."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False

    @property
    def constant(self) -> bool:
        """Whether it stands for itself, not for a key's value."""
        return self.quoted or _number(self.text) is not None

    def word(self) -> str:
        """Lower case of what is not quoted."""
        return "" if self.quoted else self.text.lower()


@lru_cache(maxsize=512)
def read_filter(text: str) -> Test:
    """A test of a server's keys; raises FilterError."""
    if len(text) > LONGEST:
        raise FilterError(f"a filter has {LONGEST} characters at most")
    if not text.strip():
        return lambda facts: True
    reader = _Reader(_tokens(text))
    test = reader.either(0)
    if reader.peek() is not None:
        raise FilterError(f"{reader.peek()} is one word too many")
    return test


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            raise FilterError(f"character {at}: {text[at]!r} begins no word")
        if found[2] is not None:
            tokens.append(_Token(found[2].replace("''", "'"), True))
        elif found[3] is not None:
            tokens.append(_Token(found[3], True))
        else:
            tokens.append(_Token(found[1] or found[4]))
        at = found.end()
    return tokens


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> str | None:
        """The next word; None at the end."""
        return self._tokens[self._at].word() if self._at < len(self._tokens) else None

    def take(self) -> _Token:
        """The next token; raises FilterError at the end."""
        if self._at >= len(self._tokens):
            raise FilterError("the filter ends too soon")
        self._at += 1
        return self._tokens[self._at - 1]

    def either(self, depth: int) -> Test:
        """Conditions joined by `or`."""
        tests = [self.both(depth)]
        while self.peek() == "or":
            self.take()
            tests.append(self.both(depth))
        return tests[0] if len(tests) == 1 else lambda facts: any(one(facts) for one in tests)

    def both(self, depth: int) -> Test:
        """Conditions joined by `and`."""
        tests = [self.single(depth)]
        while self.peek() == "and":
            self.take()
            tests.append(self.single(depth))
        return tests[0] if len(tests) == 1 else lambda facts: all(one(facts) for one in tests)

    def single(self, depth: int) -> Test:
        """One comparison, a bracket, or the opposite of one."""
        if depth > DEEPEST:
            raise FilterError(f"more than {DEEPEST} brackets in each other")
        token = self.take()
        if token.word() == "not":
            test = self.single(depth + 1)
            return lambda facts: not test(facts)
        if token.word() == "(":
            inner = self.either(depth + 1)
            if self.take().word() != ")":
                raise FilterError("a bracket is not closed")
            return inner
        return self._comparison(token)

    def _comparison(self, left: _Token) -> Test:
        word = self.take().word()
        if word == "is":
            opposite = self.peek() == "not"
            if opposite:
                self.take()
            if self.take().word() != "null":
                raise FilterError("only null can be asked for by is")
            return lambda facts: bool(_value(left, facts)) is opposite
        opposite = word == "not"
        if opposite:
            word = self.take().word()
        if word == "like":
            matches = _like(self.take().text)
            return lambda facts: matches(_value(left, facts)) is not opposite
        compare = _COMPARE.get(word)
        if compare is None or opposite:
            raise FilterError(f"{word!r} compares nothing")
        right = self.take()
        if right.constant and not left.constant:
            return _against(left.text, right.text, compare)
        return lambda facts: compare(_order(_value(left, facts), _value(right, facts)))


_COMPARE: dict[str, Callable[[int], bool]] = {
    "=": lambda order: order == 0,
    "==": lambda order: order == 0,
    "<>": lambda order: order != 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    ">": lambda order: order > 0,
    "<=": lambda order: order <= 0,
    ">=": lambda order: order >= 0,
}


def _value(token: _Token, facts: Facts) -> str:
    """Of a word: the key's value; numbers and what is quoted stand for themselves."""
    if token.constant:
        return token.text
    return facts.get(token.text, facts.get(token.text.lower(), ""))


def _against(key: str, text: str, compare: Callable[[int], bool]) -> Test:
    """A key compared with what stands for itself: by far the most frequent comparison."""
    folded = key.lower()

    def test(facts: Facts) -> bool:
        said = facts.get(key)
        if said is None:
            said = facts.get(folded, "")
        return compare(0 if said == text else _order(said, text))

    return test


@lru_cache(maxsize=16_384)
def _number(text: str) -> float | None:
    """The number that a text is; None: it is none."""
    return float(text) if len(text) < 32 and _NUMBER.fullmatch(text) else None


def _order(left: str, right: str) -> int:
    first, second = _number(left), _number(right)
    if first is not None and second is not None:
        return (first > second) - (first < second)
    one, two = left.lower(), right.lower()
    return (one > two) - (one < two)


def _like(pattern: str) -> Callable[[str], bool]:
    """SQL's LIKE in linear time: parts between `%` are looked for one behind the other."""
    parts = pattern.lower().split("%")

    def matches(text: str) -> bool:
        text = text.lower()
        if len(parts) == 1:
            return text == parts[0]
        if not text.startswith(parts[0]):
            return False
        at = len(parts[0])
        for part in parts[1:-1]:
            found = text.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return text.endswith(parts[-1]) and len(text) - len(parts[-1]) >= at

    return matches
