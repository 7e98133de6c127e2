"""The crowd of scripts/_bench_lobby.py, small: nothing is lost while some misbehave."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.running import PATIENCE, ROOT


def test_nothing_is_lost_in_a_crowd() -> None:
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "scripts/_bench_lobby.py")),
            *("--clients", "30", "--seconds", "1.5"),
        ],
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["private_lost"], told["room_lost"], told["acks_lost"]) == (0, 0, 0)
    assert told["recorded"] == told["private"] + told["room"] > 300
