from __future__ import annotations

import pytest

from proxy.keys import SessionKeys
from proxy.layouts.cdkey_watch import LIMIT
from proxy.protocols.gamespy_cdkey import KEY_LIMIT, PROTOCOLS, CdkeyMessage
from recordings.model import Direction, Key
from tests.protocols.harness import AT, ProtocolProperties
from tests.reference import captures
from tests.vectors.gamespy_cdkey import AUTH, VECTORS, wire

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
(CDKEY,) = PROTOCOLS


class TestCdkey(ProtocolProperties):
    protocol = CDKEY
    vectors = VECTORS


def test_an_address_is_set_as_one() -> None:
    message = CdkeyMessage.parse(rb"\disc\\pid\0\cd\0\ip\16777343")
    assert message.set("ip", "192.0.2.1").encode() == rb"\disc\\pid\0\cd\0\ip\16908480"
    with pytest.raises(ValueError, match="nowhere"):
        message.set("ip", "nowhere")


def test_players_remembered_are_limited() -> None:
    keys = SessionKeys()
    machine = CDKEY.dissector(keys)
    machine.feed(UP, wire(AUTH), AT)
    for number in range(LIMIT):
        machine.feed(UP, wire(rb"\auth\\resp\%d\skey\%d" % (number, number + 100_000)), AT)
    (frame,) = machine.feed(DOWN, wire(rb"\uok\\cd\0\skey\9040"), AT)
    assert (frame.derived or {})["checks"]["cd"].startswith("unknown")
    assert len(list(keys)) == KEY_LIMIT


CAPTURED = [frame for frame in captures("gamespy")["frames"] if frame["server"] == "CDKey"]


@pytest.mark.parametrize(("run", "known"), [("cdkey-2012", True), ("cdkey-2007", False)])
def test_captured_sessions(run: str, known: bool) -> None:
    """Every datagram is deciphered to what the capture says; the sample's key checks its proofs."""
    keys = SessionKeys([Key("cdkey", b"ABCD-EFGH-IJKL-MNOP", "cdkey", source="given")])
    machine = CDKEY.dissector(keys)
    verdicts = {}
    for captured in CAPTURED:
        if not captured["name"].startswith(f"{run}/"):
            continue
        direction = DOWN if captured["direction"] == "S>C" else UP
        raw = bytes.fromhex(captured["hex"])
        (frame,) = machine.feed(direction, raw, AT)
        message = CDKEY.view(frame)
        assert message.encode() == frame.clear == captured["clear"].encode("latin-1")
        assert message.kind in {kind.name for kind in CDKEY.kinds}
        assert machine.seal(direction, message.encode(), frame.cipher) == raw
        verdicts.update((frame.derived or {}).get("checks", {}))
    why = "unknown: the CD key was not seen: give it as --key cdkey=HEX"
    proofs = "ok" if known else why
    assert verdicts == {"resp": proofs, "cd": "ok", "proof": proofs}
