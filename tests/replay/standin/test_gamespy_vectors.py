"""The clients of the tests compute what real clients and servers computed.

No vector is left out: each is of a group that a test here takes.
"""

from __future__ import annotations

import base64
from hashlib import md5
from typing import Any

import pytest

from tests.reference import vectors
from tests.replay.standin.gamespy import hidden, proof_of, seen
from tests.replay.standin.gamespy_lists import Cards, answer, mixed_key
from tests.replay.standin.peerchat import Stream, spelled
from tests.replay.standin.test_serve_gamespy_browser1 import open_list, validate
from tests.replay.standin.test_serve_gamespy_datagrams import xored as cdkey_xored
from tests.replay.standin.test_serve_gamespy_stats import auth_response, player_response, scrambled
from tests.replay.standin.test_serve_gamespy_stats import xored as gstats_xored

VECTORS: list[dict[str, Any]] = vectors("gamespy")
TAKEN: set[str] = set()


def of(prefix: str) -> list[Any]:
    found = [one for one in VECTORS if one["name"].startswith(prefix)]
    assert found, prefix
    TAKEN.update(one["name"] for one in found)
    return [pytest.param(one, id=one["name"]) for one in found]


@pytest.mark.parametrize("one", of("gp_passwordenc/"))
def test_hidden_passwords(one: dict[str, Any]) -> None:
    assert hidden(one["inputs"]["password"]) == one["output_text"]


@pytest.mark.parametrize("one", [*of("gp_login_response"), *of("gp_login_proof")])
def test_proofs(one: dict[str, Any]) -> None:
    given = one["inputs"]
    secret = given.get("password") or given["password_or_partnerchallenge"]
    order = [given["client_challenge"], given["server_challenge"]]
    if one["name"].startswith("gp_login_proof"):
        order.reverse()
    assert proof_of(secret, given["user"], *order) == bytes.fromhex(one["output_hex"]).decode()


@pytest.mark.parametrize("one", of("gp_passwordenc_decode/"))
def test_passwords_come_back(one: dict[str, Any]) -> None:
    assert seen(one["inputs"]["encoded"]) == one["output_text"]


@pytest.mark.parametrize("one", of("base64_type"))
def test_both_alphabets(one: dict[str, Any]) -> None:
    signs = b"+/" if one["name"].endswith("0") else b"-_"
    made = base64.b64encode(bytes.fromhex(one["inputs"]["data"]), signs)
    assert made.decode() == one["output_text"]


@pytest.mark.parametrize("one", [*of("qr2_challenge_response"), *of("qr1_validate")])
def test_answers_to_the_master(one: dict[str, Any]) -> None:
    given = one["inputs"]
    made = answer(given["secret_key"].encode(), given["challenge"].encode())
    assert made.decode() == one["output_text"]


@pytest.mark.parametrize("one", of("sbv1_validate_enctype"))
def test_validate(one: dict[str, Any]) -> None:
    given = one["inputs"]
    made = validate(given["enctype"], given["challenge"].encode(), given["secret_key"].encode())
    assert made.decode() == one["output_text"]


@pytest.mark.parametrize("one", of("sb_enctypex_decrypt"))
def test_lists_of_browser_2(one: dict[str, Any]) -> None:
    given, wire = one["inputs"], bytes.fromhex(one["inputs"]["wire_hex"])
    start = 1 + (wire[0] ^ 0xEC)
    end = start + 1 + (wire[start] ^ 0xEA)
    secret, challenge = given["secret_key"].encode(), given["client_challenge"].encode()
    cards = Cards(mixed_key(secret, challenge, wire[start + 1 : end]))
    assert cards.decrypt(wire[end:]).hex() == one["output_hex"]


@pytest.mark.parametrize("one", of("sb_enctypex_encrypt"))
def test_what_a_server_enciphers_a_client_reads(one: dict[str, Any]) -> None:
    given = one["inputs"]
    secret, challenge = given["secret_key"].encode(), given["client_challenge"].encode()
    cards = Cards(mixed_key(secret, challenge, bytes.fromhex(given["server_key_hex"])))
    assert cards.decrypt(bytes.fromhex(one["output_hex"])).hex() == given["plain_hex"]


@pytest.mark.parametrize("one", of("sb_enctypex/synthetic"))
def test_a_synthetic_list(one: dict[str, Any]) -> None:
    test_lists_of_browser_2(one)


@pytest.mark.parametrize("one", of("sb_challenge_parity"))
def test_challenges_keep_the_parity(one: dict[str, Any]) -> None:
    for challenge in one["inputs"]["challenges"]:
        b, flag = challenge.encode(), False
        assert len(b) == 8
        assert 33 <= b[0] <= 125
        for i in range(1, 8):
            odd = (b[i - 1] & 1) ^ (i & 1) ^ (b[0] & 1) ^ (b[0] < 79) ^ (b[i - 1] < b[0])
            flag ^= bool(odd)
            assert bool(b[i] & 1) is flag, (challenge, i)


@pytest.mark.parametrize(
    "one", [*of("sbv1_enctype1/"), *of("sbv1_enctype2_decrypt"), *of("sbv1_enctype2/")]
)
def test_lists_of_browser_1(one: dict[str, Any]) -> None:
    given, wire = one["inputs"], bytes.fromhex(one["inputs"]["wire_hex"])
    enctype = 1 if "secure_challenge" in given else 2
    secure = given.get("secure_challenge", "").encode()
    secret = given.get("secret_key", "").encode()
    assert open_list(enctype, wire, secure, secret).hex() == one["output_hex"]


@pytest.mark.parametrize("one", of("gstats_auth_response"))
def test_proofs_of_games(one: dict[str, Any]) -> None:
    given = one["inputs"]
    raw = given.get("challenge_hex")
    challenge = bytes.fromhex(raw) if raw else given["challenge"].encode("latin-1")
    made = auth_response(challenge, given["secret_key"].encode())
    assert made.decode() == one["output_text"]


@pytest.mark.parametrize("one", of("gstats_xor"))
def test_the_statistics_cipher(one: dict[str, Any]) -> None:
    assert gstats_xored(one["inputs"]["plain"].encode("latin-1")).hex() == one["output_hex"]


@pytest.mark.parametrize("one", of("gstats_GetChallenge"))
def test_challenges_of_players(one: dict[str, Any]) -> None:
    assert scrambled(one["inputs"]["sesskey"]).decode() == one["output_text"]


@pytest.mark.parametrize("one", of("gstats_GenerateAuth"))
def test_proofs_of_players(one: dict[str, Any]) -> None:
    given = one["inputs"]
    made = player_response(given["password"].encode(), given["challenge"].encode())
    assert made.decode() == one["output_text"]


@pytest.mark.parametrize("one", of("cdkey_xor"))
def test_the_cipher_of_keys(one: dict[str, Any]) -> None:
    plain = one["inputs"]["plain"].encode("latin-1")
    assert cdkey_xored(plain).hex() == one["output_hex"]
    assert cdkey_xored(cdkey_xored(plain)) == plain


@pytest.mark.parametrize("one", of("cdkey_reauth_response"))
def test_proofs_of_keys(one: dict[str, Any]) -> None:
    """Of a player who is asked again: challenge, random number, key."""
    given = one["inputs"]
    key, chance = given["cdkey"].encode(), int(given["random_hex"], 16)
    digits = b"%d" % (chance % 0xFFFF)
    first = md5(key, usedforsecurity=False).hexdigest()
    last = given["challenge"].encode() + digits + key
    made = f"{first}{chance:08x}{md5(last, usedforsecurity=False).hexdigest()}"
    assert made == one["output_text"]


@pytest.mark.parametrize("one", of("peer_user_mangle"))
def test_names_of_chat_users(one: dict[str, Any]) -> None:
    """Gamespy 9: the address read little-endian, a constant, 16 letters for the digits."""
    given = one["inputs"]
    address = bytes(map(int, given["ip"].split(".")))
    digits = f"{int.from_bytes(address, 'little') ^ 0xC3801DC7:08x}"
    letters = "".join("aFl4uOD9sfWq1vGp"[int(digit, 16)] for digit in digits)
    assert f"X{letters}X|{given['profileid']}" == one["output_text"]


@pytest.mark.parametrize("one", of("peerchat/"))
def test_streams_of_the_chat(one: dict[str, Any]) -> None:
    given = one["inputs"]
    stream = Stream(given["secret_key"].encode(), given["challenge_705"].encode())
    assert stream.run(given["plain"].encode("latin-1")).hex() == one["output_hex"]


def test_every_vector_is_taken() -> None:
    assert {one["name"] for one in VECTORS} - TAKEN == set()


@pytest.mark.parametrize("one", of("peer_user_mangle/"))
def test_names_that_hide_addresses(one: dict[str, Any]) -> None:
    given = one["inputs"]
    assert f"X{spelled(given['ip'])}X|{given['profileid']}" == one["output_text"]
