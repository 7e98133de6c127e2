from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers import ssc2
from tests.reference import vectors

KEY = bytes.fromhex("0102030405060708090a0b0c0d0e0f10")


def test_the_reference_vectors_of_a_fresh_process() -> None:
    for one in vectors("ea-lobby")["ssc2"]:
        key, sent = bytes.fromhex(one["key_hex"]), bytes.fromhex(one["ciphertext_hex"])
        password = one["plaintext"].encode()
        assert ssc2.Encoder().encipher(key, password) == sent
        assert ssc2.decipher(key, sent) == (password, len(password) < ssc2.LENGTH)


def test_captured_passwords() -> None:
    for one in vectors("ea-lobby")["ssc2_captured"]:
        key, sent = bytes.fromhex(one["key_hex"]), bytes.fromhex(one["ciphertext_hex"])
        password, ended = ssc2.decipher(key, sent)
        assert (password.decode(), ended) == (one["decodes_to"], True)
        assert (ssc2.Encoder().encipher(key, password) == sent) is one[
            "reencode_first_boot_identical"
        ]


def test_the_padding_goes_on_within_a_process() -> None:
    one = vectors("ea-lobby")["ssc2_three_encodes_in_one_process"]
    encoder, key = ssc2.Encoder(), bytes.fromhex(one["key_hex"])
    password = one["plaintext"].encode()
    sent = [encoder.encipher(key, password).hex() for _ in one["ciphertexts_hex"]]
    assert sent == one["ciphertexts_hex"]
    assert len(set(sent)) == len(sent)


TYPED = st.characters(min_codepoint=32, max_codepoint=126)


@given(st.binary(min_size=1, max_size=40), st.text(TYPED, max_size=ssc2.LENGTH))
def test_there_and_back(key: bytes, text: str) -> None:
    password = text.encode()
    sent = ssc2.Encoder().encipher(key, password)
    assert len(sent) == ssc2.LENGTH
    assert ssc2.decipher(key, sent) == (password, len(password) < ssc2.LENGTH)


def test_what_cannot_be_typed_ends_the_password() -> None:
    sent = ssc2.Encoder().encipher(KEY, b"ab\x80cd")
    assert ssc2.decipher(KEY, sent) == (b"ab", True)


@pytest.mark.parametrize("data", [b"\x1f", b"\x80", b"a" * 31])
def test_bytes_that_it_never_gives_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="30 printable characters"):
        ssc2.decipher(KEY, data)


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        ssc2.decipher(b"", b"a")
    with pytest.raises(ValueError, match="at least one byte"):
        ssc2.Encoder().encipher(b"", b"a")
