"""`understudy demo`, the real command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from recordings.reader import Reader
from tests.running import ROOT


def test_the_demo_shows_an_evening(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "understudy.py"), "demo", "-w", "evening.db"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("is sent to 127.0.0.1", "played to its end: said 25 of 25", "PASS=daytona500"):
        assert told in done.stdout
    with Reader.open(tmp_path / "evening.db") as reader:
        (session,) = reader.sessions()
        legs = reader.flows(session.id)
    assert 60 <= session.frames <= 80  # what the server said by itself may come too late
    assert [leg.parent_frame_id is None for leg in legs] == [True, False, False]
