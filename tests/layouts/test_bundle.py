"""Numbered messages: which are new, across loss, reordering, repetition and wrap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.layouts.bundle import Bundle, Numbers, heads
from proxy.layouts.codec import CString, Struct, Table
from proxy.message import WireError
from recordings.model import Direction

TABLE = Table()


@TABLE.message(0x07)
class Chat(Struct):
    """A line."""

    text: CString


@given(
    start=st.integers(0, 0xFFFF),
    total=st.integers(1, 300),
    repeat=st.integers(2, 5),
    lost=st.sets(st.integers(0, 299)),
)
def test_each_message_is_new_once_while_fewer_are_lost_than_repeated(
    start: int, total: int, repeat: int, lost: set[int]
) -> None:
    numbers = Numbers()
    new: list[int] = []
    in_a_row = 0
    for sent in range(total):
        in_a_row = in_a_row + 1 if sent in lost else 0
        if 0 < in_a_row < repeat and sent:
            continue
        in_a_row = 0
        bundle = [(start + sent - back) & 0xFFFF for back in range(min(repeat, sent + 1))]
        fresh, seen = numbers.take(bundle)
        assert sorted(fresh + seen) == sorted(bundle)
        new += fresh
    assert new == [(start + sent) & 0xFFFF for sent in range(len(new))]
    assert numbers.gaps == 0


@given(order=st.permutations(range(40)), start=st.integers(0, 0xFFFF))
def test_whatever_the_order_each_message_is_new_at_most_once(order: list[int], start: int) -> None:
    numbers = Numbers()
    given_twice = [(start + one) & 0xFFFF for one in (*order, *order)]
    new = [one for number in given_twice for one in numbers.take([number])[0]]
    first = (start + order[0]) & 0xFFFF
    later = {(start + one) & 0xFFFF for one in order if one > order[0]}
    assert len(new) == len(set(new))
    assert set(new) == later | {first}


@given(data=st.binary(max_size=60))
def test_a_bundle_is_read_whole_or_refused(data: bytes) -> None:
    try:
        bundle = Bundle.read(data, TABLE[Direction.TO_SERVER])
    except WireError:
        return
    assert bundle.encode() == data
    assert [one.number for one in bundle.messages] == [head[0] for head in heads(data)]


def test_the_newest_new_message_leads() -> None:
    raw = bytes.fromhex("02 0900 0300 07 6200 0800 0300 07 6100")
    table = TABLE[Direction.TO_SERVER]
    leads = [Bundle.read(raw, table, new).get("text") for new in (None, [], [9], [8], [8, 9])]
    assert leads == ["b", "b", "b", "a", "b"]


@pytest.mark.parametrize("raw", ["", "00", "01", "01 0000", "01 0000 0000 07", "01 0000 ffff 07"])
def test_what_is_no_bundle_is_refused_with_its_place(raw: str) -> None:
    with pytest.raises(WireError, match=r"^Bundle.messages(\[0\])? at offset [01]: "):
        Bundle.read(bytes.fromhex(raw), TABLE[Direction.TO_SERVER])
