"""The parity of challenges, and the gt2 response, against what real clients sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers.challenge import FREE, answers, fit, fits, response
from tests.reference import captures, vectors


def _real(name: str) -> bytes:
    (frame,) = [one for one in captures("gamespy")["frames"] if one["name"] == name]
    return bytes.fromhex(frame["hex"])[7:]


def test_real_challenges_keep_the_rule() -> None:
    (vector,) = [one for one in vectors("gamespy") if one["name"].startswith("sb_challenge")]
    assert all(fits(text.encode()) for text in vector["inputs"]["challenges"])


def test_real_responses_answer_real_challenges() -> None:
    client, reply, answer = _real("gt2/001"), _real("gt2/002"), _real("gt2/003")
    assert fits(client)
    assert fits(reply[32:])
    assert answers(client, reply[:32])
    assert answers(reply[32:], answer[:32])
    assert not answers(client, answer[:32])


@pytest.mark.parametrize("text", [b"", b"D:@o)Oki", b"D:@o)O h", b"D:@o)Oh\x7f"])
def test_what_is_no_challenge(text: bytes) -> None:
    assert not fits(text)


@given(st.binary(min_size=1, max_size=32))
def test_noise_can_be_made_to_fit(noise: bytes) -> None:
    assert fits(fit(noise))


@given(st.binary(min_size=32, max_size=32), st.integers(0, 31))
def test_a_response_is_checked_in_every_byte_but_the_random_ones(noise: bytes, at: int) -> None:
    challenge = fit(noise)
    answer = bytearray(response(challenge))
    assert answers(challenge, bytes(answer))
    answer[at] ^= 1
    assert answers(challenge, bytes(answer)) is (at in FREE)


def test_challenges_of_another_length() -> None:
    assert not answers(fit(bytes(32)), b"short")
    with pytest.raises(ValueError, match="has 32 bytes"):
        response(b"12345678")
