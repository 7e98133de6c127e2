"""Which kinds of a game's protocols were never recorded: what to do while its server lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from recordings.errors import UserError
from recordings.listing import Column, Row
from recordings.text import safe
from recordings.turns import answers_of

NAMES = ("protocol", "kind", "direction", "frames", "missing", "meaning")
NEVER, NO_ANSWER = "never recorded", "its answer was never recorded"
SQL = """
SELECT COALESCE(frames.protocol, flows.protocol), kind, direction, fields, count(*)
FROM frames JOIN flows ON flows.id = frames.flow_id
WHERE kind IS NOT NULL AND kind != 'Opaque' AND (?1 IS NULL OR flows.session_id = ?1)
GROUP BY 1, 2, 3
"""
BUNDLED = """
SELECT COALESCE(frames.protocol, flows.protocol), json_extract(one.value, '$.kind'), direction,
  NULL, count(*)
FROM frames JOIN flows ON flows.id = frames.flow_id,
  json_each(CASE WHEN json_type(frames.fields, '$.messages') = 'array'
    THEN json_extract(frames.fields, '$.messages') ELSE '[]' END) AS one
WHERE frames.fields IS NOT NULL AND (?1 IS NULL OR flows.session_id = ?1)
  AND one.type = 'object' AND json_extract(one.value, '$.kind') IS NOT NULL
GROUP BY 1, 2, 3
"""
COLUMNS = (
    Column("protocol", lambda row: safe(row["protocol"]), "dim"),
    Column("kind", lambda row: safe(row["kind"]), "cyan"),
    Column("way", lambda row: str(row["direction"])),
    Column("missing", lambda row: str(row["missing"])),
    Column("what it is", lambda row: safe(row["meaning"]), spare=True),
)


@runtime_checkable
class KnowsGames(Protocol):
    """A viewer that also tells what a game can say."""

    def game_kinds(self, game: str) -> Sequence[tuple[str, str, str, str]]:
        """Protocol, kind, direction and meaning of all that a game's protocols have; UserError."""
        ...


def rows_of(viewer: object, game: str, found: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Every kind of the game with the number of its frames; `missing` is None where there are."""
    if not isinstance(viewer, KnowsGames):
        raise UserError("the kinds of games are not known here: run the whole understudy")
    counts: dict[tuple[str, str, str], int] = {}
    for protocol, kind, direction, _, frames in found:
        key = protocol, kind, direction
        counts[key] = max(counts.get(key, 0), frames)
    rows = []
    for protocol, kind, direction, meaning in viewer.game_kinds(game):
        frames = counts.get((protocol, kind, direction), 0)
        missing = None if frames else NEVER
        answers: Mapping[str, tuple[str, ...]] = answers_of(viewer, protocol)
        if frames and direction == "c>s" and kind in answers:
            ended = any(counts.get((protocol, one, "s>c")) for one in answers[kind])
            missing = None if ended else NO_ANSWER
        values = (protocol, kind, direction, frames, missing, meaning)
        rows.append(dict(zip(NAMES, values, strict=True)))
    return rows


def sentence(game: str, rows: Sequence[Row]) -> str:
    """How much of the game was recorded."""
    there = sum(row["missing"] is None for row in rows)
    if there == len(rows):
        return f"All {len(rows)} kinds of messages of {game} were recorded."
    return (
        f"{there} of {len(rows)} kinds of messages of {game} were recorded. Do what makes the "
        "game say the others while its server lives."
    )
