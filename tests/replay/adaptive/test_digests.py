"""Proofs that are made anew by the dissectors, for a challenge that the recording did not have."""

from __future__ import annotations

from proxy import registry
from proxy.ciphers import challenge
from proxy.keys import SessionKeys
from recordings.model import Direction, Frame, Key
from replay.adaptive.chance import Chance
from tests.replay.servers import cdkey, query

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


def test_a_client_of_the_older_lists_proves_its_secret_too() -> None:
    dissector = registry.protocol("gamespy-browser1").dissector(SessionKeys((), SECRETS))
    dissector.feed(DOWN, b"\\basic\\\\secure\\QWERTY", 1)
    login = b"\\gamename\\gmtest\\validate\\%s\\final\\\\queryid\\1.1\\"
    made = dissector.digest(UP, login % b"recorded")
    assert made == login % query.proof(b"HA6zkS", b"QWERTY")
    unknown = login.replace(b"gmtest", b"nobody") % b"recorded"
    assert dissector.digest(UP, unknown) == unknown


def test_a_cd_key_answers_another_challenge() -> None:
    key = Key("cdkey", cdkey.KEY, "cdkey", None, "given")
    for name in ("gamespy-cdkey", "gamespy-query"):  # on a port of its own, or on QR2's socket
        dissector = registry.protocol(name).dissector(SessionKeys((key,)))
        pch = "p" * 32
        hashed = cdkey.answer("", 1)[:32]
        asked = f"\\ison\\\\cd\\{hashed}\\skey\\17\\pch\\{pch}".encode()
        dissector.feed(DOWN, cdkey.masked(asked), 1)
        said = "\\uon\\\\skey\\17\\seed\\\\proof\\%s"
        made = dissector.digest(UP, (said % cdkey.answer("x" * 32, 77, again=True)).encode())
        assert made == (said % cdkey.answer(pch, 77, again=True)).encode()
        for other in (said % "0", said % cdkey.answer("x", 77, again=True, key=b"another")):
            assert dissector.digest(UP, other.encode()) == other.encode()
