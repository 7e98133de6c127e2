from __future__ import annotations

import pytest

from proxy.layouts.gamespy_fields import MEANINGS, error_name, fields, kind
from recordings.model import Direction


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (b"0", "0x000 general"),
        (b"256", "0x100 login"),
        (b"265", "0x109 login: bad unique nick"),
        (b"3585", "0xE01 check: bad e-mail"),
        (b"4867", "0x1303 removeblock"),
        (b"6000", None),
        (b"-1", None),
        (b"x", None),
        (b"", None),
        (None, None),
        (b"9" * 50, None),
    ],
)
def test_error_names(code: bytes | None, name: str | None) -> None:
    assert error_name(code) == name


def test_a_kind_documents_its_fields() -> None:
    made = kind("lc", Direction.TO_CLIENT, "what", "challenge unheardof", "2.1")
    assert [field.name for field in made.fields] == ["lc", "challenge", "unheardof"]
    assert made.fields[1].meaning == MEANINGS["challenge"][1]
    assert made.source == "gamespy 2.1"
    assert kind("ka", None, "what", "", "2").directions == tuple(Direction)
    assert fields("") == ()
