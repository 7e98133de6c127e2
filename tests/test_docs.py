"""The pages that are made from the code are current, and the examples in the others run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from proxy import registry
from proxy.keys import SessionKeys
from recordings.model import Direction

HOME = Path(__file__).resolve().parent.parent


def test_the_pages_of_the_protocols_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/_docs.py", "--check"], cwd=HOME, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_protocol_in_contributing_works(tmp_path: Path) -> None:
    text = (HOME / "CONTRIBUTING.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "my_game.py"
    file.write_text(example, "utf-8")
    (protocol,) = registry.add_file(file)
    assert registry.protocol("my-game") is protocol
    feed = protocol.dissector(SessionKeys()).feed
    (ping,) = feed(Direction.TO_SERVER, bytes.fromhex("01002a"), 1)
    message = protocol.view(ping)
    assert (message.kind, message.fields()) == ("Ping", {"number": 42})
    (garbage,) = feed(Direction.TO_SERVER, b"\x02", 2)
    assert protocol.view(garbage).kind == "Opaque"
