"""Files written by hand that somebody else wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.errors import UserError
from recordings.handed import LARGEST, read_text, read_toml


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a = " + b"[" * 100_000, "nested too deep"),
        (b"a = " + b"{a=" * 5_000, "nested too deep"),
        (b"a = [", "is no TOML"),
        (b"\xff\xfe", "is no text file"),
        (b"a = 1\n" + b"#" * LARGEST, "has more than"),
    ],
)
def test_what_is_none_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(data)
    with pytest.raises(UserError, match=said):
        read_toml(path)


def test_what_an_editor_of_windows_writes(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    assert read_toml(path) == {"a": 1}
    assert read_text(path) == "a = 1\n"
    with pytest.raises(UserError, match="cannot be read"):
        read_text(tmp_path)
