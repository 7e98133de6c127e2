"""Ready questions to a recording, as SQL that anybody may read, change and run again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from recordings.turns import answers_of
from recordings.viewing import Viewer

NEAR = 500
"""Frames of a flow behind a request among which its answer is looked for."""


@dataclass(frozen=True, slots=True)
class Canned:
    """A question; `name` is part of its address."""

    name: str
    title: str
    description: str
    sql: str


_UNKNOWN = """
SELECT COALESCE(frames.protocol, flows.protocol) AS protocol, frames.direction,
  COALESCE(frames.kind, 'not read') AS kind, substr(frames.error, 1, 120) AS error,
  count(*) AS frames, min(frames.id) AS frame,
  hex(substr(COALESCE(plain, raw, sent), 1, 16)) AS begins
FROM frames JOIN flows ON flows.id = frames.flow_id
WHERE frames.kind IS NULL OR frames.kind = 'Opaque'
GROUP BY 1, 2, 3, 4 ORDER BY frames DESC
"""
_WRONG = """
SELECT frames.id AS frame, flows.session_id AS session, COALESCE(frames.protocol, flows.protocol)
    AS protocol, frames.direction, frames.kind,
  COALESCE(frames.error || ' ', '') || COALESCE((SELECT group_concat(
    json_each.key || ': ' || json_each.value, '; ')
    FROM json_each(frames.derived, '$.checks') WHERE json_each.value LIKE 'WRONG%'), '') AS wrong
FROM frames JOIN flows ON flows.id = frames.flow_id
WHERE frames.error LIKE '%WRONG%' OR frames.derived LIKE '%WRONG%'
ORDER BY frames.id
"""
_KEYS = """
SELECT keys.id, session_id AS session, frame_id AS frame, name, cipher, direction,
  hex(key) AS hex, CASE WHEN hex(key) NOT GLOB '*00*' THEN CAST(key AS TEXT) END AS text, source
FROM keys ORDER BY keys.id
"""
_REDIRECTS = """
SELECT flows.id AS flow, flows.session_id AS session, flows.parent_frame_id AS frame,
  frames.kind AS told_by, flows.protocol, flows.transport, flows.server, flows.hostname
FROM flows LEFT JOIN frames ON frames.id = flows.parent_frame_id
WHERE flows.parent_frame_id IS NOT NULL ORDER BY flows.id
"""
_CHANGED = """
SELECT frames.id AS frame, flows.session_id AS session, frames.direction, frames.kind,
  frames.action, frames.raw, frames.sent
FROM frames JOIN flows ON flows.id = frames.flow_id
WHERE frames.action IS NOT NULL OR frames.sent IS NOT NULL ORDER BY frames.id
"""
_KINDS = """
SELECT COALESCE(frames.protocol, flows.protocol) AS protocol, frames.direction,
  COALESCE(frames.kind, 'not read') AS kind, count(*) AS frames,
  sum(COALESCE(length(raw), length(sent), 0)) AS bytes, min(frames.id) AS frame
FROM frames JOIN flows ON flows.id = frames.flow_id GROUP BY 1, 2, 3 ORDER BY frames DESC
"""
_FOUND = f"""
WITH declared (protocol, asked, answered) AS ({{declared}}),
requests AS (
  SELECT frames.*, COALESCE(frames.protocol, flows.protocol) AS spoken, flows.session_id,
    (SELECT min(answer.number) FROM frames AS answer
      WHERE answer.flow_id = frames.flow_id AND answer.direction <> frames.direction
        AND answer.number BETWEEN frames.number + 1 AND frames.number + {NEAR}
        AND answer.kind IN (SELECT answered FROM declared WHERE asked = frames.kind
          AND protocol = COALESCE(frames.protocol, flows.protocol))) AS answer
  FROM frames JOIN flows ON flows.id = frames.flow_id
  WHERE frames.direction = 'c>s' AND (COALESCE(frames.protocol, flows.protocol), frames.kind)
    IN (SELECT protocol, asked FROM declared)
)
"""
_SLOWEST = """
SELECT requests.id AS frame, requests.session_id AS session, spoken AS protocol,
  requests.kind AS asked, answer.kind AS answered, answer.id AS answer,
  (answer.at - requests.at) / 1000.0 AS milliseconds
FROM requests JOIN frames AS answer
  ON answer.flow_id = requests.flow_id AND answer.number = requests.answer
ORDER BY milliseconds DESC
"""
_UNANSWERED = """
SELECT id AS frame, session_id AS session, flow_id AS flow, spoken AS protocol, kind,
  substr(fields, 1, 200) AS fields
FROM requests WHERE answer IS NULL ORDER BY id
"""


def canned(protocols: Iterable[str], viewer: Viewer | None) -> list[Canned]:
    """The questions; those about answers take what the protocols of the recording declare."""
    found = _FOUND.format(declared=_declared(protocols, viewer))
    return [
        Canned("kinds", "Kinds", "what was said how often", _KINDS),
        Canned("unknown_kinds", "Unknown kinds", "frames that no protocol could read", _UNKNOWN),
        Canned(
            "slowest_answers",
            "Slowest answers",
            "how long after a request its declared answer came",
            found + _SLOWEST,
        ),
        Canned(
            "unanswered",
            "Unanswered requests",
            f"requests whose declared answer is not among the next {NEAR} frames of their flow",
            found + _UNANSWERED,
        ),
        Canned("wrong_checks", "WRONG checks", "checksums and proofs that do not fit", _WRONG),
        Canned("seen_keys", "Keys", "every key and the frame that gave it away", _KEYS),
        Canned("redirects", "Redirects", "which frame led to which flow", _REDIRECTS),
        Canned("changed_frames", "Changed frames", "what was forwarded differently", _CHANGED),
    ]


def _text(value: str) -> str:
    return "'" + value.replace("'", "''").replace("\0", "") + "'"


def _declared(protocols: Iterable[str], viewer: Viewer | None) -> str:
    rows = [
        f"({_text(protocol)}, {_text(asked)}, {_text(answer)})"
        for protocol in protocols
        for asked, answers in sorted(answers_of(viewer, protocol).items())
        for answer in answers
    ]
    return f"VALUES {', '.join(rows)}" if rows else "SELECT NULL, NULL, NULL WHERE 0"
