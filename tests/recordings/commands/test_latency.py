"""How long servers took."""

from __future__ import annotations

from pathlib import Path

from recordings.commands._latency import latencies
from tests.recordings.commands.running import lines, objects, run

ASK, ANSWER = 1, 0


def test_an_answer_ends_all_that_waits_in_its_flow_only() -> None:
    rows = latencies(
        [
            (1, "p", "login", ASK, 100, 1),
            (1, "p", "login", ASK, 150, 1),
            (1, "p", "ok", ANSWER, 400, 0),
            (1, "p", "push", ANSWER, 900, 0),
            (1, "p", "login", ASK, 1000, 1),
            (2, "p", "ok", ANSWER, 1001, 0),
            (2, "p", "ping", ASK, 1002, 0),
            (2, "p", "ping", ASK, 1003, 1),
            (2, "p", "ok", ANSWER, 990, 0),
        ]
    )
    assert [tuple(row.values()) for row in rows] == [
        ("p", "login", 3, 2, 300, 300, 300),
        ("p", "ping", 1, 1, 0, 0, 0),
    ]


def test_medians_and_the_slow() -> None:
    found = [
        row
        for n in range(100)
        for row in ((1, "p", "k", ASK, n * 1000, 1), (1, "p", "k", ANSWER, n * 1000 + n, 0))
    ]
    (row,) = latencies(found)
    assert (row["median"], row["slow"], row["longest"]) == (50, 95, 99)


def test_the_command(sample: Path) -> None:
    found = {row["kind"]: row for row in objects("stats", sample, "--latency", "--session", "1")}
    assert found["@dir"]["median"] == 12_345
    assert found["skey"]["median"] == 24_690
    assert (found["auth"]["asked"], found["auth"]["answered"]) == (1, 1)
    shown = lines("stats", sample, "~k GameData", "--latency")
    assert shown[1].split() == ["kaillera", "GameData", "1", "0"]
    assert objects("stats", sample, "~k auth ~f NAME=alice", "--latency", "--session", "2") == []
    assert "no such frame" in run("stats", sample, "~k nothing", "--latency").stderr
