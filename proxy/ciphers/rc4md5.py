"""RC4+MD5-V2, the stream cipher of later EA lobbies: frames with a MAC under RC4 (ea-lobby 4.4).

frame    kind 4, ident 4, length 4 (big-endian, the MAC included), body, MAC 8
MAC      the first 8 bytes of the MD5 of the clear frame before it
stream   one RC4 key stream per direction, over header, body and MAC of every frame
"""

from __future__ import annotations

import hashlib
import struct

NAME = "rc4+md5-v2"
"""What `Frame.cipher` and keys call it."""

MAC_SIZE = 8
_HEADER = 12


def mac(clear: bytes) -> bytes:
    """The MAC of a frame whose length already counts it."""
    return hashlib.md5(clear, usedforsecurity=False).digest()[:MAC_SIZE]


def add_mac(frame: bytes) -> bytes:
    """A clear frame without MAC to one with it, length corrected; still to be enciphered.

    A length field that is wrong on purpose stays as wrong as it was.
    """
    if len(frame) < _HEADER:
        return frame + mac(frame)
    (length,) = struct.unpack_from(">I", frame, 8)
    long = frame[:8] + struct.pack(">I", length + MAC_SIZE & 0xFFFFFFFF) + frame[_HEADER:]
    return long + mac(long)


def strip_mac(frame: bytes) -> tuple[bytes, str]:
    """A deciphered frame to (frame without MAC, length corrected; `ok` or what is wrong).

    A frame whose MAC is wrong or missing comes back as it was.
    """
    if len(frame) < _HEADER + MAC_SIZE:
        return frame, f"WRONG: a frame of {len(frame)} bytes has no room for it"
    clear, has = frame[:-MAC_SIZE], frame[-MAC_SIZE:]
    needs = mac(clear)
    if has != needs:
        return frame, f"WRONG: has {has.hex()}, needs {needs.hex()}"
    return clear[:8] + struct.pack(">I", len(clear)) + clear[_HEADER:], "ok"
