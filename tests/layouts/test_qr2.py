"""Wire types of QR2: whole values set and read, places that there are not, values that misfit."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from proxy.layouts.codec import Struct
from proxy.layouts.layout import Misfit
from proxy.layouts.qr2 import Before, HexAddress, HexNumber, Ids, Texts, key_name
from proxy.layouts.qr2_keys import Grid, Pairs, Table
from proxy.message import FieldError


class Sample(Struct, frozen=True):
    keys: Annotated[Any, Pairs()]
    rows: Annotated[Any, Table()]
    ids: Annotated[Any, Ids()]
    texts: Annotated[Any, Texts()]


RAW = b"a\x001\0a\x002\0publicip\x0016777343\0\0" + b"\0\1x\0y\0\0p\0q\0" + b"\2\1\x32" + b"t\0u"
SHOWN = {
    "keys": {"a": "1", "key1": "2", "publicip": "127.0.0.1"},
    "rows": [{"x": "p", "y": "q"}],
    "ids": ["hostname", "key50"],
    "texts": ["t", "u"],
}


def test_all_of_them_at_once() -> None:
    sample = Sample.decode(RAW)
    assert sample.fields() == SHOWN
    assert sample.encode() == RAW


@pytest.mark.parametrize(
    ("path", "value", "raw"),
    [
        ("keys", '{"b": "3"}', b"b\x003\0\0"),
        ("keys", {"publicip": "1.0.0.0"}, b"publicip\x001\0\0"),
        ("rows", '[{"k": "v"}]', b"\0\1k\0\0v\0"),
        ("rows", Grid(("n",)), b"\0\0n\0\0"),
        ("rows", [], b"\0\0\0"),
        ("ids", None, b"\xff"),
        ("ids", [2, "region"], b"\2\2\x20"),
        ("texts", '["", "x"]', b"\0x"),
    ],
)
def test_whole_values_can_be_set(path: str, value: Any, raw: bytes) -> None:
    changed = Sample.decode(RAW).set(path, value)
    assert raw in changed.encode()
    assert Sample.decode(changed.encode()) == changed


@pytest.mark.parametrize(
    "path",
    [
        "keys.a.b", "rows[0]", "rows[1].x", "rows.x", "rows[0].z", "ids[2]", "ids.x", "ids[0].x",
        "texts[9]", "texts.x", "texts[0].x",
    ],
)  # fmt: skip
def test_places_that_there_are_not(path: str) -> None:
    with pytest.raises(FieldError):
        Sample.decode(RAW).set(path, "1")


@pytest.mark.parametrize("path", ["rows[5]", "rows.x", "keys.zz", "keys.a.b"])
def test_what_cannot_be_left_out(path: str) -> None:
    with pytest.raises(FieldError):
        Sample.decode(RAW).delete(path)


@pytest.mark.parametrize("path", ["keys.a", "keys.new", "rows[0].x", "texts[0]"])
def test_a_nul_would_end_a_text(path: str) -> None:
    with pytest.raises(ValueError, match="holds a NUL"):
        Sample.decode(RAW).set(path, "a\0b")


@pytest.mark.parametrize(
    ("wire", "data"),
    [
        (Pairs(), b"a\x001\0b"),
        (Pairs(), b""),
        (Table(), b"\0"),
        (Table(), b"\0\1a\0\0"),
        (Table(), b"\xff\xffa\0\0b\0"),
        (Ids(), b""),
        (Ids(), b"\3\1\2"),
        (Before(14), b"short\0"),
    ],
)
def test_bytes_that_do_not_fit(wire: Any, data: bytes) -> None:
    with pytest.raises(Misfit):
        wire.read(data, 0, len(data))


def test_a_table_without_columns_keeps_its_rows() -> None:
    grid, end = Table().read(b"\0\3\0", 0, 3)
    assert (grid, end) == (Grid((), ((), (), ())), 3)
    assert Table().write(grid) == b"\0\3\0"


def test_hex_that_does_not_fit() -> None:
    assert HexAddress().dump("203.0.113.7") == b"CB007107"
    assert HexNumber(4).dump(11111) == b"2B67"
    with pytest.raises(ValueError, match="does not fit"):
        HexNumber(2).dump(256)


def test_key_names() -> None:
    assert [key_name(number) for number in (0, 1, 32, 33, 253)] == [
        "key0",
        "hostname",
        "region",
        "key33",
        "key253",
    ]
