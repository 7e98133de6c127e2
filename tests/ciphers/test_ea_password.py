from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers import mask, ssc2
from proxy.ciphers.ea_password import FORMS, announced, enciphered, lock_password, open_password
from proxy.ciphers.rc4 import rc4
from proxy.keys import SessionKeys
from recordings.model import Key

SKEY = Key("skey", bytes.fromhex("0102030405060708090a0b0c0d0e0f10"), "ssc2")
OTHER = Key("skey", bytes.fromhex("51ba8aee64ddfacae5baefa6bf61e009"), "ssc2")
ZERO = Key("skey", bytes(16), "ssc2")
MASK = Key("mask", b"4294967295", "mask")

PASSWORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=29)
MAKERS: dict[str, Callable[[bytes], str]] = {
    "ssc2": lambda text: "~" + ssc2.Encoder().encipher(SKEY.key, text).decode(),
    "mask": lambda text: "$" + mask.encipher(MASK.key, text).hex(),
    "rc4": lambda text: "$" + rc4(SKEY.key, text).hex(),
}


@pytest.mark.parametrize(
    ("cipher", "keys"),
    [("ssc2", [SKEY]), ("ssc2", [MASK, SKEY]), ("mask", [MASK]), ("rc4", [SKEY])],
)
@given(password=PASSWORDS)
def test_each_cipher_is_recognised(cipher: str, keys: list[Key], password: str) -> None:
    opened = open_password(MAKERS[cipher](password.encode()), SessionKeys(keys))
    if cipher == "rc4" and not password:
        assert opened.cipher is None  # an empty PASS says nothing about RC4
        return
    assert (opened.cipher, opened.password, opened.check) == (cipher, password.encode(), "ok")
    assert opened.key == (MASK if cipher == "mask" else SKEY).key


def test_rc4_is_found_when_the_mask_gives_no_text() -> None:
    opened = open_password(MAKERS["rc4"](b"hunter2"), SessionKeys([MASK, SKEY]))
    assert (opened.cipher, opened.password, opened.note) == ("rc4", b"hunter2", "")


def test_the_mask_comes_first_and_the_doubt_is_told() -> None:
    opened = open_password("$ffff", SessionKeys([SKEY, MASK]))
    assert (opened.cipher, opened.password) == ("mask", b"yF")
    assert rc4(SKEY.key, b"\xff\xff") == b"e8"
    assert opened.note == "could also be rc4"


def test_an_older_key_of_the_session_is_tried_too() -> None:
    opened = open_password(MAKERS["ssc2"](b"secret"), SessionKeys([SKEY, OTHER]))
    assert (opened.key, opened.password) == (SKEY.key, b"secret")


@pytest.mark.parametrize("cipher", FORMS)
def test_keys_that_the_user_gave(cipher: str) -> None:
    key = Key("mine", (MASK if cipher == "mask" else SKEY).key, cipher, source="given")
    opened = open_password(MAKERS[cipher](b"secret"), SessionKeys([key]))
    assert (opened.cipher, opened.password) == (cipher, b"secret")


@pytest.mark.parametrize(
    ("value", "keys", "check"),
    [
        ("$3ec97dd5", [], "unknown: no skey and no mask was seen"),
        ("~abc", [MASK], "unknown: no mask gives a text that can be typed"),
        ("$00000000", [MASK, SKEY], "unknown: no skey or mask gives a text that can be typed"),
        ("$xyz", [MASK], "unknown: non-hexadecimal number found"),
        ("~\x01", [SKEY], "unknown: is not 30 printable characters"),
    ],
)
def test_why_it_is_unknown(value: str, keys: list[Key], check: str) -> None:
    opened = open_password(value, SessionKeys(keys))
    assert opened.cipher is None
    assert opened.check.startswith(check)


def test_thirty_characters_have_no_end_mark() -> None:
    opened = open_password(MAKERS["ssc2"](b"x" * 30), SessionKeys([SKEY]))
    assert (opened.cipher, opened.password) == ("ssc2", b"x" * 30)
    assert opened.check.startswith("unknown: no end mark")


@given(st.text(st.characters(max_codepoint=255)), st.sampled_from("~$"))
def test_nothing_raises(rest: str, sign: str) -> None:
    assert enciphered(sign + rest)
    opened = open_password(sign + rest, SessionKeys([SKEY, ZERO, MASK]))
    assert opened.check == "ok" or opened.check.startswith("unknown: ")


def test_a_clear_password_is_left_alone() -> None:
    assert not enciphered("secret")
    assert not enciphered("")


@pytest.mark.parametrize(
    ("cipher", "keys", "form"),
    [
        ("ssc2", [SKEY, MASK], "ssc2"),
        ("ssc2", [ZERO, MASK], "mask"),  # the client tests the first byte of its key
        ("ssc2", [MASK], "mask"),
        ("rc4", [SKEY, MASK], "rc4"),
        ("rc4", [MASK], "mask"),
        ("mask", [SKEY, MASK], "mask"),
    ],
)
def test_a_password_is_locked_as_a_client_would(cipher: str, keys: list[Key], form: str) -> None:
    value = lock_password(b"hunter2", cipher, SessionKeys(keys), ssc2.Encoder())
    assert value == MAKERS[form](b"hunter2")


def test_a_password_without_any_key_is_locked_by_the_default_mask() -> None:
    assert lock_password(b"hunter2", "ssc2", SessionKeys(), ssc2.Encoder()) == "$04d8f267577a05"


@pytest.mark.parametrize(
    ("value", "cipher"),
    [("$" + SKEY.key.hex(), "ssc2"), (SKEY.key.hex(), "rc4"), ("0", None), ("$", None), ("", None)],
)
def test_the_announced_session_key(value: str, cipher: str | None) -> None:
    key = announced(value)
    assert (key and key.cipher) == cipher
    assert key is None or (key.name, key.key) == ("skey", SKEY.key)


def test_a_bare_key_opens_rc4_alone() -> None:
    bare = announced(SKEY.key.hex())
    assert bare is not None
    keys = SessionKeys([bare])
    assert open_password(MAKERS["rc4"](b"secret"), keys).password == b"secret"
    assert open_password(MAKERS["ssc2"](b"secret"), keys).cipher is None
    assert lock_password(b"hunter2", "ssc2", keys, ssc2.Encoder()) == "$04d8f267577a05"
