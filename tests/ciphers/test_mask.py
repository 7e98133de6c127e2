from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers import mask
from tests.reference import vectors


def test_the_reference_vectors() -> None:
    for one in vectors("ea-lobby")["mask_stream"]:
        key, sent = one["dir_MASK_text"].encode(), bytes.fromhex(one["PASS"][1:])
        assert (key or mask.DEFAULT).decode() == one["effective_key"]
        assert mask.decipher(key, sent) == one["plaintext"].encode()
        assert mask.encipher(key, one["plaintext"].encode()) == sent


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_there_and_back(key: bytes, data: bytes) -> None:
    sent = mask.encipher(key, data)
    assert len(sent) == len(data)
    assert mask.decipher(key, sent) == data
