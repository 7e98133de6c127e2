"""One frame, whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.recordings.commands.running import lines


@pytest.mark.usefixtures("viewer")
def test_show_marks_the_bytes_of_each_field(sample: Path) -> None:
    shown = "\n".join(lines("show", sample, "12"))
    assert "frame 12  raw-tcp Fake-raw-tcp  c>s (to the server)" in shown
    assert "  a tag   47  what it is" in shown
    assert "  b rest  ET red|blue HTTP" in shown
    assert "  0000  47 45 54 20 72 65 64 7c  62 6c 75 65 20 48 54 54  GET red|blue HTT" in shown
    assert "        a  b  b  b  b  b  b  b   b  b  b  b  b  b  b  b" in shown
    assert "gamespy-web" not in shown


@pytest.mark.usefixtures("viewer")
def test_show_of_a_deciphered_frame(sample: Path) -> None:
    shown = "\n".join(lines("show", sample, "4"))
    raw, plain = shown.index("\nraw, 41 B"), shown.index("\nplain, deciphered, 41 B")
    assert "SS=~dpv" in shown[raw:plain]
    assert "SS=secr" in shown[plain:]
    assert "enciphered by ssc2" in shown
    assert "key skey for ssc2  deciphered by 5075626c6963204b6579 (Public Key)" in shown
    assert "check MAC  WRONG: has nothing, needs 12 digits" in shown
    assert "note  the first login" in shown
    assert "0.012 s after frame 3" in shown
    assert "led here by frame 2" in shown


def test_show_of_a_changed_frame(sample: Path) -> None:
    shown = lines("show", sample, "2")
    text = "\n".join(shown)
    assert "changed on its way" in text
    assert "led to flow 2: ea-lobby 203.0.113.9:10901" in text
    assert "\nsent instead, 55 B" in text
    assert "event redirect  opened 127.0.0.1:40000" in text
    changed = shown[shown.index("sent instead, 55 B") :]
    assert any(re.fullmatch(r" +(\^  ?)+\^", line) for line in changed)


def test_show_uses_the_view_at_record_time_when_there_is_no_better(sample: Path) -> None:
    shown = "\n".join(lines("show", sample, "10"))
    assert "jazz2 Ping" in shown
    assert "no fields" in shown


def test_show_of_a_bundle_names_its_messages(sample: Path) -> None:
    shown = lines("show", sample, "7")
    assert shown.index("  messages[0]") < shown.index("  messages[1]")
    assert "    users[1].name  Carol" in shown


def test_show_of_bytes_and_of_an_object(sample: Path) -> None:
    assert lines("show", sample, "6", "--hex") == ["fffe6a756e6b00"]
    assert lines("show", sample, "10", "--hex") == [""]
    assert lines("show", sample, "11", "--hex") == [b"pong".hex()]
    (line,) = lines("show", sample, "2", "--json")
    report = json.loads(line)
    assert report["frame"]["id"] == 2
    assert bytes.fromhex(report["frame"]["sent"]).startswith(b"@dir")
    assert [flow["id"] for flow in report["opened"]] == [2]
    assert report["session"]["game"] == "nascar"
    assert json.loads(lines("show", sample, "3", "--json")[0])["keys_given"][0]["name"] == "skey"


def test_show_shortens_what_is_long_unless_asked(sample: Path) -> None:
    short = "\n".join(lines("show", sample, "9"))
    assert len(short) < 5_000
    assert "A" * 1_000_000 in "\n".join(lines("show", sample, "9", "--all"))
