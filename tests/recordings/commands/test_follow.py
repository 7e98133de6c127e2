"""understudy follow: a conversation as text, also one that goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from recordings.writer import Recording
from tests.recordings import making
from tests.recordings.commands.running import lines, run
from tests.recordings.making import HOME, TO_CLIENT


def test_messages(sample: Path) -> None:
    shown = lines("follow", sample, "--session", "1")
    assert shown[0].startswith("client, flow 1 ea-lobby, ")
    assert shown[1] == "  > @dir  PROD=NASCAR-PS2-2004 VERS=PS2/XXX"
    assert shown[2].startswith("server, flow 1 ea-lobby, ")
    assert '  > auth  NAME=alice PASS=secret MAC=""' in shown
    assert "  < Opaque  ! lost: body, byte 8: length 7, at least 12" in shown
    assert shown[-1] == "  < ..junk."


def test_bytes(sample: Path) -> None:
    text = lines("follow", sample, "--flow", "2", "--ascii")
    assert "  > PASS=secret" in text, "as it was deciphered"
    dump = lines("follow", sample, "--flow", "2", "--hex")
    assert "  < 0000  ff fe 6a 75 6e 6b 00                             ..junk." in dump


def test_json(sample: Path) -> None:
    rows = [json.loads(line) for line in lines("follow", sample, "--flow", "2", "--json")]
    assert [row["id"] for row in rows] == [3, 4, 5, 6]
    assert rows[1]["fields"]["PASS"] == "secret"


def test_filter_and_hostile_content(sample: Path) -> None:
    shown = lines("follow", sample, "~k Chat*", "--session", "2")
    assert "\x1b" not in "".join(shown)
    assert len(shown) == 4
    assert max(map(len, lines("follow", sample, "--session", "2"))) < 2_500
    assert "no such frame" in run("follow", sample, "~k none", "--session", "1").stderr


def test_long_frames_are_shortened(tmp_path: Path) -> None:
    with Recording.open(tmp_path / "a.db") as recording:
        flow = making.flow(recording, making.session(recording))
        recording.append(flow, making.frame(b"x" * 10_000))
        recording.append(flow, making.frame(b"y", TO_CLIENT, at=making.AT + 5_000_000))
    shown = lines("follow", tmp_path / "a.db", "--hex")
    assert "  > … 5,904 bytes more: --all shows them" in shown
    assert "  … 5.0 s of silence" in shown
    assert "more: --all" not in "".join(lines("follow", tmp_path / "a.db", "--hex", "--all"))


def test_refused(sample: Path, empty: Path) -> None:
    assert "holds 2 sessions: choose one" in run("follow", sample).stderr
    assert "has no flow 77" in run("follow", sample, "--flow", "77").stderr
    assert "holds no session" in run("follow", empty).stderr


def test_live(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    recording = Recording.open(path)
    flow = making.flow(recording, making.session(recording))
    recording.append(flow, making.frame(b"first", kind="one"))
    recording.flush()
    words = [sys.executable, "-m", "understudy", "follow", str(path), "--live"]
    with subprocess.Popen(
        words, cwd=HOME, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=dict(os.environ)
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("client, flow 1")
        assert running.stdout.readline() == "  > one\n"
        recording.append(flow, making.frame(b"second", TO_CLIENT, kind="two"))
        recording.flush()
        assert running.stdout.readline().startswith("server, flow 1")
        assert running.stdout.readline() == "  < two\n"
        recording.close()
        assert running.wait(20) == 0
    assert making.names(tmp_path) == ["live.db"], "the writer could make one file of it"
