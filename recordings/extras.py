"""How to install what only some commands need: libraries that come by an extra."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


def how_to_install(extra: str) -> str:
    """What to type so that the extra goes where this program is, whatever `pip` is on the path."""
    python = Path(sys.executable or "python")
    with suppress(ValueError):
        python = python.relative_to(Path.cwd())
    program = f'"{python}"' if " " in str(python) else str(python)
    if program.startswith('"') and os.name == "nt":
        program = f"& {program}"  # else PowerShell takes it for a text
    return f'{program} -m pip install "understudy[{extra}]"'
