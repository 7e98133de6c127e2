"""Sessions, flows, frames and counts, for a person and for a program."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from tests.recordings.commands.running import COMMANDS, REST, lines, objects, run


def test_sessions(sample: Path) -> None:
    header, first, second = lines("sessions", sample)
    names = "id started length game client origin flows frames up down note"
    assert " ".join(header.split()) == names
    assert re.search(r"^ 1  20\d\d-\d\d-\d\d \d\d:\d\d:\d\d +1:05 +nascar +192.0.2.7", first)
    assert " open " in second
    counts = [(one["flows"], one["frames"]) for one in objects("sessions", sample)]
    assert counts == [(2, 6), (3, 6)]


def test_flows(sample: Path) -> None:
    shown = lines("flows", sample)
    assert len(shown) == 6
    assert "203.0.113.9:10600 ps2nascar04.ea.com" in shown[1]
    assert "frame 2" in shown[2]
    assert " open " in shown[3]
    assert "(none)" in shown[4]
    assert [one["id"] for one in objects("flows", sample, "--session", "2")] == [3, 4, 5]


def test_frames(sample: Path) -> None:
    shown = lines("frames", sample)
    assert len(shown) == 13
    names = "id time session flow way protocol size kind what"
    assert " ".join(shown[0].split()) == names
    assert "[changed]  ADDR=203.0.113.9 PORT=10901" in shown[2]
    assert shown[4].endswith("MAC: WRONG: has nothing, needs 12 digits")
    assert "! NAME=alice PASS=secret" in shown[4]
    assert "! lost: body, byte 8: length 7, at least 12  ..junk." in shown[6]
    assert 'Chat(username=bob text="hello there")' in shown[7]


def test_frames_of_a_filter_in_one_or_several_words(sample: Path) -> None:
    one = objects("frames", sample, "~k auth ~d up")
    assert [frame["id"] for frame in one] == [4]
    assert objects("frames", sample, "~k", "auth", "~d", "up") == one
    assert one[0]["fields"]["PASS"] == "secret"
    assert bytes.fromhex(one[0]["raw"]).startswith(b"auth")
    assert b"PASS=secret" in bytes.fromhex(one[0]["plain"])


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--session", "2"], [7, 8, 9, 10, 11, 12]),
        (["--flow", "2"], [3, 4, 5, 6]),
        (["--flow", "2", "--after", "4"], [5, 6]),
        (["--after", "10"], [11, 12]),
        (["--limit", "2"], [1, 2]),
        (["--after", "3", "--limit", "2", "~tcp"], [4, 5]),
    ],
)
def test_frames_of_a_part(sample: Path, options: list[str], ids: list[int]) -> None:
    assert [frame["id"] for frame in objects("frames", sample, *options)] == ids


def test_the_protocol_is_shown_only_when_there_are_several(sample: Path) -> None:
    assert "protocol" in lines("frames", sample)[0]
    assert "protocol" not in lines("frames", sample, "--session", "1")[0]


@pytest.mark.usefixtures("viewer")
def test_a_frame_without_a_view_gets_one_now(sample: Path) -> None:
    (frame,) = objects("frames", sample, "~n 12")
    assert frame["kind"] == "Fake-raw-tcp"
    assert frame["fields"] == {"tag": "47", "rest": "ET red|blue HTTP"}


HINTS = (
    ("AUTH", "no kind AUTH is known here; did you mean ~k auth?"),
    ("~k sky", "no kind sky is known here; did you mean ~k skey?"),
    ("~d up (~k atuh | ~f x)", "no kind atuh is known here; did you mean ~k auth?"),
    ("!~all ~f NMAE=alice", "no field NMAE is known here; did you mean ~f NAME?"),
    ("~f auth.nmae", "did you mean ~f auth.NAME"),
    ("~f NAME=alise", "NAME is never alise; did you mean ~f NAME=alice"),
    ("~f users[3].name=nobody", "No frame matches the filter."),
    ("~f zzz", "no field zzz is known here; there are "),
    ("~p ea-loby", "no protocol ea-loby is known here; did you mean ~p ea-lobby?"),
    ("~k auth ~k skey", "No frame matches the filter."),
)


def test_a_filter_that_finds_nothing_says_what_is_not_known(sample: Path, empty: Path) -> None:
    result = run("frames", sample, "~k zzz")
    assert result.exit_code == 0
    assert "no kind zzz is known here; there are " in result.stderr
    assert "auth" in result.stderr
    for text, said in HINTS:
        assert said in run("frames", sample, text).stderr
    assert run("frames", sample, "~k logn", "--nl").stdout == ""
    assert "no such frame" in run("frames", empty).stderr
    assert "no session yet" in run("sessions", empty).stderr
    assert "no flow yet" in run("flows", empty).stderr


@pytest.mark.parametrize("command", ["sessions", "flows", "frames", "stats", "query"])
def test_every_format_has_the_same_rows(sample: Path, command: str) -> None:
    rest = REST.get(command, [])
    by_line = objects(command, sample, *rest)
    assert json.loads("\n".join(lines(command, sample, *rest, "--json"))) == by_line
    before = csv.field_size_limit(1 << 24)
    try:
        header, *table = csv.reader(io.StringIO(run(command, sample, *rest, "--csv").stdout))
    finally:
        csv.field_size_limit(before)
    assert len(table) == len(by_line) > 1
    assert header == list(by_line[0])
    assert len(lines(command, sample, *rest, "--table")) >= len(by_line) + 1


def test_stats(sample: Path) -> None:
    shown = lines("stats", sample)
    assert shown[-1] == "12 frames, 192 B up, 110 B down; 2 opaque (16.7%), 2 with an error"
    by_kind = {(one["kind"], one["direction"]): one for one in objects("stats", sample, "~s 1")}
    assert by_kind["auth", "c>s"]["bytes"] == 41
    assert by_kind["Opaque", "s>c"]["errors"] == 1
    assert sum(one["share"] for one in by_kind.values()) == pytest.approx(1, abs=1e-4)
    assert objects("stats", sample, "--session", "1") == objects("stats", sample, "~s 1")
    assert lines("stats", sample, "~k nothing")[-1] == "There is no such frame in the recording."


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frames", "--session", "7"], "has no session 7"),
        (["flows", "--session", "7"], "has no session 7"),
        (["stats", "--session", "7"], "has no session 7"),
        (["frames", "--flow", "9"], "has no flow 9"),
        (["frames", "--session", "1", "--flow", "3"], "has no flow 3"),
        (["show", "99"], "has no frame 99"),
        (["frames", "~x"], "filter, column 1"),
        (["stats", "~x"], "filter, column 1"),
    ],
)
def test_errors_name_the_cure(sample: Path, arguments: list[str], says: str) -> None:
    command, *rest = arguments
    result = run(command, sample, *rest)
    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_no_recording_is_one_sentence(tmp_path: Path, command: str) -> None:
    other = tmp_path / "other.txt"
    other.write_text("no database at all, " * 100)
    for path in (other, tmp_path / "missing.db", tmp_path):
        result = run(command, path, *REST.get(command, []))
        assert result.exit_code == 1
        assert path.name in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
