"""The proofs by which a GameSpy client and the presence server know each other (gamespy 2.2).

Both are MD5 over the hashed secret, 48 spaces, the user, the two challenges and the hashed secret
again; the client names its own challenge first, the server the server's.
"""

from __future__ import annotations

from hashlib import md5

FILLER = b" " * 48


def _digest(secret: bytes, user: bytes, first: bytes, second: bytes) -> bytes:
    hashed = _hex(secret)
    return _hex(hashed + FILLER + user + first + second + hashed)


def _hex(data: bytes) -> bytes:
    return md5(data, usedforsecurity=False).hexdigest().encode()


def response(secret: bytes, user: bytes, client_challenge: bytes, server_challenge: bytes) -> bytes:
    """`login.response`; the secret is the password, or the partner's challenge of a token."""
    return _digest(secret, user, client_challenge, server_challenge)


def proof(secret: bytes, user: bytes, client_challenge: bytes, server_challenge: bytes) -> bytes:
    """`lc.proof`, which the client checks."""
    return _digest(secret, user, server_challenge, client_challenge)
