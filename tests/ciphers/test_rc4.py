from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers.rc4 import Rc4, rc4
from tests.reference import vectors


def test_the_reference_vectors() -> None:
    for one in vectors("ea-lobby")["rc4_plain"]:
        key, sent = bytes.fromhex(one["key_hex"]), bytes.fromhex(one["ciphertext_hex"])
        assert rc4(key, bytes.fromhex(one["plaintext_hex"])) == sent
        assert rc4(key, sent).hex() == one["plaintext_hex"]


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 300))
def test_a_stream_goes_on_over_its_pieces(pieces: list[bytes], drop: int) -> None:
    stream = Rc4(b"Key", drop=drop)
    whole = rc4(b"Key", bytes(drop) + b"".join(pieces))[drop:]
    assert b"".join(stream(piece) for piece in pieces) == whole


@pytest.mark.parametrize("size", [1, 5, 256])
def test_keys_of_every_size(size: int) -> None:
    assert rc4(bytes(range(size)), rc4(bytes(range(size)), b"abc")) == b"abc"


@pytest.mark.parametrize("size", [0, 257])
def test_no_key_of_another_size(size: int) -> None:
    with pytest.raises(ValueError, match="1 to 256 bytes"):
        Rc4(bytes(size))
