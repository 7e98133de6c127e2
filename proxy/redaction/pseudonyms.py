"""Pseudonyms: as long as what they stand for, of the same shape, the same at every place.

A letter stands for a letter (a vowel for a vowel, so that names stay readable), a digit for a
digit, and everything else for itself. Who does not have the secret cannot compute them.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Callable, Iterator

VOWELS = "aeiou"
CONSONANTS = "bcdfghjklmnpqrstvwxz"
TRIES = 50
LONG_HEX = 16
"""Characters from which on hexadecimal digits are no word."""
SHORTEST = {"name": 4, "email": 5, "address": 7, "password": 5, "mac": 8, "cdkey": 8}
"""Characters of a value from which on it is looked for in other texts as well."""

_QUAD = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}")
_HEX = re.compile(r"[0-9a-fA-F:.$-]+")
_KEPT = ("0.0.0.0", "255.255.255.255", "localhost", "::", "::1")  # noqa: S104


class Pseudonyms:
    """Every value that was replaced, and by what; `secret` makes them."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._known: dict[tuple[str, str], str] = {}
        self._taken: dict[str, set[str]] = {}

    def values(self) -> Iterator[tuple[str, str, str]]:
        """Category, value and pseudonym of everything so far."""
        for (category, value), other in self._known.items():
            yield category, value, other

    def of(self, category: str, value: str) -> str:
        """The pseudonym of a value; of names and addresses whatever their case."""
        key = value if category == "password" else value.lower()
        if not any(char.isalnum() for char in value) or value.lower() in _KEPT:
            return value
        other = self._known.get((category, key))
        if other is None:
            other = self._known[category, key] = self._new(category, key)
        return _cased(other, value)

    def _new(self, category: str, value: str) -> str:
        make = _MAKERS.get(category, _text)
        taken = self._taken.setdefault(category, set())
        other = value
        for attempt in range(TRIES):
            other = make(value, self._stream(f"{category}\0{value}\0{attempt}"))
            if other != value and other not in taken:
                break
        taken.add(other)
        return other

    def _stream(self, seed: str) -> Iterator[int]:
        block = 0
        while True:
            data = f"{seed}\0{block}".encode("utf-8", "surrogatepass")
            yield from hmac.digest(self._secret, data, "sha256")
            block += 1


def _cased(text: str, like: str) -> str:
    if len(text) != len(like):
        return text
    pairs = zip(text, like, strict=True)
    return "".join(new.upper() if old.isupper() else new for new, old in pairs)


def _text(value: str, random: Iterator[int]) -> str:
    if len(value) >= LONG_HEX and _HEX.fullmatch(value):
        return _hex(value, random)
    return "".join(_char(char, random) for char in value)


def _char(char: str, random: Iterator[int]) -> str:
    if not char.isascii() or not char.isalnum():
        return char if not char.isalpha() else CONSONANTS[next(random) % len(CONSONANTS)]
    if char.isdigit():
        return str(next(random) % 10)
    letters = VOWELS if char.lower() in VOWELS else CONSONANTS
    other = letters[next(random) % len(letters)]
    return other.upper() if char.isupper() else other


def _email(value: str, random: Iterator[int]) -> str:
    """The end of the domain stays, so that it still looks like one."""
    head, dot, end = value.rpartition(".")
    return _text(head, random) + dot + end if "@" in head else _text(value, random)


def _hex(value: str, random: Iterator[int]) -> str:
    """Hexadecimal digits stay such: what reads binary must still read it."""
    if not _HEX.fullmatch(value):
        return _text(value, random)
    return "".join(
        "0123456789abcdef"[next(random) % 16] if char.isalnum() else char for char in value
    )


def _address(value: str, random: Iterator[int]) -> str:
    """An address of as many characters; a port behind it, or the name of a host, stays."""
    host, colon, port = value.rpartition(":") if value.count(":") == 1 else (value, "", "")
    if _QUAD.fullmatch(host):
        octets = host.split(".")
        if octets[0] in ("0", "127", "255"):
            return value
        made = [_octet(len(one), random, first=at == 0) for at, one in enumerate(octets)]
        return ".".join(made) + colon + port
    try:
        ipaddress.IPv6Address(value.strip("[]"))
    except ValueError:
        return value  # the name of a host is no secret of a player's
    return "".join(
        "123456789abcdef"[next(random) % 15] if char.isalnum() else char for char in value
    )


def _octet(digits: int, random: Iterator[int], *, first: bool) -> str:
    if first and digits > 1:  # ranges that belong to nobody: 10 and 240 to 254
        return "10" if digits == 2 else str(240 + next(random) % 15)
    low, high = {1: (1, 9), 2: (11, 99), 3: (100, 254)}[digits]
    return str(low + next(random) % (high - low + 1))


_MAKERS: dict[str, Callable[[str, Iterator[int]], str]] = {
    "email": _email,
    "address": _address,
    "mac": _hex,
    "cdkey": _hex,
}
