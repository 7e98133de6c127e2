"""Proofs that are made anew by the dissectors, for a challenge that the recording did not have."""

from __future__ import annotations

from proxy import registry
from proxy.ciphers import challenge
from proxy.keys import SessionKeys
from recordings.model import Direction, Frame
from replay.adaptive.chance import Chance
from tests.replay.servers import query

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
SECRETS = {"gmtest": "HA6zkS"}


def test_a_game_server_proves_its_secret_to_another_challenge() -> None:
    dissector = registry.protocol("gamespy-query").dissector(SessionKeys((), SECRETS))
    key, text = b"\x01\x02\x03\x04", b"abcdef007F0000016978"
    dissector.feed(UP, query.heartbeat(key, 6500, 3), 1)
    dissector.feed(DOWN, b"\xfe\xfd\x01" + key + text + b"\0", 2)
    made = dissector.digest(UP, b"\x01" + key + b"the recorded one\0")
    assert made == b"\x01" + key + query.proof(b"HA6zkS", text) + b"\0"
    other = b"\x01\x09\x09\x09\x09" + b"of a key that nobody challenged\0"
    assert dissector.digest(UP, other) == other


def test_an_older_game_server_too() -> None:
    dissector = registry.protocol("gamespy-query").dissector(SessionKeys((), SECRETS))
    dissector.feed(UP, b"\\heartbeat\\6500\\gamename\\gmtest", 1)
    dissector.feed(DOWN, b"\\secure\\QWERTY", 2)
    made = dissector.digest(UP, b"\\validate\\recorded\\final\\\\queryid\\1.1")
    needs = query.proof(b"HA6zkS", b"QWERTY")
    assert made == b"\\validate\\" + needs + b"\\final\\\\queryid\\1.1"


def test_a_peer_answers_another_challenge() -> None:
    protocol = registry.protocol("gamespy-gt2")
    dissector = protocol.dissector(SessionKeys())
    ours = challenge.fit(bytes(range(32)))
    theirs = challenge.fit(bytes(range(100, 132)))
    dissector.feed(UP, b"\xfe\xfe\x01\x00\x00\x00\x00" + ours, 1)
    opening = b"\xfe\xfe\x02\x00\x00\x00\x01" + challenge.response(ours) + theirs
    dissector.feed(DOWN, opening, 2)
    head = b"\xfe\xfe\x03\x00\x01\x00\x01"
    made = dissector.digest(UP, head + b"x" * 32 + b"more")
    assert made[:7] + made[-4:] == head + b"more"
    assert challenge.answers(theirs, made[7:39])
    (frame,) = dissector.feed(UP, made, 3)
    assert (frame.derived or {})["checks"] == {"response": "ok"}


def test_a_fresh_challenge_of_a_peer_keeps_the_parity_rule() -> None:
    recorded = challenge.fit(bytes(range(32)))
    frame = Frame(UP, 1, b"\xfe\xfe\x01\x00\x00\x00\x00" + recorded)
    message = registry.protocol("gamespy-gt2").view(frame)
    shown = message.fields()["challenge"]
    made = Chance(1, lambda: 1).fresh(shown, "keeps the parity rule")
    assert made != shown
    changed = message.set("challenge", made).encode()[7:]
    assert challenge.fits(changed)
