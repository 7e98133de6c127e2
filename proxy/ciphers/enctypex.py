"""EncTypeX, the cipher of a Server Browser list, and the card cipher under it (gamespy 6.4).

The list starts with a clear prefix: a length XOR EC, that many bytes of which the first two are the
backend's flags, a length XOR EA, that many bytes of server key. Everything behind it, for the life
of the connection, is one stream of the card cipher, keyed by the game's secret, the client's
challenge and the server key together. The cipher feeds its plain text back, so that a byte changed
in the middle changes all that follow: a rewritten stream has to be enciphered as a whole.
"""

from __future__ import annotations

from typing import NamedTuple

from proxy.message import WireError

CHALLENGE_LENGTH = 8
FLAGS_MASK = 0xEC  # gamespy 6.3
KEY_MASK = 0xEA
RETRIES = 11  # tries before a card is taken modulo the limit


def mix_key(secret: bytes, challenge: bytes, server_key: bytes) -> bytes:
    """The eight bytes that key the card cipher. Raises ValueError for an empty secret."""
    if not secret or len(challenge) != CHALLENGE_LENGTH:
        raise ValueError("EncTypeX needs a secret and a challenge of 8 bytes")
    mixed = bytearray(challenge)
    for i, byte in enumerate(server_key):
        mixed[(i * secret[i % len(secret)]) % 8] ^= mixed[i % 8] ^ byte
    return bytes(mixed)


class CardCipher:
    """A pack of 256 cards, shuffled by every byte that passes: one direction of one stream."""

    __slots__ = ("_cards", "_state")

    def __init__(self, key: bytes) -> None:
        cards, total = _shuffled(key)
        self._cards = cards
        # rotor, ratchet, avalanche, last plain, last cipher
        self._state = (cards[1], cards[3], cards[5], cards[7], cards[total])

    def decrypt(self, data: bytes) -> bytes:
        """The next bytes of the stream, clear."""
        return self._run(data, True)

    def encrypt(self, data: bytes) -> bytes:
        """The next bytes of the stream, enciphered."""
        return self._run(data, False)

    def in_step(self, other: CardCipher) -> bool:
        """Whether the next bytes of both would be enciphered alike."""
        return self._state == other._state and self._cards == other._cards

    def follow(self, other: CardCipher) -> None:
        """Go to the other's place in the same stream."""
        self._cards, self._state = other._cards.copy(), other._state

    def _run(self, data: bytes, decrypting: bool) -> bytes:
        cards = self._cards
        rotor, ratchet, avalanche, last_plain, last_cipher = self._state
        out = bytearray()
        add = out.append
        for byte in data:
            ratchet = (ratchet + cards[rotor]) & 255
            rotor = (rotor + 1) & 255
            swapped = cards[last_cipher]
            cards[last_cipher] = cards[ratchet]
            cards[ratchet] = cards[last_plain]
            cards[last_plain] = cards[rotor]
            cards[rotor] = swapped
            avalanche = (avalanche + cards[swapped]) & 255
            deep = (cards[last_plain] + cards[last_cipher] + cards[ratchet]) & 255
            made = byte ^ cards[(cards[avalanche] + cards[rotor]) & 255] ^ cards[cards[deep]]
            add(made)
            last_plain, last_cipher = (made, byte) if decrypting else (byte, made)
        self._state = (rotor, ratchet, avalanche, last_plain, last_cipher)
        return bytes(out)


class Reader:
    """Deciphers a stream; parts that its writer enciphers here are known, not deciphered again."""

    def __init__(self, cipher: CardCipher) -> None:
        self._cipher = cipher
        self._known: tuple[bytes, bytes, CardCipher] | None = None

    def encrypted(self, writer: CardCipher, plain: bytes) -> bytes:
        """Bytes enciphered by the writer; when they come next, they are known."""
        in_step = writer.in_step(self._cipher)
        wire = writer.encrypt(plain)
        self._known = (wire, plain, writer) if in_step else None
        return wire

    def decrypt(self, data: bytes) -> bytes:
        """The next bytes of the stream, clear."""
        known, self._known = self._known, None
        if known is None or data != known[0]:
            return self._cipher.decrypt(data)
        self._cipher.follow(known[2])
        return known[1]


def _shuffled(key: bytes) -> tuple[list[int], int]:
    """The pack that a key gives, and the running sum that picks the first `last cipher` card."""
    if not key:
        raise ValueError("the card cipher needs a key")
    cards = list(range(256))
    total = place = 0
    mask = 255
    for limit in range(255, 0, -1):
        tries = 0
        while True:
            total = (cards[total] + key[place]) & 255
            place += 1
            if place == len(key):
                place, total = 0, (total + len(key)) & 255
            picked = mask & total
            tries += 1
            if tries > RETRIES:
                picked %= limit
            if picked <= limit:
                break
        cards[limit], cards[picked] = cards[picked], cards[limit]
        if limit & (limit - 1) == 0:
            mask >>= 1
    return cards, total


class Prefix(NamedTuple):
    """What stands in clear before the list."""

    flags: bytes
    """Two bytes of backend flags, big-endian, and whatever the server puts behind them."""
    key: bytes
    """The server key."""

    def encode(self) -> bytes:
        """The prefix as it goes over the wire."""
        return b"%c%b%c%b" % (
            len(self.flags) ^ FLAGS_MASK,
            self.flags,
            len(self.key) ^ KEY_MASK,
            self.key,
        )


def read_prefix(data: bytes | bytearray) -> tuple[Prefix, int] | None:
    """The clear prefix and its length; None: more bytes are needed. Never raises."""
    if not data:
        return None
    middle = 1 + (data[0] ^ FLAGS_MASK)
    if len(data) <= middle:
        return None
    end = middle + 1 + (data[middle] ^ KEY_MASK)
    if len(data) < end:
        return None
    return Prefix(bytes(data[1:middle]), bytes(data[middle + 1 : end])), end


def decipher(secret: bytes, challenge: bytes, wire: bytes) -> bytes:
    """The clear list of a whole reply, without its prefix; raises WireError when that is cut."""
    found = read_prefix(wire)
    if found is None:
        raise WireError(f"EncTypeX.prefix, byte 0: {len(wire)} bytes hold no whole prefix")
    prefix, end = found
    return CardCipher(mix_key(secret, challenge, prefix.key)).decrypt(wire[end:])
