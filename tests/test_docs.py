"""The pages that are made from the code are current."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


def test_the_pages_of_the_protocols_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/_docs.py", "--check"], cwd=HOME, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
