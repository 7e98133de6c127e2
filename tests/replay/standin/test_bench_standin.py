"""The clients of scripts/_load_standin.py, few and short: nothing is lost, and they can count."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.running import PATIENCE, ROOT, Command


def played(role: str, port: int, count: int, seconds: float) -> dict[str, Any]:
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "scripts/_load_standin.py")),
            *(role, str(port), str(count), str(seconds)),
        ],
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_games_and_a_lobby_lose_nothing(tmp_path: Path) -> None:
    relays = "--relay", "kaillera:0", "--relay", "kaillera-list:0"
    with Command(tmp_path, "serve", "kaillera", *relays, "-q") as command:
        port = command.ready()["kaillera", "udp"]
        games = played("games", port, 2, 0.5)
        lobby = played("lobby", port, 20, 1.0)
        command.stop()
    assert (games["frames"], games["frames lost"], games["frames wrong"]) == (120, 0, 0)
    assert (lobby["lines"], lobby["lines lost"]) == (2, 0)
    assert 0 < games["ms added, p50"] <= games["ms added, p99"] <= games["ms added, worst"] + 0.01
    assert "everything answered" in command.lines[-1]
