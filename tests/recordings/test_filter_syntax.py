"""The grammar of frame filters groups terms as mitmproxy's does."""

from __future__ import annotations

from itertools import product
from typing import Any as Anything

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.filter_syntax import Every, Node, Not, Term, parse

SHARED = ("e", "tcp", "udp", "all")
"""Operators without an operand that both have."""

TERM = st.sampled_from([f"~{name}" for name in SHARED])
FACTOR = st.recursive(
    TERM,
    lambda inner: st.one_of(
        inner.map(lambda one: f"!{one}"),
        st.tuples(inner, st.sampled_from(["&", "|"]), inner).map(lambda t: f"( {' '.join(t)} )"),
    ),
    max_leaves=6,
)
FILTER = st.lists(st.tuples(st.sampled_from(["", "& ", "| "]), FACTOR), min_size=1, max_size=6).map(
    lambda parts: " ".join([parts[0][1], *(join + factor for join, factor in parts[1:])])
)


def ours(node: Node, truth: dict[str, bool]) -> bool:
    if isinstance(node, Term):
        return truth[node.operator]
    if isinstance(node, Not):
        return not ours(node.node, truth)
    results = [ours(one, truth) for one in node.nodes]
    return all(results) if isinstance(node, Every) else any(results)


def theirs(node: Anything, truth: dict[str, bool]) -> bool:
    name = type(node).__name__
    if name == "FNot":
        return not theirs(node.itm, truth)
    if name in ("FAnd", "FOr"):
        results = [theirs(one, truth) for one in node.lst]
        return all(results) if name == "FAnd" else any(results)
    return truth[node.code]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # mitmproxy's, of its parser
@given(text=FILTER)
def test_terms_are_grouped_as_in_mitmproxy(text: str) -> None:
    from mitmproxy import flowfilter

    tree, reference = parse(text), flowfilter.parse(text)
    for values in product([False, True], repeat=len(SHARED)):
        truth = dict(zip(SHARED, values, strict=True))
        assert ours(tree, truth) == theirs(reference, truth)
