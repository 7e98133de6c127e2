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
    names = ("protocol", "kind", "asked", "answered", "by", "median", "slow", "longest")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("p", "login", 3, 2, [], 300, 300, 300),
        ("p", "ping", 1, 1, [], 0, 0, 0),
    ]


def test_a_declared_answer_ends_its_own_request() -> None:
    rows = latencies(
        [
            (1, "p", "login", ASK, 0, 1),
            (1, "p", "list", ASK, 1_000, 1),
            (1, "p", "push", ANSWER, 2_000, 0),
            (1, "p", "entry", ANSWER, 5_000, 0),
            (1, "p", "ok", ANSWER, 50_000, 0),
            (1, "p", "login", ASK, 60_000, 1),
            (1, "p", "login", ASK, 61_000, 1),
            (1, "p", "refused", ANSWER, 61_500, 0),
            (1, "p", "ok", ANSWER, 63_000, 0),
            (1, "p", "login", ASK, 70_000, 1),
        ],
        lambda protocol: {"login": ("ok", "refused"), "list": ("end",)},
    )
    login, listing = rows
    assert (login["asked"], login["answered"], login["by"]) == (4, 3, ["ok", "refused"])
    assert (login["median"], login["longest"]) == (2_000, 50_000)
    assert login["spread"] == [0, 2, 0, 0, 1, 0, 0, 0, 0, 0]
    assert (listing["asked"], listing["answered"], listing["median"]) == (1, 0, None)


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
    assert (found["skey"]["answered"], found["skey"]["by"]) == (0, ["skey"])
    assert found["auth"]["median"] == 12_345
    assert (found["auth"]["asked"], found["auth"]["answered"]) == (1, 1)
    shown = lines("stats", sample, "~k GameData", "--latency")
    assert shown[1].split() == ["kaillera", "GameData", "1", "0", "GameData", "CachedData"]
    assert lines("stats", sample, "--latency")[1].endswith("█"), "up to 30 ms, one bar"
    assert objects("stats", sample, "~k auth ~f NAME=alice", "--latency", "--session", "2") == []
    assert "no such frame" in run("stats", sample, "~k nothing", "--latency").stderr
