"""A recording whose every text tries to run a script in the page that shows it."""

from __future__ import annotations

import json
from pathlib import Path

from recordings.model import Action, Direction, Frame, Key, Origin, Transport
from recordings.writer import Recording

AT = 1_795_000_000_000_000
ATTACKS = (
    "<script>alert('tag')</script>",
    "<img src=x onerror=alert('img')>",
    "\"><svg onload=alert('svg')>",
    "' onmouseover=alert('attribute') autofocus onfocus=alert('focus') x='",
    "</title></style></textarea></script><script>alert('ends')</script>",
    "javascript:alert('link')",
    "{{ 7 * 7 }} {% raw %}",
    "]]><script xmlns='http://www.w3.org/1999/xhtml'>alert('xml')</script>",
    "\x1b[2J\u202e\u2066\x00\x07\r\n<b onclick=alert(1)>",
)
ALL = " ".join(ATTACKS)
MEGABYTE = "A" * 1_000_000
FRAMES = 6


def write_hostile(path: Path) -> Path:
    """One session, two flows, six frames; `ATTACKS` wherever a text may stand."""
    clean = ALL.replace("\0", "")
    with Recording.open(path) as recording:
        session = recording.add_session(
            game=clean, client=clean, origin=Origin.RECORD, note=clean, uid=clean, at=AT
        )
        flows = [
            recording.add_flow(
                session_id=session,
                protocol="ea-lobby" if number == 0 else clean,
                transport=Transport.TCP,
                client=clean,
                server=clean if number else "203.0.113.9:10600",
                hostname=clean if number else None,
                opened_at=AT,
            )
            for number in range(2)
        ]
        fields = {one.replace("\0", ""): one for one in ATTACKS} | {"long": MEGABYTE}
        body = ALL.encode() + b"\xff\xfe\x00"
        for number in range(FRAMES):
            frame = Frame(
                Direction.TO_SERVER if number % 2 else Direction.TO_CLIENT,
                AT + number,
                body + (MEGABYTE.encode() if number == 4 else b""),
                plain=body[::-1] if number == 3 else None,
                cipher=clean if number == 3 else None,
                error=clean if number == 2 else None,
                sent=b"<script>alert('sent')</script>" if number == 5 else None,
                action=Action.CHANGED if number == 5 else None,
                kind=clean,
                fields=json.dumps(fields),
                derived={"checks": {clean: f"WRONG: {clean}"}},
            )
            recording.append(flows[number // 3], frame)
        recording.add_key(session, Key(clean, body[:200], clean), flow_id=flows[0], frame_id=4)
        recording.add_event(clean, clean, at=AT, session_id=session, flow_id=flows[0], frame_id=1)
        recording.add_note(clean, session_id=session, frame_id=1, at=AT)
        recording.close_flow(flows[0], AT + 9, clean)
        recording.end_session(session, at=AT + 10)
    return path
