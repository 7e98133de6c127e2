"""What a sequence diagram shows, before anything is drawn: lanes from left to right, rows from
the top down.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

CLIENT = 0
PROXY = 1
"""The lanes that every diagram has; servers follow."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Who speaks: the client, the proxy, a server."""

    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One frame."""

    frame_id: int
    flow_id: int
    at: int
    """Unix time in microseconds."""
    upward: bool
    """From the client to the server."""
    server: int
    """Lane of the server; PROXY when nobody but us answered."""
    kind: str
    text: str
    """The telling fields in one line, or why the frame could not be read."""
    size: int
    """Bytes, deciphered."""
    push: bool = False
    """The server sent it unasked."""
    answers: int | None = None
    """Id of the request that it answers."""
    answered_by: int | None = None
    action: str | None = None
    """What was done to it on its way, see `recordings.model.Action`."""
    cipher: str | None = None
    wrong: bool = False
    """It cannot be read, or fails a check."""
    opens: tuple[tuple[int, int], ...] = ()
    """Flows that it led to, each with the lane of its server."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What happened beside the frames: a flow begins or ends, an event, a silence."""

    at: int
    text: str
    event: bool = False
    """It stands in the table of events."""


Row: TypeAlias = Arrow | Remark


@dataclass(frozen=True, slots=True)
class Scene:
    """A diagram of a session, or of a page of it."""

    title: str
    start: int
    """Unix microseconds that the times of the rows are counted from."""
    lanes: list[Lane]
    rows: list[Row] = field(default_factory=list)
    first: int | None = None
    """Id of the first frame."""
    last: int | None = None
    more: bool = False
    """There are further frames behind the last one."""

    @property
    def arrows(self) -> list[Arrow]:
        """The rows that are frames."""
        return [row for row in self.rows if isinstance(row, Arrow)]
