"""How long servers took: from a request to the frame that its protocol names as the answer.

Of a kind for which the protocol declares no answer it is the next frame of the server's.
"""

from __future__ import annotations

from array import array
from bisect import bisect
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from recordings.listing import Column, Row
from recordings.text import safe, span

NAMES = ("protocol", "kind", "asked", "answered", "by", "median", "slow", "longest", "spread")
"""Times in microseconds; `slow` is what 95 of 100 answers were faster than; `by` names the kinds
that answer, nothing where any frame does; `spread` counts the answers up to each of `STEPS`."""
STEPS = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
"""Microseconds that part the bars of a chart; the last bar is for what took longer."""
BARS = " ▁▂▃▄▅▆▇█"
WAITING = 10_000
"""Requests of a flow that may wait for their answers."""

Answers = Callable[[str], Mapping[str, tuple[str, ...]]]
"""Protocol -> kind of a request -> kinds that end its turn."""

# The filter chooses the requests; answers are looked for among all frames.
SQL = """
SELECT frames.flow_id, COALESCE(frames.protocol, flows.protocol), COALESCE(kind, 'Opaque'),
  direction = 'c>s', at, {where}
FROM frames JOIN flows ON flows.id = frames.flow_id
WHERE ?1 IS NULL OR flows.session_id = ?1
ORDER BY frames.flow_id, frames.number
"""


def _time(name: str) -> Column:
    return Column(name, lambda row: "" if row[name] is None else _took(row[name]), right=True)


def _took(microseconds: int) -> str:
    """`0.4 ms`, `4.2 s`: most answers take less than what a second's digits can tell."""
    return f"{microseconds / 1000:.1f} ms" if microseconds < 1_000_000 else span(microseconds)


def _chart(row: Row) -> str:
    """A bar for each step: how many answers took that long."""
    most = max(row["spread"], default=0)
    return "".join(
        BARS[-(-count * (len(BARS) - 1) // most) if most else 0] for count in row["spread"]
    )


COLUMNS = (
    Column("protocol", lambda row: safe(str(row["protocol"])), "dim", spare=True, wide=100),
    Column("kind", lambda row: safe(row["kind"]), "cyan", spare=True),
    Column("asked", lambda row: str(row["asked"]), right=True),
    Column("answered", lambda row: str(row["answered"]), right=True),
    Column("by", lambda row: safe(" ".join(row["by"]) or "any"), "dim", spare=True, wide=80),
    _time("median"),
    _time("slow"),
    _time("longest"),
    Column("1ms…10s", _chart, "green"),
)


class _Flow:
    """The requests of one flow that wait."""

    def __init__(self) -> None:
        self.declared: deque[tuple[tuple[str, str], int, tuple[str, ...]]] = deque(maxlen=WAITING)
        self.others: deque[tuple[tuple[str, str], int]] = deque(maxlen=WAITING)

    def ask(self, request: tuple[str, str], at: int, ends: tuple[str, ...]) -> None:
        if ends:
            self.declared.append((request, at, ends))
        else:
            self.others.append((request, at))

    def answer(self, kind: str) -> Iterable[tuple[tuple[str, str], int]]:
        """The oldest request that such a frame ends, and all that any frame ends."""
        for index, (request, since, ends) in enumerate(self.declared):
            if kind in ends:
                del self.declared[index]
                yield request, since
                break
        yield from self.others
        self.others.clear()


def _none(protocol: str) -> Mapping[str, tuple[str, ...]]:
    return {}


def latencies(found: Iterable[tuple[Any, ...]], answers: Answers = _none) -> list[Row]:
    """Rows of `SQL`, in its order, to one row per kind of request, the most frequent first."""
    asked: dict[tuple[str, str], int] = {}
    took: dict[tuple[str, str], array[int]] = {}
    tables: dict[str, Mapping[str, tuple[str, ...]]] = {}
    flow, waiting = None, _Flow()
    for flow_id, protocol, kind, upward, at, wanted in found:
        protocol = str(protocol)
        if flow_id != flow:
            flow, waiting = flow_id, _Flow()
        if upward and wanted:
            if protocol not in tables:
                tables[protocol] = answers(protocol)
            request = (protocol, kind)
            asked[request] = asked.get(request, 0) + 1
            waiting.ask(request, at, tables[protocol].get(kind, ()))
        elif not upward:
            for request, since in waiting.answer(kind):
                took.setdefault(request, array("q")).append(max(0, at - since))
    order = sorted(asked, key=lambda request: (-asked[request], request))
    return [
        _row(request, asked[request], sorted(took.get(request, ())), tables[request[0]])
        for request in order
    ]


def _row(
    request: tuple[str, str],
    asked: int,
    times: list[int],
    table: Mapping[str, tuple[str, ...]],
) -> Row:
    def at(share: float) -> int | None:
        return times[min(len(times) - 1, int(len(times) * share))] if times else None

    edges = [0, *(bisect(times, step) for step in STEPS), len(times)]
    spread = [end - start for start, end in pairwise(edges)]
    by = list(table.get(request[1], ()))
    values = (*request, asked, len(times), by, at(0.5), at(0.95), at(1), spread)
    return dict(zip(NAMES, values, strict=True))
