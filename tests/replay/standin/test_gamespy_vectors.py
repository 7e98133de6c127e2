"""The clients of the tests compute what real clients and servers computed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference import vectors
from tests.replay.standin.gamespy import hidden, proof_of
from tests.replay.standin.gamespy_lists import Cards, answer, mixed_key
from tests.replay.standin.peerchat import Stream
from tests.replay.standin.test_serve_gamespy_browser1 import open_list, validate

VECTORS: list[dict[str, Any]] = vectors("gamespy")


def of(prefix: str) -> list[Any]:
    found = [one for one in VECTORS if one["name"].startswith(prefix)]
    assert found, prefix
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


@pytest.mark.parametrize("one", of("qr2_challenge_response"))
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


@pytest.mark.parametrize("one", [*of("sbv1_enctype1/"), *of("sbv1_enctype2_decrypt")])
def test_lists_of_browser_1(one: dict[str, Any]) -> None:
    given, wire = one["inputs"], bytes.fromhex(one["inputs"]["wire_hex"])
    enctype = 1 if "secure_challenge" in given else 2
    secure = given.get("secure_challenge", "").encode()
    assert open_list(enctype, wire, secure).hex() == one["output_hex"]


@pytest.mark.parametrize("one", of("peerchat/"))
def test_streams_of_the_chat(one: dict[str, Any]) -> None:
    given = one["inputs"]
    stream = Stream(given["secret_key"].encode(), given["challenge_705"].encode())
    assert stream.run(given["plain"].encode("latin-1")).hex() == one["output_hex"]
