"""EncTypeX against lists that real clients accepted, and against itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers.enctypex import CardCipher, Prefix, decipher, mix_key, read_prefix
from proxy.message import WireError
from tests.reference import vectors

WIRE = bytes.fromhex("eb00000102030405e4000102030405060708090a0b0c0d8dc9cb878746")


def _named(start: str) -> list[Any]:
    return [one for one in vectors("gamespy") if one["name"].startswith(start)]


@pytest.mark.parametrize("vector", _named("sb_enctypex"), ids=lambda one: one["name"])
def test_reference_vectors(vector: Any) -> None:
    given_, output = vector["inputs"], bytes.fromhex(vector["output_hex"])
    secret, challenge = given_["secret_key"].encode(), given_["client_challenge"].encode()
    if "wire_hex" in given_:
        assert decipher(secret, challenge, bytes.fromhex(given_["wire_hex"])) == output
        return
    key = mix_key(secret, challenge, bytes.fromhex(given_["server_key_hex"]))
    assert CardCipher(key).encrypt(bytes.fromhex(given_["plain_hex"])) == output


def test_golden_list() -> None:
    assert decipher(b"HA6zkS", b"`mpW:[>(", WIRE).hex() == "7f0000011964"


def test_a_stream_may_be_cut_anywhere() -> None:
    key = mix_key(b"secret", b"12345678", b"server key")
    plain = bytes(range(256)) * 2
    whole = CardCipher(key).encrypt(plain)
    for at in range(0, len(plain), 7):
        writer, reader = CardCipher(key), CardCipher(key)
        wire = writer.encrypt(plain[:at]) + writer.encrypt(plain[at:])
        assert wire == whole
        assert reader.decrypt(wire[:at]) + reader.decrypt(wire[at:]) == plain


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=300))
def test_what_is_enciphered_can_be_deciphered(key: bytes, plain: bytes) -> None:
    assert CardCipher(key).decrypt(CardCipher(key).encrypt(plain)) == plain


def test_prefix_is_read_as_soon_as_it_is_whole() -> None:
    found = read_prefix(WIRE)
    assert found is not None
    prefix, end = found
    assert prefix == Prefix(bytes.fromhex("00000102030405"), bytes(range(14)))
    assert prefix.encode() == WIRE[:end]
    for length in range(end):
        assert read_prefix(WIRE[:length]) is None


def test_a_list_without_a_whole_prefix_is_refused() -> None:
    with pytest.raises(WireError, match=r"EncTypeX\.prefix, byte 0: 5 bytes hold no whole prefix"):
        decipher(b"HA6zkS", b"`mpW:[>(", WIRE[:5])


@pytest.mark.parametrize(("secret", "challenge"), [(b"", b"12345678"), (b"abc", b"1234567")])
def test_keys_that_cannot_be(secret: bytes, challenge: bytes) -> None:
    with pytest.raises(ValueError, match="needs a secret and a challenge of 8 bytes"):
        mix_key(secret, challenge, b"x")


def test_an_empty_card_key_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        CardCipher(b"")
