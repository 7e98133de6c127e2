"""The PASS field of the EA lobby: which cipher made it, and how to make it anew (ea-lobby 4.1).

    ~text    SSC2 under the session key (`skey`)
    $hex     the mask stream under the `@dir` reply's MASK when that is known and the result can be
             typed, else plain RC4 under the session key when that can be typed, else unknown

The keys are those of the session by name, `skey` and `mask`, and what the user gave for `ssc2`,
`rc4` and `mask`; the newest is tried first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from proxy.ciphers import mask, ssc2
from proxy.ciphers.rc4 import rc4
from proxy.keys import SessionKeys
from proxy.layouts.tagvalues import binary
from recordings.model import Direction, Key

FORMS = {"ssc2": ("ssc2", "mask"), "rc4": ("rc4", "mask"), "mask": ("mask",)}
"""Cipher -> the forms that a client of a session takes, the first whose key there is."""

_TRIES = 8
"""Keys that are tried: SSC2 takes two milliseconds for each, and a peer can announce many."""

_NO_MARK = "unknown: no end mark, so it has 30 characters or the key is another one"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a PASS value holds, or why that is unknown."""

    check: str
    """`ok`, or `unknown:` and why."""
    cipher: str | None = None
    """`ssc2`, `mask` or `rc4`; None: not deciphered."""
    key: bytes = b""
    password: bytes = b""
    note: str = ""
    """What else it might be."""


_BARE = re.compile(r"[0-9A-Fa-f]{32}")


def announced(value: str) -> Key | None:
    """The session key that the server's SKEY gives, None for `0` and the like.

    The client reads `$hex` only. Bare hex it ignores, but a program that follows other documents
    may take that for an RC4 key.
    """
    key = binary(value)
    if key:
        return Key("skey", key, "ssc2", Direction.TO_SERVER)
    if _BARE.fullmatch(value):
        return Key("skey", bytes.fromhex(value), "rc4", Direction.TO_SERVER)
    return None


def _known(keys: SessionKeys, name: str, cipher: str) -> list[bytes]:
    """Keys of that name, and those that the user gave for the cipher, newest first."""
    other = "rc4" if cipher == "ssc2" else ""  # a key for RC4 alone is none for SSC2
    fits = [
        k.key
        for k in keys
        if (k.name == name and k.cipher != other) or (k.source == "given" and k.cipher == cipher)
    ]
    return list(dict.fromkeys(reversed(fits)))[:_TRIES]


def _buffer(key: bytes) -> bytes:
    """The session key as the client's buffer of 16 bytes holds it."""
    return key[:16].ljust(16, b"\0")


def _typed(password: bytes) -> bool:
    return all(32 <= octet <= 126 for octet in password)


def _open_text(value: str, keys: SessionKeys) -> Iterator[Opened]:
    wire = value[1:].encode("latin-1")
    for key in _known(keys, "skey", "ssc2"):
        password, ended = ssc2.decipher(_buffer(key), wire)
        yield Opened("ok" if ended else _NO_MARK, "ssc2", key, password)


def _open_hex(value: str, keys: SessionKeys) -> Iterator[Opened]:
    wire = bytes.fromhex(value[1:])
    for key in _known(keys, "mask", "mask"):
        yield Opened("ok", "mask", key, mask.decipher(key, wire))
    for key in _known(keys, "skey", "rc4") if wire else ():
        yield Opened("ok", "rc4", key, rc4(key, wire))


_OPENERS = {"~": _open_text, "$": _open_hex}


def enciphered(value: str) -> bool:
    """Whether a PASS value has one of the enciphered forms."""
    return value[:1] in _OPENERS


def open_password(value: str, keys: SessionKeys) -> Opened:
    """What a PASS value in an enciphered form holds; never raises."""
    try:
        found = [one for one in _OPENERS[value[0]](value, keys) if _typed(one.password)]
    except ValueError as error:
        return Opened(f"unknown: {error}")
    found.sort(key=lambda one: one.check != "ok")
    if not found:
        seen = [name for name in ("skey", "mask") if keys.find(name)]
        fact = f"no {' or '.join(seen)} gives a text that can be typed"
        return Opened(f"unknown: {fact if seen else 'no skey and no mask was seen'}")
    first = found[0]
    others = {one.cipher for one in found[1:] if one.password != first.password} - {"ssc2"}
    note = f"could also be {' or '.join(sorted(map(str, others)))}" if others else ""
    return Opened(first.check, first.cipher, first.key, first.password, note)


def lock_password(password: bytes, cipher: str, keys: SessionKeys, encoder: ssc2.Encoder) -> str:
    """A password to its PASS value, as a client of this session would send it.

    The form is that of `cipher`; where the session has no key for it, or one that starts with 00,
    it is the mask stream, like the client's choice.
    """
    skeys = _known(keys, "skey", cipher)
    masks = _known(keys, "mask", "mask")
    usable = {"mask": True, "rc4": bool(skeys), "ssc2": bool(skeys) and skeys[0][0] != 0}
    form = next(one for one in FORMS[cipher] if usable[one])
    if form == "ssc2":
        return "~" + encoder.encipher(_buffer(skeys[0]), password).decode("latin-1")
    if form == "rc4":
        return "$" + rc4(skeys[0], password).hex()
    return "$" + mask.encipher(masks[0] if masks else mask.DEFAULT, password).hex()
