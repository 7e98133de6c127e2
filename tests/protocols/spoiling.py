"""What the harness makes of golden bytes and of the fields that are read from them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from hypothesis import strategies as st

from proxy.message import OPAQUE
from proxy.protocol import Protocol
from recordings.model import Direction, Frame, Json, Span


def leaves(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every path of a view's fields with its value, `users[0].name`; empty lists and dicts too."""
    if isinstance(value, dict) and (value or not path):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def looks_like(value: Json, covered: bytes) -> bool:
    """Whether the bytes are a usual wire form of the value."""
    text = covered.decode("latin-1")
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, int):
        numbers = {int.from_bytes(covered, order) for order in ("little", "big")}
        return bool(numbers & {value, value + (1 << 8 * len(covered))}) or text == str(value)
    if isinstance(value, str):
        bare = text.rstrip("\0")
        utf8 = covered.decode("utf-8", "replace").rstrip("\0")
        return value in (text, bare, utf8) or value == covered.hex()
    return False


def depends(protocol: Protocol, frame: Frame, span: Span, value: Json) -> bool:
    """Whether some change of the covered bytes changes the field.

    Where every change breaks the view (a checksum, a fixed byte), a change of the field must
    change the covered bytes.
    """
    clear, viewed = frame.clear, False
    for place, flip in product(range(span.start, span.end), (1, 2, 4, 16)):
        changed = clear[:place] + bytes([clear[place] ^ flip]) + clear[place + 1 :]
        view = protocol.view(Frame(frame.direction, frame.at, changed, derived=frame.derived))
        viewed = viewed or view.kind != OPAQUE
        if view.kind != OPAQUE and dict(leaves(view.fields())).get(span.path) != value:
            return True
    other = value ^ 1 if isinstance(value, int) else f"{str(value)[:-1]}{'10'[value[-1] == '1']}"
    try:
        moved = protocol.view(frame).set(span.path, other).encode()
    except ValueError:
        return True  # no value that we know to try
    return not viewed and moved[span.start : span.end] != clear[span.start : span.end]


def chunks(
    raw: bytes, direction: Direction, others: tuple[bytes, ...]
) -> st.SearchStrategy[list[tuple[Direction, bytes]]]:
    """Whole and spoilt pieces of golden bytes, mostly of `raw`, cut and sent either way."""
    raws = st.one_of(st.just(raw), st.sampled_from(others))
    way = st.one_of(st.just(direction), st.sampled_from(list(Direction)))
    pieces = st.one_of(
        raws,
        st.builds(lambda raw, n: raw[: n % (len(raw) + 1)], raws, st.integers(0, 4096)),
        st.builds(lambda raw, n: raw[n % (len(raw) + 1) :], raws, st.integers(0, 4096)),
        st.builds(lambda raw, more: raw + more, raws, st.binary(max_size=24)),
        st.builds(_flip, raws, st.lists(st.tuples(st.integers(0, 4096), st.integers(1, 255)))),
        st.builds(
            lambda one, two, n: one[: n % (len(one) + 1)] + two[n % (len(two) + 1) :],
            *(raws, raws, st.integers(0, 4096)),
        ),
        st.binary(max_size=64),
    )
    return st.lists(st.tuples(way, pieces), min_size=1, max_size=6)


def _flip(raw: bytes, flips: list[tuple[int, int]]) -> bytes:
    spoilt = bytearray(raw)
    for place, mask in flips:
        if spoilt:
            spoilt[place % len(spoilt)] ^= mask
    return bytes(spoilt)
