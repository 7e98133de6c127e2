from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers import rc4md5
from proxy.ciphers.rc4 import Rc4
from tests.reference import captures

CLEAR = b"news\0\0\0\0\0\0\0\x1cNAME=client.cfg\0"
LONG = b"news\0\0\0\0\0\0\0\x24NAME=client.cfg\0"
"""A frame, and how it is before it is enciphered, the MAC of 8 bytes apart."""


def test_the_captured_frames() -> None:
    seen = captures("ea-lobby")["rc4_md5_v2"]
    stream = Rc4(bytes.fromhex(seen["key_c2s_hex"]))
    for one in seen["frames"]:
        if "note" in one:
            stream = Rc4(bytes.fromhex(seen["key_c2s_hex"]))  # a stream of its own
        long = stream(bytes.fromhex(one["wire_hex"]))
        clear, check = rc4md5.strip_mac(long)
        assert check == "ok"
        assert long[-8:].hex() == one["mac8_hex"]
        assert clear[12:] == one["payload"].encode()
        assert rc4md5.add_mac(clear) == long


def test_add_and_strip() -> None:
    long = rc4md5.add_mac(CLEAR)
    assert long == LONG + bytes.fromhex("56c1195a19e12756")
    assert rc4md5.strip_mac(long) == (CLEAR, "ok")


def test_a_wrong_mac_leaves_the_frame_as_it_is() -> None:
    frame = LONG + bytes(8)
    assert rc4md5.strip_mac(frame) == (
        frame,
        "WRONG: has 0000000000000000, needs 56c1195a19e12756",
    )


@pytest.mark.parametrize("size", [0, 12, 19])
def test_no_room_for_a_mac(size: int) -> None:
    frame = LONG[:size]
    assert rc4md5.strip_mac(frame)[1] == f"WRONG: a frame of {size} bytes has no room for it"


def test_a_length_that_is_wrong_on_purpose_stays_wrong() -> None:
    spoilt = CLEAR[:8] + b"\xff\xff\xff\xff" + CLEAR[12:]
    assert rc4md5.add_mac(spoilt)[8:12] == b"\0\0\0\x07"


@given(st.binary(max_size=40))
def test_any_bytes_can_be_sealed(data: bytes) -> None:
    assert len(rc4md5.add_mac(data)) == len(data) + rc4md5.MAC_SIZE
