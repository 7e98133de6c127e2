"""Short ways to write rows, for the tests of the store."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from recordings.model import Direction, Frame, Origin, Transport
from recordings.writer import Recording

AT = 1_795_000_000_000_000
"""Unix microseconds."""
HOME = Path(__file__).resolve().parent.parent.parent
TO_SERVER, TO_CLIENT = Direction.TO_SERVER, Direction.TO_CLIENT


def frame(raw: bytes | None = b"raw", direction: Direction = TO_SERVER, **values: Any) -> Frame:
    return Frame(direction, values.pop("at", AT), raw, **values)


def session(recording: Recording) -> int:
    return recording.add_session(game="toy", client="192.0.2.2", origin=Origin.RECORD, at=AT)


def flow(recording: Recording, session_id: int = 1, **values: Any) -> int:
    given: dict[str, Any] = {
        "session_id": session_id,
        "protocol": "raw-tcp",
        "transport": Transport.TCP,
        "client": "192.0.2.2:4000",
        "server": "203.0.113.9:80",
        "opened_at": AT,
    }
    return recording.add_flow(**given | values)


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """What SQL gives, by a connection of the test's own."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process of its own; end it."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        cwd=HOME,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
