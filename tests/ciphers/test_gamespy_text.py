"""The small ciphers and hashes of GameSpy's text protocols against vectors of several programs."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ciphers import cdkey, gp_proof, gstats, passwordenc, peerchat, validate
from proxy.ciphers.gamespy_secrets import missing, secret_for
from proxy.ciphers.repeating import CDKEY, GSTATS, xor
from tests.reference import vectors


def _proof(make: Callable[[bytes, bytes, bytes, bytes], bytes]) -> Callable[[Any], bytes]:
    def run(given: dict[str, str]) -> bytes:
        secret = given.get("password") or given.get("password_or_partnerchallenge")
        secret = secret or passwordenc.decode(given["passwordenc_sent_by_client"].encode()).decode()
        names = ("user", "client_challenge", "server_challenge")
        return make(secret.encode(), *(given[name].encode() for name in names))

    return run


def _bytes(value: Any) -> bytes:
    return str(value).encode("latin-1")


def _stats_challenge(given: dict[str, str]) -> bytes:
    hexed = given.get("challenge_hex")
    return bytes.fromhex(hexed) if hexed else _bytes(given["challenge"])


def _validate(given: dict[str, Any]) -> bytes:
    return validate.validate(
        _bytes(given["secret_key"]), _bytes(given["challenge"]), int(given.get("enctype", 0))
    )


FAMILIES: dict[str, Callable[[Any], bytes]] = {
    "gp_passwordenc": lambda g: passwordenc.encode(_bytes(g["password"])),
    "gp_passwordenc_decode": lambda g: passwordenc.decode(_bytes(g["encoded"])),
    "gp_login_response": _proof(gp_proof.response),
    "gp_login_proof": _proof(gp_proof.proof),
    "qr2_challenge_response": _validate,
    "qr1_validate": _validate,
    "sbv1_validate_enctype1": _validate,
    "sbv1_validate_enctype2": _validate,
    "peerchat": lambda g: peerchat.PeerchatStream(
        _bytes(g["secret_key"]), _bytes(g["challenge_705"])
    )(_bytes(g["plain"])),
    "gstats_auth_response": lambda g: gstats.auth_response(
        _stats_challenge(g), _bytes(g["secret_key"])
    ),
    "gstats_xor": lambda g: xor(_bytes(g["plain"]), GSTATS),
    "gstats_GetChallenge": lambda g: gstats.connection_challenge(int(g["sesskey"])),
    "gstats_GenerateAuth": lambda g: (
        md5(_bytes(g["password"] + g["challenge"])).hexdigest().encode()
    ),
    "cdkey_xor": lambda g: xor(_bytes(g["plain"]), CDKEY),
    "cdkey_reauth_response": lambda g: cdkey.again(
        _bytes(g["cdkey"]), _bytes(g["challenge"]), int(g["random_hex"], 16)
    ),
    "peer_user_mangle": lambda g: _bytes(f"X{peerchat.encode_address(g['ip'])}X|{g['profileid']}"),
}
KNOWN = [one for one in vectors("gamespy") if one["name"].split("/")[0] in FAMILIES]


@pytest.mark.parametrize("vector", KNOWN, ids=lambda one: str(one["name"]))
def test_known_answers(vector: dict[str, Any]) -> None:
    made = FAMILIES[vector["name"].split("/")[0]](vector["inputs"])
    assert made == bytes.fromhex(vector["output_hex"])


def test_every_family_is_there() -> None:
    assert {one["name"].split("/")[0] for one in KNOWN} == set(FAMILIES)


@given(st.binary(max_size=64))
def test_passwords_come_back(clear: bytes) -> None:
    wire = passwordenc.encode(clear)
    assert not set(wire) & set(b"+/=\\")
    assert passwordenc.decode(wire) == clear


@pytest.mark.parametrize("wire", [b"not base64!", b"A", b"AA=A", b"A" * 2000])
def test_what_is_no_obfuscated_password(wire: bytes) -> None:
    with pytest.raises(ValueError, match="password"):
        passwordenc.decode(wire)


def test_a_player_response_covers_password_and_connection() -> None:
    # challenge of connection 1442729939, from the vectors: `GvCxH{JM`
    assert gstats.player_response(b"pw", 1442729939) == md5(b"pwGvCxH{JM").hexdigest().encode()


def test_a_session_key_is_cut_to_32_bits() -> None:
    assert gstats.connection_id(b"6244425389") == 1949458093
    assert gstats.connection_id(b"-1") == 0xFFFFFFFF


def test_the_hash_takes_characters_as_signed() -> None:
    assert gstats.challenge_hash(b"\xff") == -1
    assert gstats.challenge_hash(b"A") == 65


@pytest.mark.parametrize(
    ("clear", "seen"),
    [
        (rb"\lc\1\challenge\ABC\id\1", b"ABC"),
        (rb"\lc\1\id\1", b""),
        # the whole vector: the client deciphers the clear mark too
        (b"\\challenge\\" + b"0" * 20, b"0" * 20 + bytes.fromhex("0f16105d252b3d")),
    ],
)
def test_the_challenge_that_a_client_sees(clear: bytes, seen: bytes) -> None:
    assert gstats.seen_challenge(xor(clear, GSTATS) + b"\\final\\") == seen


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=12))
def test_xor_is_its_own_mirror(data: bytes, key: bytes) -> None:
    assert xor(xor(data, key), key) == data
    assert xor(data, key) == bytes(b ^ key[n % len(key)] for n, b in enumerate(data))


def test_cdkey_responses_have_three_parts() -> None:
    answer = cdkey.response(b"KEY", b"challeng", 65536)
    assert cdkey.parts(answer) == (
        md5(b"KEY").hexdigest().encode(),
        65536,
        md5(b"KEY1challeng").hexdigest().encode(),  # 65536 modulo 65535
    )
    with pytest.raises(ValueError, match="72 characters"):
        cdkey.parts(b"short")


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_the_chat_stream_does_not_care_for_chunks(chunks: list[bytes]) -> None:
    one, two = (peerchat.PeerchatStream(b"HA6zkS", b"0123456789abcdef") for _ in range(2))
    assert b"".join(one(chunk) for chunk in chunks) == two(b"".join(chunks))


def test_the_chat_stream_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="needs a secret"):
        peerchat.PeerchatStream(b"", b"0123456789abcdef")


@given(st.ip_addresses(v=4))
def test_hidden_addresses_come_back(address: object) -> None:
    assert peerchat.decode_address(peerchat.encode_address(str(address))) == str(address)


@pytest.mark.parametrize("letters", ["", "short", "zzzzzzzz", "lG1W4OFpX"])
def test_what_hides_no_address(letters: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        peerchat.decode_address(letters)


def test_validate_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="enctype 3 is unknown"):
        validate.validate(b"HA6zkS", b"ABCDEF", 3)
    with pytest.raises(ValueError, match="cannot be empty"):
        validate.validate(b"", b"ABCDEF")


def test_padding_follows_the_variant() -> None:
    """Seven bytes: enctype 1 substitutes the padding too, the others leave zeros."""
    plain, one, two = (validate.validate(b"HA6zkS", b"ABCDEFG", n) for n in range(3))
    assert plain.endswith(b"AA")
    assert two.endswith(b"AA")
    assert one.endswith(b"EB")  # the first entry of the table is 01


def test_secrets_come_from_the_user_but_for_the_sample() -> None:
    assert secret_for({}, "gmtest") == b"HA6zkS"
    assert secret_for({"gmtest": "other!"}, "gmtest") == b"other!"
    assert secret_for({"civ4": "abcdef"}, "civ4") == b"abcdef"
    assert secret_for({}, "civ4") is None
    assert "--game-key civ4=SECRET" in missing("civ4")
