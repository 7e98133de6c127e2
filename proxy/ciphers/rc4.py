"""RC4, the one place where another's implementation of a cipher is used."""

from __future__ import annotations

from Crypto.Cipher import ARC4


class Rc4:
    """One continuous key stream; call it with the bytes in stream order, either way."""

    def __init__(self, key: bytes, *, drop: int = 0) -> None:
        """`key` has 1 to 256 bytes, else ValueError; the first `drop` stream bytes are not used."""
        if not 1 <= len(key) <= 256:
            raise ValueError(f"an RC4 key has 1 to 256 bytes, this one {len(key)}")
        self._cipher = ARC4.new(key, drop=drop)

    def __call__(self, data: bytes) -> bytes:
        """Encipher or decipher the next bytes of the stream."""
        return self._cipher.encrypt(data)


def rc4(key: bytes, data: bytes) -> bytes:
    """Encipher or decipher one piece of data under a fresh key stream; ValueError as `Rc4`."""
    return Rc4(key)(data)
