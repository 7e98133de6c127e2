from __future__ import annotations

import pytest

from proxy.layouts.kindtable import kinds_of, volatile_of
from proxy.protocol import Field, Kind, Volatile
from recordings.model import Direction

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


def test_kinds() -> None:
    table = """
> @dir | 3 | asks the directory
  PROD string game and platform; SLUS string
  LANG string
= ~png,PING | 1, 3 | keepalive
"""
    fields = (
        Field("PROD", "string", "game and platform"),
        Field("SLUS", "string"),
        Field("LANG", "string"),
    )
    assert kinds_of(table, "toy") == (
        Kind("@dir", (UP,), "asks the directory", fields, "toy 3"),
        Kind("~png", (UP, DOWN), "keepalive", (), "toy 1, 3"),
        Kind("PING", (UP, DOWN), "keepalive", (), "toy 1, 3"),
    )


def test_volatile() -> None:
    table = """
        @dir       ADDR ours host; SESS fresh
        user,onln  PERS echo; LAST clock Y.M.D H:M:S
    """
    assert volatile_of(table) == {
        "@dir.ADDR": Volatile("ours", "host"),
        "@dir.SESS": Volatile("fresh"),
        "user.PERS": Volatile("echo", "user.PERS"),
        "user.LAST": Volatile("clock", "Y.M.D H:M:S"),
        "onln.PERS": Volatile("echo", "onln.PERS"),
        "onln.LAST": Volatile("clock", "Y.M.D H:M:S"),
    }


def test_a_table_that_is_wrong_is_found_at_import() -> None:
    with pytest.raises(ValueError, match=r"@dir\.ADDR: 'mine' is no way to renew a field"):
        volatile_of("@dir ADDR mine")
    with pytest.raises(ValueError, match="not enough values"):
        kinds_of("> @dir | 3", "toy")
    with pytest.raises(ValueError, match="a: 'first' is no type of a field"):
        kinds_of("> @dir | 3 | what\n  SKEY binary 16 bytes; a first byte 0 means none", "toy")
    with pytest.raises(KeyError):
        kinds_of("? @dir | 3 | what", "toy")
