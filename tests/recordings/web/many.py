"""A session of 2,000 messages: what one page has to draw."""

from __future__ import annotations

import json
from pathlib import Path

from recordings.model import Direction, Frame, Origin, Transport
from recordings.writer import Recording

AT = 1_795_000_000_000_000
MANY = 2_000
KINDS = ("auth", "sele", "+usr", "news", "move", "+msg", "onln")


def write_many(path: Path) -> Path:
    """A session of 2,000 messages in four flows."""
    with Recording.open(path) as recording:
        recording.add_session(game="toy", client="192.0.2.2", origin=Origin.RECORD, at=AT)
        for number in range(4):
            recording.add_flow(
                session_id=1,
                protocol="ea-lobby",
                transport=Transport.TCP,
                client=f"192.0.2.2:{4000 + number}",
                server=f"203.0.113.{9 + number}:10600",
                opened_at=AT,
            )
        for number in range(MANY):
            fields = {"NAME": f"user{number}", "TEXT": f"hello there {number}", "PING": "17"}
            way = Direction.TO_CLIENT if number * 7919 % 5 < 3 else Direction.TO_SERVER
            frame = Frame(
                way,
                AT + number * 10_000,
                b"x" * (number % 200),
                kind=KINDS[number % len(KINDS)],
                fields=json.dumps(fields),
            )
            recording.append(1 + number % 4, frame)
    return path
