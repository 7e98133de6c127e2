from __future__ import annotations

import pytest

from proxy.keys import SessionKeys
from proxy.protocols.gamespy_search import PROTOCOLS, Search
from recordings.model import Direction
from tests.protocols.harness import AT, ProtocolProperties
from tests.reference import captures
from tests.vectors.gamespy_search import VECTORS

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
(SEARCH,) = PROTOCOLS


class TestSearch(ProtocolProperties):
    protocol = SEARCH
    vectors = VECTORS


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (rb"\cur\3587", {"cur": "0xE03 check: bad password"}),
        (rb"\nur\513", {"nur": "0x201 newuser: bad nick"}),
        (rb"\error\\err\0", None),
        (rb"\error\\err\1", {"err": "0x001 parse error"}),
        (rb"\cur\0\pid\1", None),
    ],
)
def test_codes_have_names(raw: bytes, names: dict[str, str] | None) -> None:
    machine = SEARCH.dissector(SessionKeys())
    (frame,) = machine.feed(DOWN, raw + b"\\final\\", AT)
    assert (frame.derived or {}).get("names") == names


def test_a_session_key_of_nobody_joins_nothing() -> None:
    keys = SessionKeys()
    SEARCH.dissector(keys).feed(UP, rb"\search\\sesskey\0\nick\a\gamename\g\final" + b"\\", AT)
    assert list(keys) == []


def test_fields_of_later_records() -> None:
    message = Search.parse(rb"\bsr\1\nick\a\bsr\2\nick\b\bsrdone\\more\0\final" + b"\\")
    assert message.get("nick[1]") == "b"
    changed = message.set("nick[1]", "c").set("nick", "z")
    assert changed.encode() == rb"\bsr\1\nick\z\bsr\2\nick\c\bsrdone\\more\0\final" + b"\\"


def test_captured_messages() -> None:
    """Every captured message is read, says what the capture says, and encodes back."""
    seen = [frame for frame in captures("gamespy")["frames"] if frame["server"] == "GPSP"]
    assert len(seen) == 17
    for captured in seen:
        keys = SessionKeys()
        direction = DOWN if captured["direction"] == "S>C" else UP
        raw = bytes.fromhex(captured["hex"])
        (frame,) = SEARCH.dissector(keys).feed(direction, raw, AT)
        message = SEARCH.view(frame)
        assert message.encode() == raw == captured["text"].encode("latin-1")
        assert message.kind == captured["text"].split("\\")[1]
        if "passenc" in captured["text"]:
            assert message.get("passenc") == "secret123"
            found = keys.find("gp.password")
            assert found is not None
            assert found.key == b"secret123"
