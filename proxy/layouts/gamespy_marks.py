"""The first bytes by which GameSpy's datagrams are told apart where several share a socket.

Source: gamespy 5.1, 10, 13.
"""

from __future__ import annotations

NATNEG = bytes.fromhex("fdfc1e666ab2")
GT2 = b"\xfe\xfe"
QR2 = b"\xfe\xfd"
"""Of QR2 only what goes to a game server."""

OWNERS = {NATNEG: "gamespy-natneg", GT2: "gamespy-gt2", QR2: "gamespy-query"}


def owner(data: bytes) -> str | None:
    """The protocol that a datagram belongs to, None when its first bytes do not say."""
    return next((name for mark, name in OWNERS.items() if data.startswith(mark)), None)
