"""How each kind of request was answered: the matrix for whom a server is to be written."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from proxy.protocol import Protocol
from recordings.model import Direction
from replay.diff.report import AnswerRow, Entry, State


def answer_rows(protocol: Protocol, entries: Sequence[Entry]) -> list[AnswerRow]:
    """A row for each kind of request that was said on two flows.

    An answer belongs to the oldest request that it can answer and that has none yet.
    """
    rows: dict[tuple[str, str], AnswerRow] = {}
    waiting: dict[str, deque[Entry]] = defaultdict(deque)  # kind of the answer -> requests
    answered: set[int] = set()
    for entry in entries:
        said = entry.said
        if said.direction is Direction.TO_SERVER:
            wanted = protocol.answers.get(said.kind)
            if wanted:
                row = rows.setdefault((said.protocol, said.kind), AnswerRow(*_key(entry)))
                row.not_asked += entry.state is State.MISSING
                for kind in wanted:
                    waiting[kind].append(entry)
            continue
        request = _oldest(waiting[said.kind], answered)
        if request is None:
            continue
        answered.add(id(request))
        row = rows[request.said.protocol, request.said.kind]
        if entry.state is State.EXTRA:
            row.extra += 1
        elif request.state is not State.MISSING:
            row.asked += 1
            row.answered += not entry.state.differs
            row.differently += entry.state in (State.DIFFERENT, State.MOVED)
            row.never += entry.state is State.MISSING
    return list(rows.values())


def _key(entry: Entry) -> tuple[str, str]:
    return entry.said.protocol, entry.said.kind


def _oldest(requests: deque[Entry], answered: set[int]) -> Entry | None:
    while requests:
        request = requests.popleft()
        if id(request) not in answered:
            return request
    return None
