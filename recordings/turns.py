"""Which frame answers which, and which were pushed: what a protocol declares, or the order.

A protocol that declares answers (kind of a request -> kinds that end its turn) decides; where it
declares none at all, the next frame of the other side answers all that wait. What the server sent
and answers nothing is a push.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from recordings.model import Direction

Answers = Mapping[str, tuple[str, ...]]
SAID = """
SELECT frames.id, flow_id, direction, COALESCE(frames.protocol, flows.protocol),
  COALESCE(kind, 'Opaque')
FROM frames CROSS JOIN flows ON flows.id = frames.flow_id
"""
"""Reads what `Said.of` takes; a condition and an order follow."""
WAITING = 200
"""Requests of one flow and side that wait at once; older ones count as never answered."""


@runtime_checkable
class KnowsAnswers(Protocol):
    """A viewer that also tells what answers what."""

    def answers(self, protocol: str) -> Answers:
        """Kind of a request -> kinds that end its turn; empty when nothing is declared."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """As much of a frame as it takes to tell its turn."""

    id: int
    flow_id: int
    direction: Direction
    protocol: str
    kind: str

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Said:
        """From a row of the columns `SAID`."""
        way = Direction.TO_SERVER if row[2] == Direction.TO_SERVER else Direction.TO_CLIENT
        return cls(row[0], row[1], way, row[3], row[4])


@dataclass(slots=True)
class Turns:
    """What became of the frames that were looked at."""

    answered_by: dict[int, int] = field(default_factory=dict)
    """Id of a request -> id of its answer."""
    answers: dict[int, int] = field(default_factory=dict)
    """Id of an answer -> id of the first request that it answers."""
    pushes: set[int] = field(default_factory=set)
    """Ids of what the server sent unasked."""


class _Table:
    """The declared answers, asked for once a protocol."""

    def __init__(self, viewer: object) -> None:
        self._viewer = viewer if isinstance(viewer, KnowsAnswers) else None
        self._known: dict[str, Answers] = {}

    def of(self, protocol: str) -> Answers:
        found = self._known.get(protocol)
        if found is None:
            found = self._viewer.answers(protocol) if self._viewer else {}
            self._known[protocol] = found
        return found


def answers_of(viewer: object, protocol: str) -> Answers:
    """What a viewer knows of a protocol's answers; empty when it tells nothing."""
    return _Table(viewer).of(protocol)


def find_turns(frames: Iterable[Said], viewer: object) -> Turns:
    """Pair frames that come in order of id; see the module."""
    table = _Table(viewer)
    turns = Turns()
    waiting: dict[tuple[int, Direction], list[Said]] = {}
    for frame in frames:
        declared = table.of(frame.protocol)
        asked = waiting.get((frame.flow_id, frame.direction.other), [])
        ended = _ended(asked, frame, declared)
        for request in ended:
            turns.answered_by[request.id] = frame.id
            asked.remove(request)
        if ended:
            turns.answers[frame.id] = ended[0].id
        elif frame.direction is Direction.TO_CLIENT:
            turns.pushes.add(frame.id)
        if _asks(frame, declared, bool(ended)):
            mine = waiting.setdefault((frame.flow_id, frame.direction), [])
            mine.append(frame)
            del mine[:-WAITING]
    return turns


def _ended(asked: list[Said], frame: Said, declared: Answers) -> list[Said]:
    if not declared:
        return list(asked)
    for request in asked:
        if frame.kind in declared.get(request.kind, ()):
            return [request]
    return []


def _asks(frame: Said, declared: Answers, is_answer: bool) -> bool:
    """Whether a frame waits for an answer."""
    if declared:
        # kinds of one name both ways (EA) ask when they go up, and answer when they come down
        return frame.kind in declared and not (is_answer and frame.kind in declared[frame.kind])
    return frame.direction is Direction.TO_SERVER
