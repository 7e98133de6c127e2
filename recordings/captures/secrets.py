"""Secrets of a capture, by which other programs decipher it, as the text of an event and back.

The text is `TLSK: CLIENT_RANDOM ...`, the kind of secrets and what they are; bytes that are no text
are `0x` and hex digits.
"""

from __future__ import annotations

from recordings.captures.pcapng import secrets_kind

EVENT = "decryption-secrets"
"""The kind of the event, and of the remark that it comes from."""


def secrets_text(name: str, data: bytes) -> str:
    """What an event says."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return f"{name}: 0x{data.hex()}"
    return f"{name}: {text}"


def read_secrets(detail: str) -> tuple[int, bytes]:
    """The kind and the bytes; raises ValueError for what somebody else wrote."""
    name, colon, text = detail.partition(": ")
    if not colon:
        raise ValueError("no kind of secrets")
    if text.startswith("0x"):
        return secrets_kind(name), bytes.fromhex(text[2:])
    return secrets_kind(name), text.encode("utf-8", "surrogateescape")
