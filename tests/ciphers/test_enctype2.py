"""EncType 2 against lists of the real engine, and the limits of its key stream."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.ciphers.enctype2 import LIMIT, TreeStream, decrypt, encrypt, key_length, stream_key
from proxy.message import WireError
from tests.reference import vectors

WIRE = bytes.fromhex(
    "e1"  # thirteen key bytes, XOR EC
    "0903753e2e154748494a4b4c4d"  # the key as sent
    "d49c60c9157ca248259e6dde68"  # one server and \final\
)


def _named(start: str) -> list[Any]:
    return [one for one in vectors("gamespy") if one["name"].startswith(start)]


@pytest.mark.parametrize("vector", _named("sbv1_enctype2"), ids=lambda one: one["name"])
def test_reference_vectors(vector: Any) -> None:
    wire, secret = bytes.fromhex(vector["inputs"]["wire_hex"]), vector["inputs"]["secret_key"]
    plain = bytes.fromhex(vector["output_hex"])
    assert decrypt(secret.encode(), wire) == plain
    assert encrypt(secret.encode(), wire[1 : 1 + key_length(wire)], plain) == wire


def test_golden_list() -> None:
    assert decrypt(b"HA6zkS", WIRE) == b"\x7f\0\0\x01" + b"0:" + b"\\final\\"


def test_the_secret_covers_the_first_key_bytes_only() -> None:
    assert stream_key(b"\x01\x02", b"\x10\x10\x10") == b"\x11\x12\x10"
    assert stream_key(b"\x01\x02\x03", b"\x10\x10") == b"\x11\x12"


def test_a_stream_may_be_cut_anywhere() -> None:
    plain = bytes(300)
    whole = TreeStream(b"key").apply(plain)
    for at in (0, 1, 62, 63, 64, 126, 127, 299):
        stream = TreeStream(b"key")
        assert stream.apply(plain[:at]) + stream.apply(plain[at:]) == whole


def test_the_key_stream_ends_and_says_so() -> None:
    stream = TreeStream(b"key")
    stream.apply(bytes(LIMIT))
    with pytest.raises(WireError, match=f"byte {LIMIT}: the key stream ends there"):
        stream.apply(b"x")


@pytest.mark.parametrize("wire", [b"", b"\xec", WIRE[:9]])
def test_a_key_that_is_cut_off_is_refused(wire: bytes) -> None:
    with pytest.raises(WireError, match=r"EncType2\.key, byte 0: needs \d+ bytes, \d+ there"):
        decrypt(b"HA6zkS", wire)


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        TreeStream(b"")
